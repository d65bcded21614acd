/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that die again and again, for the annotation of crashes. Only node_summary.c asks. */
#pragma once

#include "sink/node/node_tally.h"

#define NODE_LOOPS_MAX 64

/* Starts as zeroes. */
struct node_loops {
	struct node_loop {
		uint64_t key;
		int64_t wall_ns;
		uint32_t deaths;
		char subject[NODE_SUBJECT_SIZE], container[NAME_SIZE], what[NODE_EXIT_SIZE];
	} loops[NODE_LOOPS_MAX];
	uint32_t count;
};

/* It ended other than by itself with 0 or by being stopped. */
bool node_loops_is_death(const struct record_exit *exit);

void node_loops_exit(struct node_loops *loops, const struct record *record);

/* Returns how many loop now; the line is written if any does. others: deaths that are no loop's. */
uint32_t node_loops_line(const struct node_loops *loops, const struct tally *others,
			 int64_t now_wall_ns, char ret[static SUMMARY_LINE_SIZE]);

/* See node_tally_next. */
void node_loops_next(const struct node_loops *loops, int64_t now_wall_ns, int64_t *next);
