/* SPDX-License-Identifier: Apache-2.0 */
/* explain: one pod, phase by phase, then how its containers died. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/explain_peers.h"
#include "cli/options.h"
#include "model/sentence.h"
#include "cli/verbs.h"
#include "model/json.h"
#include "store/store.h"

#define NAME_WIDTH   18
#define BAR_WIDTH    40
#define RECORDS_MAX  1000
#define HAPPENED_MAX 20

/* All records of one pod, oldest first. */
struct dossier {
	struct record *records;
	size_t count;
	size_t earlier; /* other pods of the same name, before this one */
};

/* Newest first, so that a crash loop's latest restarts are among them. */
static int keep(void *context, const char *boot_id, const struct record *record)
{
	struct dossier *dossier = context;

	(void)boot_id;
	dossier->records[dossier->count++] = *record;
	return dossier->count == RECORDS_MAX;
}

static bool same_name(const struct subject *one, const struct subject *other)
{
	return strcmp(one->pod_namespace, other->pod_namespace) == 0 &&
	       strcmp(one->pod, other->pod) == 0 &&
	       (*one->pod || strcmp(one->container_id, other->container_id) == 0);
}

static bool several_names(const struct dossier *dossier)
{
	for (size_t i = 1; i < dossier->count; i++)
		if (!same_name(&dossier->records[0].subject, &dossier->records[i].subject))
			return true;
	return false;
}

/* A name that comes back, like a StatefulSet's, is another pod: the latest stays. */
static void keep_latest_pod(struct dossier *dossier)
{
	char uid[POD_UID_SIZE] = "", earlier[POD_UID_SIZE] = "";
	size_t kept = 0;

	for (size_t i = 0; i < dossier->count; i++) {
		const char *own = dossier->records[i].subject.pod_uid;

		if (!*uid)
			strcpy(uid, own);
		if (!*own || strcmp(own, uid) == 0) {
			dossier->records[kept++] = dossier->records[i];
		} else if (strcmp(own, earlier) != 0) {
			strcpy(earlier, own);
			dossier->earlier++;
		}
	}
	dossier->count = kept;
}

static void oldest_first(struct dossier *dossier)
{
	for (size_t i = 0; i < dossier->count / 2; i++) {
		struct record *last = &dossier->records[dossier->count - 1 - i];
		struct record record = dossier->records[i];

		dossier->records[i] = *last;
		*last = record;
	}
}

static uint64_t length(struct span span)
{
	return span.to_ns > span.from_ns ? span.to_ns - span.from_ns : 0;
}

static void print_bar(struct span whole, struct span part)
{
	uint64_t total = length(whole) ? length(whole) : 1;
	uint64_t from = part.from_ns > whole.from_ns ? part.from_ns - whole.from_ns : 0;
	int begin = (int)(from * BAR_WIDTH / total);
	int width = (int)(length(part) * BAR_WIDTH / total);

	if (begin > BAR_WIDTH - 1)
		begin = BAR_WIDTH - 1;
	for (int i = 0; i < begin; i++)
		fputc(' ', stdout);
	for (int i = 0; i < (width ? width : 1) && begin + i < BAR_WIDTH; i++)
		fputs(width ? "█" : "▏", stdout);
}

/* printf's padding counts bytes, and the text must be safe first. */
static void print_padded(const char *text, int width)
{
	cleanup_free char *safe = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&safe, &size);

	if (!out)
		return;
	text_print_safe(out, text);
	fclose(out);
	printf("%-*s", width, safe);
}

static void print_row(const char *indent, const char *name, struct span whole, struct span part,
		      const char *note, bool reconstructed)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(length(part), text);
	printf("  %s", indent);
	print_padded(name, NAME_WIDTH - (int)strlen(indent));
	printf(" %9s  ", text);
	print_bar(whole, part);
	if (*note)
		printf("  %s", note);
	puts(reconstructed ? "  [reconstructed]" : "");
}

static void rate_note(char note[64], uint64_t bytes, uint64_t ns)
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(bytes, text);
	snprintf(note, 64, "%s at %.0f MB/s", text,
		 ns ? (double)bytes / 1e6 / ((double)ns / 1e9) : 0);
}

