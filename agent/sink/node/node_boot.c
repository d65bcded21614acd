/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_boot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/boot_words.h"
#include "sink/node/node_words.h"

#define MARK	   " [reconstructed]"
#define PART_SIZE  256
#define SPAN_SIZE  32
#define MORE_SPARE strlen(", 12 more")

/* "94s", "2m31s", "10m", "1h05m" */
static void span_text(uint64_t ns, char ret[static SPAN_SIZE])
{
	uint64_t s = (ns + NS_PER_SECOND / 2) / NS_PER_SECOND;

	if (s < 100)
		snprintf(ret, SPAN_SIZE, "%" PRIu64 "s", s);
	else if (s >= 3600)
		snprintf(ret, SPAN_SIZE, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s % 3600 / 60);
	else if (s % 60)
		snprintf(ret, SPAN_SIZE, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else
		snprintf(ret, SPAN_SIZE, "%" PRIu64 "m", s / 60);
}

static bool append(char *line, const char *text, size_t spare)
{
	return node_words_append(line, SUMMARY_LINE_SIZE, text, spare);
}

static void safe(char *to, size_t size, const char *from)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	*to = '\0';
	if (!out)
		return;
	text_print_safe(out, from);
	fclose(out);
	text_copy(to, size, text);
	free(text);
}

/* --- ready --- */

struct share {
	enum boot_phase phase;
	uint64_t ns;
};

static int longest_first(const void *a, const void *b)
{
	const struct share *of_a = a, *of_b = b;

	if (of_a->ns != of_b->ns)
		return of_a->ns < of_b->ns ? 1 : -1;
	return (int)of_a->phase - (int)of_b->phase;
}

/* Those of less than a second say nothing. */
static void append_phases(char *line, const struct record_boot *boot, size_t spare)
{
	struct share shares[BOOT_PHASE_COUNT] = {0};
	char name[UNIT_SIZE], shown[UNIT_SIZE], length[SPAN_SIZE], part[PART_SIZE];
	const char *comma = ": ";

	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++)
		shares[phase] = (struct share){phase, boot_phase_ns(boot, phase)};
	qsort(shares, BOOT_PHASE_COUNT, sizeof(*shares), longest_first);
	for (int i = 0; i < BOOT_PHASE_COUNT && shares[i].ns >= NS_PER_SECOND; i++) {
		boot_words_phase(boot, shares[i].phase, name);
		safe(shown, sizeof(shown), name);
		span_text(shares[i].ns, length);
		snprintf(part, sizeof(part), "%s%.40s %s", comma, shown, length);
		if (!append(line, part, spare))
			return;
		comma = ", ";
	}
}

static void ready_line(const struct record_boot *boot, const struct boot_history *earlier,
		       char *line)
{
	char total[SPAN_SIZE], usual[SPAN_SIZE], text[PART_SIZE];
	struct boot_verdict verdict;

	boot_history_judge(earlier, boot, &verdict);
	span_text(boot_total_ns(boot), total);
	snprintf(line, SUMMARY_LINE_SIZE, "ready %s after %s", total,
		 boot->firmware_ns ? "power-on" : "kernel start");
	if (verdict.enough) {
		span_text(verdict.usual_ns, usual);
		snprintf(text, sizeof(text), " (usual %s)", usual);
		append(line, text, 0);
	}
	append_phases(line, boot, boot->measured ? 0 : strlen(MARK));
	if (!boot->measured)
		append(line, MARK, 0);
}

/* --- not ready --- */

