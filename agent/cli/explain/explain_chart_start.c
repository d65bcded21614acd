// SPDX-License-Identifier: Apache-2.0
/* The rows of one start: its phases, then what is known inside them. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/explain/explain_chart.h"
#include "cli/explain/explain_row.h"
#include "cli/explain/explain_topic.h"
#include "cli/explain/explain_words.h"
#include "model/peer_text.h"
#include "model/json.h"
#include "model/sentence_pull.h"

struct adding {
	struct chart_making *making;
	const struct record_start *start;
	size_t group;
};

static const char *phase_style(enum phase phase)
{
	return phase > PHASE_NONE && phase < PHASE_COUNT ? phase_name(phase) : "idle";
}

static const struct phase_stalls *stalls_of(const struct record_start *start, enum phase phase)
{
	for (uint32_t i = 0; i < start->why.stall_count && i < START_STALLS_MAX; i++)
		if (start->why.stalls[i].phase == phase)
			return &start->why.stalls[i];
	return NULL;
}

static bool overlaps(struct span one, struct span other)
{
	return one.from_ns < other.to_ns && other.from_ns < one.to_ns;
}

/* --- what stands in the hover details of a phase ----------------------------------------------- */

static void print_line(FILE *out, const char *words)
{
	text_print_safe(out, words);
	fputc('\n', out);
}

static void print_stall_lines(FILE *out, const struct phase_stalls *stalls)
{
	char words[EXPLAIN_WORDS_SIZE];
	enum stall order[STALL_COUNT];

	explain_stalls_order(&stalls->wall, order);
	for (size_t i = 0; i < STALL_COUNT && stalls->grade != STALLS_NONE; i++)
		if (stalls->wall.ns[order[i]])
			fprintf(out, "%s %s\n", stall_name(order[i]),
				text_of_duration(stalls->wall.ns[order[i]]));
	explain_words_grade(stalls, words);
	if (*words)
		print_line(out, words);
}

static void print_program_lines(FILE *out, const struct record_start *start,
				const struct phase_span *phase)
{
	const struct phase_stalls *stalls = stalls_of(start, phase->phase);
	char words[EXPLAIN_WORDS_SIZE];

	if (stalls)
		print_stall_lines(out, stalls);
	for (uint32_t i = 0; i < start->why.file_count && i < START_FILES_MAX; i++) {
		if (!overlaps(start->why.files[i].span, phase->span))
			continue;
		explain_words_file(&start->why.files[i], words);
		print_line(out, words);
	}
	for (uint32_t i = 0; i < start->why.peer_count && i < START_PEERS_MAX; i++) {
		if (!overlaps(start->why.peers[i].span, phase->span))
			continue;
		peer_text(&start->why.peers[i], words);
		print_line(out, words);
	}
}

static char *lines_of(const struct adding *adding, const struct phase_span *phase)
{
	const struct record_start *start = adding->start;
	struct chart_text text;
	char rate[EXPLAIN_RATE_SIZE];

	if (!chart_text_begin(adding->making, &text))
		return NULL;
	if (phase->phase == PHASE_APP || phase->phase == PHASE_PROBE)
		print_program_lines(text.out, start, phase);
	if (phase->phase == PHASE_PULL && start->pull_bytes) {
		explain_rate(start->pull_bytes, span_length(start->download), rate);
		print_line(text.out, rate);
	}
	return chart_text_done(adding->making, &text);
}

/* --- rows -------------------------------------------------------------------------------------- */

/* A row of one bar. */
static void add_part(const struct adding *adding, unsigned int depth, const char *style,
		     const char *name, struct span span, const char *detail)
{
	struct chart_making *making = adding->making;
	struct chart_bar bar = {.style = style};
	struct chart_row *row;

	if (!span.from_ns || !span_length(span))
		return;
	chart_place(making, span, &bar);
	bar.title = chart_title(making, name, &bar, detail);
	row = chart_add_row(making, adding->group, chart_safe(making, name),
			    chart_safe(making, detail));
	if (row)
		row->depth = depth;
	chart_add_bar(making, row, bar);
}

static void add_phases(const struct adding *adding, char *label, char *detail)
{
	struct chart_making *making = adding->making;
	struct chart_row *row = chart_add_row(making, adding->group, label, detail);

	for (uint32_t i = 0; i < adding->start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &adding->start->phases[i];
		struct chart_bar bar = {
			.style = phase_style(phase->phase),
			.reconstructed = phase->reconstructed,
		};

		chart_place(making, phase->span, &bar);
		bar.title = chart_title(making, phase_name(phase->phase), &bar, "");
		bar.lines = lines_of(adding, phase);
		chart_add_bar(making, row, bar);
	}
}

static void add_network(const struct adding *adding)
{
	const struct record_start *start = adding->start;

	if (!start->plugin_count)
		return;
	add_part(adding, 1, "sandbox", "network", start->network, "");
	for (uint32_t i = 0; i < start->plugin_count && i < START_PLUGINS_MAX; i++) {
		const struct plugin_span *plugin = &start->plugins[i];
		char failed[48] = "";

		if (plugin->code)
			snprintf(failed, sizeof(failed), "failed: exit code %d", plugin->code);
		add_part(adding, plugin->nested ? 3 : 2, plugin->code ? "failed" : "sandbox",
			 plugin->name, plugin->span, failed);
	}
}

