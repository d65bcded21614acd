/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers crash in a loop now: those whose latest death was one of a loop, and not long ago. A bounded
 * table; the oldest makes room. A container is a name in a pod: its id changes with each restart.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "model/record.h"

#define METRICS_LOOPS_MAX     256
#define METRICS_LOOP_FRESH_NS (30 * 60 * NS_PER_SECOND)

/* Starts as zeroes. */
struct metrics_loops {
	struct metrics_loop {
		uint64_t name_hash; /* 0: free */
		uint64_t died_ns;
	} loops[METRICS_LOOPS_MAX];
};

/* An exit record. */
void metrics_loops_exit(struct metrics_loops *loops, const struct record *record);

uint32_t metrics_loops_count(const struct metrics_loops *loops, uint64_t now_ns);
