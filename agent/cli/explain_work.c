/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_work.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/columns.h"
#include "model/json.h"

#define NAME_WIDTH 27
/* A step matters from this part of the whole start on; all are in --output json. */
#define PART_LEAST 20

static uint64_t length(struct span span)
{
	return span.to_ns - span.from_ns;
}

/* What it was, where its name is that of a thing. */
static const char *what(enum work_kind kind)
{
	return kind == WORK_VOLUME || kind == WORK_DEVICE ? work_kind_name(kind) : "";
}

static void print_step(const struct work_step *step)
{
	const char *kind = what(step->kind);

	printf("    %s%s%s", step->nested ? "  " : "", kind, *kind ? " " : "");
	columns_print(stdout, step->name,
		      NAME_WIDTH - (step->nested ? 2 : 0) - columns_of(kind) - (*kind ? 1 : 0));
	/* what is not padded by printf: ≤ has three bytes */
	printf(" %s%s", step->at_most ? "≤ " : "", columns_duration(length(step->span)));
	if (step->count > 1)
		printf(", %" PRIu32 " times", step->count);
	putchar('\n');
}

void explain_work(const struct record_start *start, const struct phase_span *phase)
{
	const struct start_why *why = &start->why;

	for (uint32_t i = 0; phase && i < why->work_count; i++) {
		const struct work_step *step = &why->work[i];

		if (step->phase == phase->phase && step->span.from_ns >= phase->span.from_ns &&
		    step->span.to_ns <= phase->span.to_ns &&
		    length(step->span) * PART_LEAST >= length(start->span))
			print_step(step);
	}
	if (!phase && why->competing)
		printf("  %" PRIu32 " other container%s starting at the same time\n",
		       why->competing, why->competing > 1 ? "s were" : " was");
}
