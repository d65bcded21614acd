/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_words.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/cause.h"
#include "model/json.h"
#include "model/sentence_death.h"
#include "model/signal_words.h"

#define TOP_PHASES	3
#define NODE_CAUSE_SIZE 40

/* Whole seconds are enough here: "812ms", "4.2s", "94s", "2m31s", "1h05m". */
static void duration(FILE *out, uint64_t ns)
{
	uint64_t s = (ns + NS_PER_SECOND / 2) / NS_PER_SECOND;

	if (ns < 1000 * NS_PER_MS)
		fprintf(out, "%" PRIu64 "ms", ns / NS_PER_MS);
	else if (ns < 9950 * NS_PER_MS)
		fprintf(out, "%.1fs", (double)ns / 1e9);
	else if (s < 100)
		fprintf(out, "%" PRIu64 "s", s);
	else if (s < 3600)
		fprintf(out, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else
		fprintf(out, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s % 3600 / 60);
}

/* As Kubernetes writes quantities: "512Mi". */
static void quantity(FILE *out, uint64_t bytes)
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(bytes, text);
	fprintf(out, "%.*s", (int)strcspn(text, "B"), text);
}

/* Runs a writer into a text of bounded size. */
struct into {
	FILE *file;
	char *text;
	size_t size;
};

static void into_open(struct into *into)
{
	*into = (struct into){0};
	into->file = open_memstream(&into->text, &into->size);
}

static void into_close(struct into *into, char *to, size_t size)
{
	*to = '\0';
	if (into->file)
		fclose(into->file);
	if (into->text)
		text_copy(to, size, into->text);
	free(into->text);
}

bool node_words_append(char *line, size_t size, const char *text, size_t spare)
{
	if (strlen(line) + strlen(text) + spare >= size)
		return false;
	strcat(line, text);
	return true;
}

void node_words_clock(int64_t wall_ns, char ret[static NODE_CLOCK_SIZE])
{
	char text[WALL_TEXT_SIZE];

	clock_wall_text(wall_ns, 0, text); /* 2026-11-23T06:12:04Z */
	snprintf(ret, NODE_CLOCK_SIZE, "%.5sZ", text + strlen("2026-11-23T"));
}

void node_words_subject(const struct subject *subject, char ret[static NODE_SUBJECT_SIZE])
{
	char id[13], whole[512], tail[NODE_SUBJECT_SIZE];
	struct into into;

	into_open(&into);
	if (!into.file) {
		*ret = '\0';
		return;
	}
	if (*subject->pod) {
		text_print_safe(into.file, subject->pod_namespace);
		fputc('/', into.file);
		text_print_safe(into.file, subject->pod);
	} else {
		TEXT_COPY(id, subject->container_id);
		fputs(*id ? "container " : "host process", into.file);
		text_print_safe(into.file, id);
	}
	into_close(&into, whole, sizeof(whole));
	if (strlen(whole) < NODE_SUBJECT_SIZE) {
		memcpy(ret, whole, strlen(whole) + 1);
		return;
	}
	text_copy(ret, NODE_SUBJECT_SIZE / 2, whole);
	text_copy_tail(tail, NODE_SUBJECT_SIZE - 2 - strlen(ret), whole);
	const char *from = tail;

	while (((unsigned char)*from & 0xc0) == 0x80) /* not from within a sequence */
		from++;
	strcat(strcat(ret, ".."), from);
}

struct share {
	enum phase phase;
	uint64_t ns;
};

static int longest_first(const void *a, const void *b)
{
	uint64_t of_a = ((const struct share *)a)->ns, of_b = ((const struct share *)b)->ns;

	return of_a < of_b ? 1 : of_a > of_b ? -1 : 0;
}

/* What took the phase, in a word; "" where the phase says it itself. */
static void cause_word(const struct record_start *start, const struct cause *cause,
		       char ret[static NODE_CAUSE_SIZE])
{
	static const char *const words[CAUSE_KIND_COUNT] = {
		[CAUSE_CPU] = "cpu",
		[CAUSE_RUN_QUEUE] = "run queue",
		[CAUSE_THROTTLED] = "throttled",
		[CAUSE_DISK] = "disk",
		[CAUSE_NETWORK] = "network",
		[CAUSE_LOCK] = "lock",
		[CAUSE_SLEEP] = "sleep",
		[CAUSE_READ] = "disk",
		[CAUSE_PEER] = "peer",
		[CAUSE_DNS] = "dns",
		[CAUSE_UNPACK] = "unpack",
	};
	const char *word = cause->kind < CAUSE_KIND_COUNT ? words[cause->kind] : NULL;

	if (cause->kind == CAUSE_PEER && *start->why.peers[cause->index].name)
		word = start->why.peers[cause->index].name;
	if (cause->kind == CAUSE_PLUGIN)
		word = start->plugins[cause->index].name;
	if (cause->kind == CAUSE_WORK)
		word = work_kind_name(start->why.work[cause->index].kind);
	text_copy(ret, NODE_CAUSE_SIZE, word ?: "");
}

