/* SPDX-License-Identifier: Apache-2.0 */
/* The rows and bars of a chart as JSON, for the page's script. A new reference, NULL for want of memory. */
#pragma once

#include <jansson.h>

#include "cli/chart/chart.h"

json_t *chart_json(const struct chart *chart);

/* A bar's lines as a list. */
json_t *chart_json_lines(const struct chart_bar *bar);