static void missing_words(const struct boot_missing *missing, bool waking,
			  char ret[static PART_SIZE])
{
	char pod[NODE_SUBJECT_SIZE], reason[REASON_SIZE];
	const char *slash = strchr(missing->pod, '/');
	struct subject subject = {0};

	text_copy_n(subject.pod_namespace, sizeof(subject.pod_namespace), missing->pod,
		    slash ? (size_t)(slash - missing->pod) : 0);
	TEXT_COPY(subject.pod, slash ? slash + 1 : missing->pod);
	node_words_subject(&subject, pod);
	safe(reason, sizeof(reason), missing->reason);
	if (!*reason)
		snprintf(ret, PART_SIZE, "%s", pod);
	else if (waking)
		snprintf(ret, PART_SIZE, "%s (%.40s)", pod, reason);
	else
		snprintf(ret, PART_SIZE, "%s %.40s", pod, reason);
}

static void append_missing(char *line, const struct record_boot *boot, const char *before)
{
	uint32_t total = boot->missing_total, shown = 0;
	char words[PART_SIZE], part[PART_SIZE + 32];

	for (; shown < boot->missing_count && shown < BOOT_MISSING_MAX; shown++) {
		missing_words(&boot->missing[shown], boot->state == BOOT_WAKING, words);
		snprintf(part, sizeof(part), "%s%s", shown ? ", " : before, words);
		if (!append(line, part, shown + 1 < total ? MORE_SPARE : 0))
			break;
	}
	if (shown && shown < total) {
		snprintf(part, sizeof(part), ", %" PRIu32 " more", total - shown);
		append(line, part, 0);
	}
}

static void not_recovered_line(const struct record_boot *boot, char *line)
{
	char length[SPAN_SIZE];

	span_text(boot->span.to_ns - boot->span.from_ns, length);
	snprintf(line, SUMMARY_LINE_SIZE,
		 "not recovered after %s: %" PRIu32 " of %" PRIu32 " pods missing", length,
		 boot->missing_total, boot->pods_expected);
	append_missing(line, boot, ": ");
}

static uint64_t step_of(uint64_t awake_ns)
{
	return (awake_ns < 60 * NS_PER_SECOND	 ? 15
		: awake_ns < 600 * NS_PER_SECOND ? 30
						 : 60) *
	       NS_PER_SECOND;
}

static void waking_line(const struct record_boot *boot, uint64_t awake_ns, char *line)
{
	uint64_t told_ns = awake_ns - awake_ns % step_of(awake_ns);
	char length[SPAN_SIZE], name[UNIT_SIZE], shown[UNIT_SIZE];
	const struct boot_phase_span *last = boot->phase_count ? &boot->phases[0] : NULL;

	span_text(told_ns, length);
	snprintf(line, SUMMARY_LINE_SIZE, "waking%s%s", told_ns ? " for " : "",
		 told_ns ? length : "");
	if (boot->pods_expected) {
		snprintf(line + strlen(line), SUMMARY_LINE_SIZE - strlen(line),
			 ": %" PRIu32 " of %" PRIu32 " pods ready", boot->pods_ready,
			 boot->pods_expected);
		append_missing(line, boot, ", waits for ");
	} else if (last) {
		last += (boot->phase_count < BOOT_PHASES_MAX ? boot->phase_count
							     : BOOT_PHASES_MAX) -
			1;
		boot_words_phase(boot, last->phase, name);
		safe(shown, sizeof(shown), name);
		snprintf(line + strlen(line), SUMMARY_LINE_SIZE - strlen(line), ": %.40s", shown);
	}
}

void node_boot_line(const struct record_boot *boot, const struct boot_history *earlier,
		    uint64_t awake_ns, char ret[static SUMMARY_LINE_SIZE])
{
	switch (boot->state) {
	case BOOT_READY:
		ready_line(boot, earlier, ret);
		break;
	case BOOT_NOT_RECOVERED:
		not_recovered_line(boot, ret);
		break;
	case BOOT_WAKING:
		waking_line(boot, awake_ns, ret);
		break;
	default:
		*ret = '\0';
	}
}

uint64_t node_boot_next_ns(const struct record_boot *boot, uint64_t awake_ns)
{
	uint64_t step_ns = step_of(awake_ns);

	return boot->state == BOOT_WAKING ? awake_ns - awake_ns % step_ns + step_ns : UINT64_MAX;
}
