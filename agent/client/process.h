/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of one process. */
#pragma once

#include <stdint.h>

struct process_stat {
	char comm[16];
	uint32_t parent_pid;
	uint64_t start_ns; /* boot clock, in steps of a clock tick (10 ms) */
};

/* Returns 0, -ESRCH if it is gone, or another negative errno. */
int process_stat_read(uint32_t pid, struct process_stat *ret);
