/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of one process, through /proc. */
#pragma once

#include <stdint.h>

struct process_stat {
	char comm[16];
	uint32_t parent_pid;
	uint64_t start_ns; /* boot clock, in steps of a clock tick (10 ms) */
};

/* Returns 0, -ESRCH if it is gone, or another negative errno. */
int process_stat_read(uint32_t pid, struct process_stat *ret);

/* The same below another mount of proc. */
int process_stat_read_at(const char *proc, uint32_t pid, struct process_stat *ret);

/* Of this process. Pages that are shared count in full in rss, by this process's share of them in pss. */
struct process_memory {
	uint64_t rss_bytes, pss_bytes;
};

/* Returns 0 or a negative errno. */
int process_memory_read(struct process_memory *ret);

/* CPU time of all threads of this process. */
uint64_t process_cpu_ns(void);
