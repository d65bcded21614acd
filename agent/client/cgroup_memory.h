/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of one cgroup, by the files of either version (Documentation/admin-guide/cgroup-v1/memory.rst and
 * cgroup-v2.rst). A file that a kernel lacks leaves its figures 0. No policy, no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_memory {
	uint64_t usage_bytes, limit_bytes; /* limit 0: none */
	uint64_t peak_bytes;		   /* v2: from 5.19 on */
	/* with all below it; file with shmem, as the kernel counts */
	uint64_t anon_bytes, file_bytes, shmem_bytes, inactive_file_bytes, kernel_bytes;
	uint64_t swap_bytes, swap_limit_bytes; /* limit 0: none, or no swap accounting */
	bool swap_forbidden;		       /* its limit is 0 */
	uint64_t limit_hits;		       /* v1: failcnt, of memory or memory and swap */
	uint64_t kills;			       /* v1: of the cgroup itself; v2 with those below */
	uint32_t stalled10, stalled60, stalled300; /* PSI "some", in thousandths of the time */
};

/*
 * dir: the cgroup's in the hierarchy with the memory controller. psi_dir: where its memory.pressure is, on a hybrid
 * the unified one's; NULL: the same. Returns 0 or a negative errno; -ENOENT if it is gone.
 */
int cgroup_memory_read(const char *dir, const char *psi_dir, bool v1, struct cgroup_memory *ret);

/* Two files that cost little. A limit of 0 means none. */
int cgroup_memory_usage(const char *dir, bool v1, uint64_t *ret_bytes);
int cgroup_memory_limit(const char *dir, bool v1, uint64_t *ret_bytes);

/* What can't be had back at once, as the kubelet reckons it: usage without inactive file pages. */
uint64_t cgroup_memory_working_set(const struct cgroup_memory *memory);

/* memory.stat's text into the fields that it holds. */
void cgroup_memory_parse_stat(const char *text, bool v1, struct cgroup_memory *memory);

/* The line "some" of a PSI file. False where it isn't such. */
bool cgroup_memory_parse_pressure(const char *text, struct cgroup_memory *memory);

/*
 * Processes of the cgroup and of those inside it, at most max. Returns how many there are, which may be more, or a
 * negative errno.
 */
int cgroup_processes(const char *dir, uint32_t *ret_pids, uint32_t max);
