/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chart as one file for a browser: the waterfall, hover, search, light and dark. It loads nothing, and its policy
 * forbids it to.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/chart/chart.h"

struct chart_page {
	const char *title;   /* may come from outside */
	const char *summary; /* HTML, escaped by its maker: what stands before the waterfall, … */
	const char *below;   /* … and below it; NULL: nothing */
	const char *search;  /* what can be searched for: "pod, unit, phase" */
	json_t *data;	     /* borrowed: an object with total_ns; the chart is added */
};

/* Returns 0 or -ENOMEM. */
int chart_html(FILE *out, const struct chart *chart, const struct chart_page *page);
