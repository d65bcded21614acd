/* SPDX-License-Identifier: Apache-2.0 */
/* The waterfall as SVG: a file of its own (boot_show_svg), or inside the page (boot_html.c). */
#pragma once

#include <stdio.h>

#include "cli/boot_chart.h"

/* The style that both use; NUL-terminated. */
extern const char boot_chart_css[];

/* Without headline and style. Rows are <g class="row" data-row="INDEX">, bars <rect data-bar="INDEX">. */
void boot_svg_inside(FILE *out, const struct chart *chart);
