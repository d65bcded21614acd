/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of why things died. All labels are enums. Part of metrics.c, which says when a record counts. */
#pragma once

#include <stdio.h>

#include "model/record.h"

#define METRICS_CHILDREN_MAX 256

/* Starts as zeroes. */
struct metrics_deaths {
	uint64_t verdicts[EXIT_VERDICT_COUNT], stops[STOP_CAUSE_COUNT],
		failures[START_FAILURE_COUNT], children[EXIT_VERDICT_COUNT];
	/* how often each program of a container was counted; the one told longest ago makes room */
	struct metrics_child {
		uint64_t key_hash; /* 0: free */
		uint64_t told_ns;
		uint32_t count;
	} known[METRICS_CHILDREN_MAX];
};

/* An exit, once. */
void metrics_deaths_exit(struct metrics_deaths *deaths, const struct record_exit *exit);

/*
 * Any form of a child record: what it counts more than the last one. told_before: some form of it was known, so
 * what a table that forgot it doesn't know was counted already.
 */
void metrics_deaths_child(struct metrics_deaths *deaths, const struct record *record,
			  bool told_before);

void metrics_deaths_write(FILE *out, const struct metrics_deaths *deaths);
