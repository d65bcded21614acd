/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts that are not watched closely, because too many go on at once: what their cgroups' counters tell of them.
 *
 * kernel_windows.c says which. Only CPU time and throttling are known; the rest is `other`, and the grade says so.
 */
#pragma once

#include "model/event.h"

struct kernel_coarse;

/* Returns 0 or -ENOMEM. */
int kernel_coarse_new(struct kernel_coarse **ret, const char *cgroup_root, event_fn on_event,
		      void *context);
void kernel_coarse_free(struct kernel_coarse *coarse);

/* A container's cgroup was made: its path is kept for a while. */
void kernel_coarse_cgroup(struct kernel_coarse *coarse, const struct event_cgroup *cgroup);

/* Its entrypoint was executed; it is not watched otherwise. */
void kernel_coarse_begin(struct kernel_coarse *coarse, const struct event *exec);

/* Tells what it has done so far, if it is one of these. Times are on the boot clock. */
void kernel_coarse_tell(struct kernel_coarse *coarse, const char *container_id,
			enum stall_step step, uint64_t now_ns);

/* … and of all of them, each at most for the window. Returns whether there are any. */
bool kernel_coarse_tell_all(struct kernel_coarse *coarse, uint64_t window_ns, uint64_t now_ns);

void kernel_coarse_end(struct kernel_coarse *coarse, const char *container_id);
