// SPDX-License-Identifier: Apache-2.0
/* explain's rows of what the runtime and the kubelet did: below the phase that they are in. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/explain/explain_row.h"
#include "cli/explain/explain_topic.h"
#include "model/json.h"

/* A step matters from this part of the whole start on; all are in --output json. */
#define PART_LEAST 20

/* What it was, where its name is that of a thing. */
static const char *what(enum work_kind kind)
{
	return kind == WORK_VOLUME || kind == WORK_DEVICE ? work_kind_name(kind) : "";
}

static void print_step(FILE *out, const struct work_step *step, struct span whole)
{
	const char *kind = what(step->kind);
	char name[NAME_SIZE + 16], note[64] = "";

	snprintf(name, sizeof(name), "%s%s%s", kind, *kind ? " " : "", step->name);
	if (step->count > 1)
		snprintf(note, sizeof(note), "%" PRIu32 " times%s", step->count,
			 step->at_most ? ", " : "");
	if (step->at_most)
		strcat(note, "at most: a border was not seen");
	explain_row_print(out,
			  &(struct explain_row){.depth = step->nested ? 2 : 1,
						.name = name,
						.span = step->span,
						.note = note},
			  whole);
}

void explain_work(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	const struct start_why *why = &start->why;

	for (uint32_t i = 0; i < why->work_count; i++) {
		const struct work_step *step = &why->work[i];

		if (step->phase == phase->phase && step->span.from_ns >= phase->span.from_ns &&
		    step->span.to_ns <= phase->span.to_ns &&
		    span_length(step->span) * PART_LEAST >= span_length(start->span))
			print_step(out, step, start->span);
	}
}

void explain_competing(FILE *out, const struct record_start *start)
{
	uint32_t count = start->why.competing;

	if (count)
		fprintf(out, "  %" PRIu32 " other container%s starting at the same time\n", count,
			count > 1 ? "s were" : " was");
}