static void add_work(const struct adding *adding)
{
	const struct start_why *why = &adding->start->why;

	for (uint32_t i = 0; i < why->work_count && i < START_WORK_MAX; i++) {
		const struct work_step *work = &why->work[i];
		const char *kind =
			work->kind == WORK_VOLUME || work->kind == WORK_DEVICE || !*work->name
				? work_kind_name(work->kind)
				: "";
		char name[NAME_SIZE + 32];

		snprintf(name, sizeof(name), "%s%s%s", kind, *kind && *work->name ? " " : "",
			 work->name);
		add_part(adding, work->nested ? 2 : 1, phase_style(work->phase), name, work->span,
			 work->at_most ? "at most: a border was not seen" : "");
	}
}

/* A layer is unpacked after it came: both in one row. */
static void add_layer(const struct adding *adding, const struct pull_layer *layer)
{
	struct chart_making *making = adding->making;
	struct chart_bar came = {.style = "pull"}, unpacked = {.style = "unpack"};
	char name[LAYER_NAME_SIZE], rate[EXPLAIN_RATE_SIZE];
	struct span unpack = layer->unpack;
	struct chart_row *row;

	sentence_layer(layer->digest, name);
	row = chart_add_row(making, adding->group, chart_safe(making, name),
			    chart_safe(making, layer->digest));
	if (row)
		row->depth = 2;
	if (layer->download.from_ns && span_length(layer->download)) {
		explain_rate(layer->bytes, span_length(layer->download), rate);
		chart_place(making, layer->download, &came);
		came.title = chart_title(making, "download", &came, rate);
		chart_add_bar(making, row, came);
		if (unpack.from_ns < layer->download.to_ns)
			unpack.from_ns = layer->download.to_ns;
	}
	if (unpack.from_ns && span_length(unpack)) {
		explain_rate(layer->unpacked_bytes, span_length(unpack), rate);
		chart_place(making, unpack, &unpacked);
		unpacked.title =
			chart_title(making, "unpack", &unpacked, layer->unpacked_bytes ? rate : "");
		chart_add_bar(making, row, unpacked);
	}
}

static void add_pull(const struct adding *adding)
{
	const struct record_start *start = adding->start;
	char rate[EXPLAIN_RATE_SIZE] = "", behind[IMAGE_SIZE + 32] = "";

	if (start->pull_bytes)
		explain_rate(start->pull_bytes, span_length(start->download), rate);
	if (*start->pull.queued_behind)
		snprintf(behind, sizeof(behind), "image %s had its turn",
			 start->pull.queued_behind);
	add_part(adding, 1, "wait", "queue", start->pull.queue, behind);
	add_part(adding, 1, "pull", "resolve", start->pull.resolve, "");
	add_part(adding, 1, "pull", "download", start->download, rate);
	add_part(adding, 1, "unpack", "unpack", start->unpack, "");
	for (uint32_t i = 0; i < start->pull.layer_count && i < PULL_LAYERS_MAX; i++)
		add_layer(adding, &start->pull.layers[i]);
}

/* The kinds one after another, the largest first, as long as the phase: how much, not when. */
static void add_shares(const struct adding *adding, struct chart_row *row,
		       const struct phase_span *phase, const struct phase_stalls *stalls)
{
	static const char *const styles[STALL_COUNT] = {
		[STALL_CPU] = "stall-cpu",
		[STALL_RUN_QUEUE] = "stall-run-queue",
		[STALL_THROTTLED] = "stall-throttled",
		[STALL_DISK] = "stall-disk",
		[STALL_NETWORK] = "stall-network",
		[STALL_LOCK] = "stall-lock",
		[STALL_SLEEP] = "stall-sleep",
		[STALL_OTHER] = "stall-other",
	};
	uint64_t at_ns = phase->span.from_ns, left_ns = span_length(phase->span);
	enum stall order[STALL_COUNT];

	explain_stalls_order(&stalls->wall, order);
	for (size_t i = 0; i < STALL_COUNT; i++) {
		uint64_t ns = stalls->wall.ns[order[i]];
		struct chart_bar bar = {.style = styles[order[i]], .share = true};
		char words[EXPLAIN_WORDS_SIZE];

		if (ns > left_ns)
			ns = left_ns;
		if (!ns)
			continue;
		chart_place(adding->making, (struct span){at_ns, at_ns + ns}, &bar);
		explain_words_threads(stalls, order[i], words);
		bar.title = chart_title(adding->making, stall_name(order[i]), &bar, words);
		chart_add_bar(adding->making, row, bar);
		at_ns += ns;
		left_ns -= ns;
	}
}

static void add_stalls(const struct adding *adding)
{
	for (uint32_t i = 0; i < adding->start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &adding->start->phases[i];
		const struct phase_stalls *stalls = stalls_of(adding->start, phase->phase);
		char name[32], grade[EXPLAIN_WORDS_SIZE];
		struct chart_row *row;

		if (!stalls || stalls->grade == STALLS_NONE || !span_length(phase->span))
			continue;
		snprintf(name, sizeof(name), "where %s went", phase_name(phase->phase));
		explain_words_grade(stalls, grade);
		row = chart_add_row(adding->making, adding->group, chart_safe(adding->making, name),
				    chart_safe(adding->making, grade));
		if (row)
			row->depth = 1;
		add_shares(adding, row, phase, stalls);
	}
}

void explain_chart_add_start(struct chart_making *making, size_t group, const struct record *record)
{
	const struct adding adding = {
		.making = making,
		.start = &record->start,
		.group = group,
	};
	const char *name = *record->subject.container	  ? record->subject.container
			   : dossier_is_pod_start(record) ? "the pod"
							  : "container";

	add_phases(&adding, chart_safe(making, name), chart_sentence(making, record));
	if (dossier_is_pod_start(record)) /* the rest stands with its containers */
		return;
	add_network(&adding);
	add_pull(&adding);
	add_work(&adding);
	add_stalls(&adding);
}
