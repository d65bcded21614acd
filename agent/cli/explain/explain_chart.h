/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod as a chart: a group per container, with its latest start phase by phase, and what is known inside the phases.
 *
 * Starts that overlap share the axis. Others, like a restart two days later, begin at its 0 too if aligned, so that
 * they can be read; else they stand where they were.
 */
#pragma once

#include "cli/chart/chart_making.h"
#include "cli/death/dossier.h"

/* Returns 0, -ENODATA (no start) or -ENOMEM; the chart is the caller's to end by chart_done. */
int explain_chart_make(struct chart *ret, const struct dossier *dossier, bool aligned);

/* explain_chart_start.c: the rows of one start. */
void explain_chart_add_start(struct chart_making *making, size_t group,
			     const struct record *record);
