/* SPDX-License-Identifier: Apache-2.0 */
/* The waterfall as SVG: a file of its own, or inside the page (chart_html.c). */
#pragma once

#include <stdio.h>

#include "cli/chart/chart.h"

/* The style that both use; NUL-terminated. */
extern const char chart_css[];

/* A picture; the headline may come from outside. */
void chart_svg(FILE *out, const struct chart *chart, const char *headline);

/* Without headline and style. Rows are <g class="row" data-row="INDEX">, bars <rect data-bar="INDEX">. */
void chart_svg_inside(FILE *out, const struct chart *chart);
