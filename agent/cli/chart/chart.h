/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of bars on one time axis: what the waterfall (SVG, HTML) and the trace draw, of a boot (boot_chart.c) or of a pod
 * (explain_chart.c). Texts are safe to print, but not escaped for any format. Bars of one row never overlap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chart_bar {
	uint64_t from_ns, to_ns;
	const char *style; /* a word for colours: "pull", "boot-kernel", "unit", "failed", ... */
	char *title;	   /* "pull 1min 1.0s" */
	char *lines;	   /* what else is known of it, separated by newlines; NULL: nothing */
	bool critical, reconstructed;
	bool open;  /* it goes on, or its end is not known */
	bool share; /* so much of the time, but not when */
};

struct chart_row {
	size_t group;
	unsigned int depth; /* below the row before it that has less */
	char *label, *detail;
	struct chart_bar *bars;
	size_t count, room;
	bool critical;
	bool step;	   /* goes on where the row before it ended */
	uint64_t usual_ns; /* of a phase, where enough boots are known; else 0 */
};

struct chart_group {
	char *title;
	size_t left_out; /* rows: short ones, or more than there is room for */
};

struct chart_legend {
	const char *style, *name;
};

struct chart {
	const char *what;		   /* "the boot" */
	const struct chart_legend *legend; /* the last has no style */
	struct chart_group *groups;
	size_t group_count, group_room;
	struct chart_row *rows; /* those of a group stand together */
	size_t count, room;
	uint64_t total_ns;
};

void chart_done(struct chart *chart);