static void print_network(const struct record_start *start)
{
	print_row("  ", "network", start->span, start->network, "", false);
	for (uint32_t i = 0; i < start->plugin_count; i++) {
		const struct plugin_span *plugin = &start->plugins[i];
		char code[48] = "";

		if (plugin->code)
			snprintf(code, sizeof(code), "failed: exit code %d", plugin->code);
		print_row(plugin->nested ? "      " : "    ", plugin->name, start->span,
			  plugin->span, code, false);
	}
}

static void print_pull(const struct record_start *start)
{
	char note[64] = "";

	if (start->pull_bytes)
		rate_note(note, start->pull_bytes, length(start->download));
	if (length(start->download))
		print_row("  ", "download", start->span, start->download, note, false);
	if (length(start->unpack))
		print_row("  ", "unpack", start->span, start->unpack, "", false);
}

static void print_phases(const struct record_start *start)
{
	for (uint32_t i = 0; i < start->phase_count; i++) {
		const struct phase_span *phase = &start->phases[i];

		print_row("", phase_name(phase->phase), start->span, phase->span, "",
			  phase->reconstructed);
		if (phase->phase == PHASE_SANDBOX && start->plugin_count)
			print_network(start);
		if (phase->phase == PHASE_PULL)
			print_pull(start);
		explain_peers(start, phase);
	}
}