/* "app 24s (disk 22s)" */
static void phase_words(const struct record_start *start, const struct share *share, bool why,
			char ret[static NODE_WORDS_SIZE])
{
	char word[NODE_CAUSE_SIZE] = "";
	struct cause cause;
	struct into into;

	into_open(&into);
	if (into.file) {
		fprintf(into.file, "%s ", phase_name(share->phase));
		duration(into.file, share->ns);
		if (why && cause_of_phase(start, share->phase, &cause))
			cause_word(start, &cause, word);
		if (*word) {
			fputs(" (", into.file);
			text_print_safe(into.file, word);
			fputc(' ', into.file);
			duration(into.file, cause.ns);
			fputc(')', into.file);
		}
	}
	into_close(&into, ret, NODE_WORDS_SIZE);
}

/* As many as there is room for; why a phase took so long gives way first. */
static void top_phases(const struct record *record, size_t spare, char *line)
{
	struct share shares[PHASE_COUNT] = {0};

	for (uint32_t i = 0; i < record->start.phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *span = &record->start.phases[i];

		if (span->phase < PHASE_COUNT && span->span.to_ns > span->span.from_ns) {
			shares[span->phase].phase = span->phase;
			shares[span->phase].ns += span->span.to_ns - span->span.from_ns;
		}
	}
	qsort(shares, PHASE_COUNT, sizeof(*shares), longest_first);
	for (int i = 0; i < TOP_PHASES && shares[i].ns > record_duration_ns(record) / 20; i++) {
		const char *comma = i ? ", " : ": ";
		bool added = false;

		for (int why = 1; why >= 0 && !added; why--) {
			char words[NODE_WORDS_SIZE], text[NODE_WORDS_SIZE + 2];

			phase_words(&record->start, &shares[i], why, words);
			snprintf(text, sizeof(text), "%s%s", comma, words);
			added = node_words_append(line, NODE_START_SIZE, text, spare);
		}
		if (!added)
			return;
	}
}

void node_words_start(const struct record *record, char ret[static NODE_START_SIZE])
{
	static const char reconstructed[] = " [reconstructed]";
	bool is_reconstructed = record_reconstructed(record);
	char subject[NODE_SUBJECT_SIZE], at[NODE_CLOCK_SIZE];
	struct into into;

	into_open(&into);
	if (into.file) {
		node_words_subject(&record->subject, subject);
		node_words_clock((int64_t)record->boot_ns + record->wall_offset_ns, at);
		fprintf(into.file, "%s ", subject);
		duration(into.file, record_duration_ns(record));
		fprintf(into.file, " at %s", at);
	}
	into_close(&into, ret, NODE_START_SIZE);
	top_phases(record, is_reconstructed ? strlen(reconstructed) : 0, ret);
	if (is_reconstructed)
		node_words_append(ret, NODE_START_SIZE, reconstructed, 0);
}

static void limit(FILE *out, const struct record_oom *oom)
{
	const char *leaf = strrchr(oom->limit_path, '/');
	char shown[24];

	switch (oom->scope) {
	case SCOPE_CONTAINER:
		fputs(", container limit ", out);
		break;
	case SCOPE_POD:
		fputs(", pod limit ", out);
		break;
	case SCOPE_CGROUP:
		text_copy_tail(shown, sizeof(shown), leaf ? leaf + 1 : oom->limit_path);
		fputs(", limit of ", out);
		text_print_safe(out, shown);
		fputc(' ', out);
		break;
	case SCOPE_NODE:
		fputs(", the node was out of memory", out);
		return;
	default:
		return;
	}
	quantity(out, oom->limit_bytes);
}

