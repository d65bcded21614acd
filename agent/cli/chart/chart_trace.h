/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chart as Chrome trace events, which ui.perfetto.dev and chrome://tracing open; times in microseconds since the
 * axis' begin.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/chart/chart.h"

/* about: an object of texts, borrowed. Returns 0 or -ENOMEM. */
int chart_trace(FILE *out, const struct chart *chart, json_t *about);
