/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot report as rows of bars on one time axis, which begins at power-on: what the waterfall (SVG, HTML) and the
 * trace draw. Texts are safe to print, but not escaped for any format. Bars of one row never overlap.
 */
#pragma once

#include "cli/boot_report.h"

enum chart_group {
	CHART_BOOT, /* phases of the whole */
	CHART_PATH, /* the critical path, a row per step */
	CHART_PODS, /* a row per container, and one for what Kubernetes says it waits for */
	CHART_PULLS,
	CHART_UNITS,
	CHART_GROUP_COUNT
};

struct chart_bar {
	uint64_t from_ns, to_ns;
	const char *style; /* a word for colours: "pull", "boot-kernel", "unit", "failed", ... */
	char *title;	   /* "pull 1min 1.0s" */
	bool critical, reconstructed;
	bool open; /* it goes on, or its end is not known */
};

struct chart_row {
	enum chart_group group;
	char *label, *detail;
	struct chart_bar *bars;
	size_t count, room;
	bool critical;
	uint64_t usual_ns; /* of a phase, where enough boots are known; else 0 */
};

struct chart {
	struct chart_row *rows;
	size_t count, room;
	uint64_t total_ns;
	size_t left_out[CHART_GROUP_COUNT]; /* short units, or more than there is room for */
};

const char *chart_group_title(enum chart_group group);

/* Returns 0 or -ENOMEM. */
int boot_chart_make(struct chart *ret, const struct boot_report *report);
void boot_chart_done(struct chart *chart);
