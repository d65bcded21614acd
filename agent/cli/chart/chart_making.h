/* SPDX-License-Identifier: Apache-2.0 */
/* How rows of a chart are made. A failed allocation is noted, and ends the chart at its end. */
#pragma once

#include <stdio.h>

#include "cli/chart/chart.h"
#include "model/record.h"

struct chart_making {
	struct chart *chart;
	uint64_t origin_ns; /* on the boot clock: where the axis begins, … */
	uint64_t before_ns; /* … or was so long before */
	int error;
};

/* A text that is printed piece by piece: chart_text_begin, then take it with chart_text_done. */
struct chart_text {
	char *text;
	size_t size;
	FILE *out;
};

bool chart_text_begin(struct chart_making *making, struct chart_text *text);
char *chart_text_done(struct chart_making *making, struct chart_text *text);

/* Safe to print. */
char *chart_safe(struct chart_making *making, const char *from);

/* What the record says of itself. */
char *chart_sentence(struct chart_making *making, const struct record *record);

/* "pull 1min 1.0s", with what follows the colon where there is something. */
char *chart_title(struct chart_making *making, const char *name, const struct chart_bar *bar,
		  const char *detail);

/* Owns the title from now on. Returns the group's number. */
size_t chart_add_group(struct chart_making *making, char *title);

/* So many rows of a group are not shown. */
void chart_leave_out(struct chart_making *making, size_t group, size_t count);

/* Owns label and detail from now on; NULL for want of memory. */
struct chart_row *chart_add_row(struct chart_making *making, size_t group, char *label,
				char *detail);

/* On the axis of the chart; what is not over goes to its end. */
void chart_place(struct chart_making *making, struct span span, struct chart_bar *bar);

/* Owns the bar's title and lines from now on; row may be NULL. */
void chart_add_bar(struct chart_making *making, struct chart_row *row, struct chart_bar bar);