static void role(FILE *out, const struct oom_victim *victim)
{
	if (victim->workers > 1 && victim->worker)
		fprintf(out, " (worker %" PRIu32 " of %" PRIu32, victim->worker, victim->workers);
	else
		fputs(victim->init ? " (init" : " (child", out);
}

void node_words_oom(const struct record *record, char ret[static NODE_WORDS_SIZE])
{
	const struct record_oom *oom = &record->oom;
	char subject[NODE_SUBJECT_SIZE];
	struct into into;

	into_open(&into);
	if (into.file) {
		node_words_subject(&record->subject, subject);
		fprintf(into.file, "%s ", subject);
		text_print_safe(into.file, oom->victims[0].comm);
		if (*record->subject.container_id) {
			role(into.file, &oom->victims[0]);
			if (oom->container_survived == SURVIVAL_YES)
				fputs(", container survived", into.file);
			else if (oom->container_survived == SURVIVAL_NO)
				fputs(", container ended", into.file);
			fputc(')', into.file);
		}
		limit(into.file, oom);
		if (*oom->killer) {
			fputs(", by ", into.file);
			text_print_safe(into.file, oom->killer);
		}
		if (oom->series.leak)
			fputs(", a leak", into.file);
	}
	into_close(&into, ret, NODE_WORDS_SIZE);
}

_Static_assert(NODE_EXIT_SIZE >= SIGNAL_TEXT_SIZE, "a signal's name fits");

void node_words_exit(const struct record_exit *exit, char ret[static NODE_EXIT_SIZE])
{
	switch (exit->verdict) {
	case EXIT_CRASHED:
		if (exit->sender_signal == SIGABRT || exit->signal)
			signal_text(exit->sender_signal == SIGABRT ? SIGABRT : exit->signal, ret);
		else
			snprintf(ret, NODE_EXIT_SIZE, "exit %d", exit->code);
		break;
	case EXIT_KILLED:
	case EXIT_SELF_KILLED:
	case EXIT_SIGNALED:
		signal_text(exit->signal, ret);
		break;
	case EXIT_START_FAILED:
		strcpy(ret, "never started");
		break;
	case EXIT_OOM_KILLED:
		strcpy(ret, "out of memory");
		break;
	default:
		snprintf(ret, NODE_EXIT_SIZE, "exit %d", exit->code);
	}
}

/* In brackets: what a signal or a code alone does not say. */
static void detail(FILE *out, const struct record_exit *exit)
{
	const char *fault = exit->verdict == EXIT_CRASHED && !exit->sender_pid
				    ? signal_fault_text(exit->signal, exit->fault_code)
				    : NULL;

	if (exit->failed.kind != FAILURE_NONE && exit->failed.kind != FAILURE_OTHER) {
		fputs(" (", out);
		sentence_failed_start(out, &exit->failed);
	} else if (fault &&
		   signal_is_null_pointer(exit->signal, exit->fault_address, exit->fault_code)) {
		fputs(" (null pointer", out);
	} else if (fault) {
		fprintf(out, " (%s", fault);
	} else if (exit->sender_pid &&
		   (exit->verdict == EXIT_KILLED || exit->verdict == EXIT_SELF_KILLED)) {
		fputs(exit->sender_inside ? " (from inside by " : " (from outside by ", out);
		text_print_safe(out, exit->sender_comm);
	} else {
		return;
	}
	fputc(')', out);
}

void node_words_death(const struct record *record, char ret[static NODE_WORDS_SIZE])
{
	char subject[NODE_SUBJECT_SIZE], what[NODE_EXIT_SIZE];
	struct into into;

	into_open(&into);
	if (into.file) {
		node_words_subject(&record->subject, subject);
		node_words_exit(&record->exit, what);
		fprintf(into.file, "%s %s", subject, what);
		detail(into.file, &record->exit);
	}
	into_close(&into, ret, NODE_WORDS_SIZE);
}

void node_words_gap(const struct record *record, char ret[static NODE_WORDS_SIZE])
{
	const struct record_gap *gap = &record->gap;
	struct into into;

	into_open(&into);
	if (into.file) {
		text_print_safe(into.file, gap->source);
		fputs(": ", into.file);
		text_print_safe(into.file, gap->cause);
		if (record_duration_ns(record)) {
			fputs(" for ", into.file);
			duration(into.file, record_duration_ns(record));
		}
		if (gap->count)
			fprintf(into.file, ", %" PRIu64 " lost", gap->count);
	}
	into_close(&into, ret, NODE_WORDS_SIZE);
}
