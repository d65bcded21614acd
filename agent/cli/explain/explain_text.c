// SPDX-License-Identifier: Apache-2.0
/* A pod as text: each container's latest start as a waterfall with its causes, then what else happened. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/explain/explain_row.h"
#include "cli/explain/explain_show.h"
#include "cli/explain/explain_topic.h"
#include "model/json.h"
#include "model/sentence.h"

#define HAPPENED_MAX 20

/* In this order. */
static const explain_below_fn below_phase[] = {
	explain_network, explain_work, explain_pull, explain_stalls, explain_files, explain_peers,
};

static const explain_after_fn after_start[] = {
	explain_competing,
	explain_advice,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void print_phases(FILE *out, const struct record_start *start)
{
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &start->phases[i];

		explain_row_print(out,
				  &(struct explain_row){.name = phase_name(phase->phase),
							.span = phase->span,
							.reconstructed = phase->reconstructed},
				  start->span);
		for (size_t j = 0; j < COUNT(below_phase); j++)
			below_phase[j](out, start, phase);
	}
}

static void print_start(FILE *out, const struct record *record)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text((int64_t)record->start.span.from_ns + record->wall_offset_ns, 0, time);
	fputc('\n', out);
	text_print_safe(out, *record->subject.container ? record->subject.container : "container");
	fprintf(out, "  started %s, %s", time, text_of_duration(record_duration_ns(record)));
	if (record->subject.attempt)
		fprintf(out, ", restart %" PRIu32, record->subject.attempt);
	if (record->start.init_container)
		fputs(", init container", out);
	if (*record->subject.image) {
		fputs(", image ", out);
		text_print_safe(out, record->subject.image);
	}
	fputc('\n', out);
	print_phases(out, &record->start);
	fputs("  ", out);
	sentence_text(out, record);
	fputc('\n', out);
	for (size_t i = 0; i < COUNT(after_start); i++)
		after_start[i](out, &record->start);
}

/* Its phases are those of the container that was ready last. */
void explain_show_ready(FILE *out, const struct dossier *dossier, const char *before)
{
	char time[WALL_TEXT_SIZE];

	for (size_t i = dossier->count; i-- > 0;) {
		const struct record *record = &dossier->records[i];

		if (!dossier_is_pod_start(record))
			continue;
		clock_wall_text((int64_t)record->start.span.from_ns + record->wall_offset_ns, 0,
				time);
		fprintf(out, "%screated %s, Ready after %s", before, time,
			text_of_duration(record_duration_ns(record)));
		return;
	}
}

void explain_show_name(FILE *out, const struct dossier *dossier)
{
	const struct subject *subject = &dossier->records[0].subject;

	text_print_safe(out, *subject->pod ? subject->pod : subject->container_id);
	if (*subject->pod_namespace) {
		fputs(" in namespace ", out);
		text_print_safe(out, subject->pod_namespace);
	}
}

static void print_happened(FILE *out, const struct dossier *dossier, bool colour)
{
	size_t happened = 0, seen = 0;

	for (size_t i = 0; i < dossier->count; i++)
		happened += dossier->records[i].type != RECORD_START;
	if (!happened)
		return;
	fputs("\nWhat happened\n", out);
	if (happened > HAPPENED_MAX)
		fprintf(out, "  … %zu earlier, see nodewake exits and nodewake ooms\n",
			happened - HAPPENED_MAX);
	for (size_t i = 0; i < dossier->count; i++) {
		if (dossier->records[i].type == RECORD_START || ++seen + HAPPENED_MAX <= happened)
			continue;
		fputs("  ", out);
		sentence_line(out, &dossier->records[i], colour);
	}
}

void explain_show_text(FILE *out, const struct dossier *dossier, bool colour)
{
	explain_show_name(out, dossier);
	if (dossier->earlier)
		fprintf(out, " (and %zu earlier pod%s of this name, see nodewake starts)",
			dossier->earlier, dossier->earlier > 1 ? "s" : "");
	explain_show_ready(out, dossier, "\n");
	fputc('\n', out);
	for (size_t i = 0; i < dossier->count; i++)
		if (dossier_is_latest_start(dossier, i))
			print_start(out, &dossier->records[i]);
	print_happened(out, dossier, colour);
}
