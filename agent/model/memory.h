/* SPDX-License-Identifier: Apache-2.0 */
/* What an OOM kill's record says beyond limit and victim: how it came to it, who else was there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"

/* The memory of one cgroup, read right after a kill. Shares are in thousandths of the time. */
struct memory_state {
	uint64_t usage_bytes, limit_bytes; /* limit 0: none */
	uint64_t peak_bytes;
	uint64_t anon_bytes, file_bytes, shmem_bytes,
		kernel_bytes;			   /* file: without shmem (tmpfs) */
	uint64_t swap_bytes, swap_limit_bytes;	   /* limit 0: none */
	uint64_t limit_hits;			   /* memory.events' max, v1: failcnt */
	uint64_t kills;				   /* memory.events' oom_kill */
	uint32_t stalled10, stalled60, stalled300; /* memory PSI, "some" */
};

/* A process that could have been chosen too. */
struct oom_neighbour {
	uint32_t pid;
	uint64_t start_ns;
	char comm[COMM_SIZE];
	char container[NAME_SIZE]; /* of the same pod; "" where it is the victim's own */
	uint64_t rss_kb, swap_kb;
	int32_t oom_score_adj;
	int64_t points_kb; /* the kernel's measure: rss, swap, page tables, and adj's share */
};

/* What a pod used when the node ran out. */
struct oom_pod {
	char pod[POD_PATH_SIZE];
	uint64_t usage_bytes;
	uint64_t request_bytes; /* 0: it requests none, or not known */
	bool request_known;
};

/* The kills of the same program in the same pod's container. */
struct oom_series {
	uint32_t count;	      /* this one included */
	uint64_t first_ns;    /* of the series */
	uint64_t interval_ns; /* median; 0 for the first */
	uint64_t
		growth_bytes_per_min; /* from the victim's start to its end; 0: it lived less than a minute */
	bool leak;		      /* at least three, each grown at about the same rate */
};

#define OOM_NEIGHBOURS_MAX 5
#define OOM_PODS_MAX	   5
