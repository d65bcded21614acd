/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's OOM killer weighs a process by: oom_badness() in mm/oom_kill.c adds up resident pages, swap and page
 * tables, and a thousandth of all memory for each point of oom_score_adj. No policy, no state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_NEVER_KILLED (-1000) /* oom_score_adj */

struct process_badness {
	uint32_t pid, parent_pid;
	uint64_t start_ns; /* boot clock, in steps of a clock tick (10 ms) */
	char comm[16];
	uint64_t rss_kb, swap_kb, pagetable_kb;
	int32_t oom_score_adj;
};

/* proc: /proc. Returns 0, -ESRCH if it is gone or a zombie, or another negative errno. */
int process_badness_read(const char *proc, uint32_t pid, struct process_badness *ret);

/* /proc/PID/oom_score, the kernel's own measure of it against the node's memory: cheap, coarse. */
int process_oom_score(const char *proc, uint32_t pid, int32_t *ret);

/* total_kb: of what the processes share: the limit and the swap beyond it, or the node's memory and swap. */
int64_t process_badness_kb(const struct process_badness *process, uint64_t total_kb);

/* The path of its cgroup in the hierarchy with the memory controller. Returns 0 or a negative errno. */
int process_cgroup(const char *proc, uint32_t pid, bool memory_on_v1, char *ret_path,
		   uint32_t size);
