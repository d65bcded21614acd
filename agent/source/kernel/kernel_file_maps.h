/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel has counted of starting containers' reads (bpf/file.bpf.c), as far as it has come.
 *
 * kernel_files.c asks; a test answers in its place.
 */
#pragma once

#include "source/kernel/kernel_tables.h"

typedef void (*kernel_file_fn)(void *context, const struct wire_file *file,
			       const struct wire_file_reads *reads);

/* All return 0 or a negative errno. */
struct kernel_file_counts {
	void *context;
	/* Of one container; -ENOENT: it has not read anything, and its exec was not seen. */
	int (*reads)(void *context, uint64_t cgroup_id, struct wire_reads *ret);
	/* Each file of all containers. */
	int (*files)(void *context, kernel_file_fn each, void *each_context);
	/* What the threads that a container has now have read, cached or not. */
	int (*thread_reads)(void *context, uint64_t cgroup_id, uint64_t *ret_bytes);
	void (*forget)(void *context, uint64_t cgroup_id);
};

/* The context is maps, which must outlive it. */
void kernel_file_counts_of(struct kernel_file_maps *maps, struct kernel_file_counts *ret);
