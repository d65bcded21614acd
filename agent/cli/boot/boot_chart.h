/* SPDX-License-Identifier: Apache-2.0 */
/* A boot report as a chart whose axis begins at power-on. */
#pragma once

#include "cli/boot/boot_report.h"
#include "cli/chart/chart_making.h"

/* In the chart they are groups of these numbers. */
enum boot_chart_group {
	CHART_BOOT, /* phases of the whole */
	CHART_PATH, /* the critical path, a row per step */
	CHART_PODS, /* a row per container, and one for what Kubernetes says it waits for */
	CHART_PULLS,
	CHART_UNITS,
	CHART_GROUP_COUNT
};

/* Returns 0 or -ENOMEM; the chart is the caller's to end by chart_done. */
int boot_chart_make(struct chart *ret, const struct boot_report *report);

/* boot_chart_pods.c */
void boot_chart_add_pods(struct chart_making *making, const struct boot_report *report);