static void print_start(const struct record *record)
{
	char time[WALL_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	clock_wall_text((int64_t)record->start.span.from_ns + record->wall_offset_ns, 0, time);
	text_duration(record_duration_ns(record), total);
	putchar('\n');
	text_print_safe(stdout,
			*record->subject.container ? record->subject.container : "container");
	printf("  started %s, %s", time, total);
	if (record->subject.attempt)
		printf(", restart %" PRIu32, record->subject.attempt);
	if (record->start.init_container)
		fputs(", init container", stdout);
	if (*record->subject.image) {
		fputs(", image ", stdout);
		text_print_safe(stdout, record->subject.image);
	}
	putchar('\n');
	print_phases(&record->start);
	fputs("  ", stdout);
	sentence_text(stdout, record);
	putchar('\n');
}

/* Its phases are those of the container that was ready last, which follow. */
static void print_pod_start(const struct record *record)
{
	char time[WALL_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	clock_wall_text((int64_t)record->start.span.from_ns + record->wall_offset_ns, 0, time);
	text_duration(record_duration_ns(record), total);
	printf("created %s, Ready after %s\n", time, total);
}

static bool is_pod_start(const struct record *record)
{
	return record->type == RECORD_START && record->start.state == START_READY;
}

/* Was this container (by name) started again later? Then the later start is shown. */
static bool is_latest(const struct dossier *dossier, size_t index)
{
	const struct record *record = &dossier->records[index];

	for (size_t i = index + 1; i < dossier->count; i++)
		if (dossier->records[i].type == RECORD_START &&
		    strcmp(dossier->records[i].subject.container, record->subject.container) == 0)
			return false;
	return true;
}

static void print_happened(const struct dossier *dossier)
{
	size_t happened = 0, seen = 0;

	for (size_t i = 0; i < dossier->count; i++)
		happened += dossier->records[i].type != RECORD_START;
	if (!happened)
		return;
	puts("\nWhat happened");
	if (happened > HAPPENED_MAX)
		printf("  … %zu earlier, see nodewake exits and nodewake ooms\n",
		       happened - HAPPENED_MAX);
	for (size_t i = 0; i < dossier->count; i++) {
		if (dossier->records[i].type == RECORD_START || ++seen + HAPPENED_MAX <= happened)
			continue;
		fputs("  ", stdout);
		sentence_line(stdout, &dossier->records[i], sentence_colour(stdout));
	}
}

static void print_text(const struct dossier *dossier)
{
	const struct subject *subject = &dossier->records[0].subject;

	text_print_safe(stdout, *subject->pod ? subject->pod : subject->container_id);
	if (*subject->pod_namespace) {
		fputs(" in namespace ", stdout);
		text_print_safe(stdout, subject->pod_namespace);
	}
	if (dossier->earlier)
		printf(" (and %zu earlier pod%s of this name, see nodewake starts)",
		       dossier->earlier, dossier->earlier > 1 ? "s" : "");
	putchar('\n');
	for (size_t i = 0; i < dossier->count; i++)
		if (is_pod_start(&dossier->records[i]))
			print_pod_start(&dossier->records[i]);
	for (size_t i = 0; i < dossier->count; i++)
		if (dossier->records[i].type == RECORD_START && is_latest(dossier, i) &&
		    !is_pod_start(&dossier->records[i]))
			print_start(&dossier->records[i]);
	print_happened(dossier);
}

static void print_json(const struct dossier *dossier)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < dossier->count; i++)
		json_array_append_new(list, record_to_json(&dossier->records[i]));
	json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

static void print_candidates(const struct dossier *dossier, const char *word)
{
	fprintf(stderr,
		"nodewake explain: '%s' is more than one pod; choose with -n NAMESPACE or more of "
		"the "
		"container id:\n",
		word);
	for (size_t i = 0; i < dossier->count; i++) {
		const struct subject *subject = &dossier->records[i].subject;
		bool shown = false;

		for (size_t j = 0; j < i && !shown; j++)
			shown = same_name(&dossier->records[j].subject, subject);
		if (shown)
			continue;
		fputs("  ", stderr);
		text_print_safe(stderr, *subject->pod ? subject->pod_namespace : "container");
		fputc('/', stderr);
		text_print_safe(stderr, *subject->pod ? subject->pod : subject->container_id);
		fputc('\n', stderr);
	}
}

/* By the pod's name; else as the beginning of a container id. */
static int collect(struct store *store, const struct options *options, struct dossier *dossier)
{
	struct store_query query = {
		.pod = options->word,
		.pod_namespace = options->pod_namespace,
		.order = STORE_NEWEST_FIRST,
		.limit = RECORDS_MAX,
	};
	int r = store_query(store, &query, keep, dossier);

	if (r < 0 || dossier->count)
		return r;
	query.pod = NULL;
	query.container_id = options->word;
	return store_query(store, &query, keep, dossier);
}

static int explain(struct store *store, const struct options *options)
{
	struct dossier dossier = {.records = calloc(RECORDS_MAX, sizeof(struct record))};
	int code = CLI_OK;
	int r = dossier.records ? collect(store, options, &dossier) : -ENOMEM;

	if (r < 0) {
		fprintf(stderr, "nodewake explain: the store can't be read: %s\n", strerror(-r));
		code = CLI_FAILED;
	} else if (!dossier.count) {
		fprintf(stderr,
			"nodewake explain: nothing is recorded of pod or container '%s' on this "
			"node; nodewake starts lists what is\n",
			options->word);
		code = CLI_FAILED;
	} else if (several_names(&dossier)) {
		print_candidates(&dossier, options->word);
		code = CLI_FAILED;
	} else {
		keep_latest_pod(&dossier);
		oldest_first(&dossier);
		if (options->json)
			print_json(&dossier);
		else
			print_text(&dossier);
	}
	free(dossier.records);
	return code;
}

int cli_explain(int argc, char **argv)
{
	struct options options;
	struct store *store;
	char why[256];
	int r = options_read(&options, OPTION_OUTPUT | OPTION_STATE_DIR | OPTION_NAMESPACE,
			     "explain POD [OPTION ...]",
			     "POD is a pod's name, or the beginning of a container id.", argc,
			     argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	if (!options.word) {
		fprintf(stderr, "nodewake explain: which pod? See nodewake explain --help\n");
		return CLI_USAGE;
	}
	r = store_open_reader(&store, options.state_dir, why);
	if (r < 0) {
		fprintf(stderr, "nodewake explain: %s\n", why);
		return CLI_FAILED;
	}
	r = explain(store, &options);
	store_close(store);
	return r;
}
