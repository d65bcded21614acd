/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock's distance to the boot clock over a boot.
 *
 * A machine without a battery for its clock boots with a wall time of days ago, and its log files tell lines
 * by that until the time is synchronised. The journal stamps each entry with both clocks: a few of those say
 * when the wall clock was stepped, and a line's wall time can be turned back.
 */
#pragma once

#include <stdint.h>

#define WALL_STEPS_MAX 32

struct wall_steps {
	uint32_t count;
	struct wall_step {
		uint64_t from_ns;  /* boot clock */
		int64_t offset_ns; /* wall clock - boot clock from there on */
	} steps[WALL_STEPS_MAX];   /* by time */
};

/* Seen: both clocks at one moment, in any order. What differs little from its neighbour is not kept. */
void wall_steps_note(struct wall_steps *steps, uint64_t boot_ns, int64_t wall_ns);

/* 0: at no time of this boot was it that time. */
uint64_t wall_steps_boot_ns(const struct wall_steps *steps, int64_t wall_ns);

/* The earliest wall time that this boot had; 0 not known. */
int64_t wall_steps_earliest(const struct wall_steps *steps);
