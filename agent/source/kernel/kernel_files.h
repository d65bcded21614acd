/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What starting containers bring in from disks, as events: their largest files, as they see them.
 *
 * kernel_windows.c says when a container's window opens, looks while any is open, and says when one is over. It must
 * not know what a start is good for.
 */
#pragma once

#include "model/event.h"
#include "source/kernel/kernel_file_maps.h"

struct kernel_files;

/* proc and devices are "/proc" and "/sys/dev/block"; borrowed. Returns 0 or -ENOMEM. */
int kernel_files_new(struct kernel_files **ret, const struct kernel_file_counts *counts,
		     const char *proc, const char *devices, event_fn on_event, void *context);
void kernel_files_free(struct kernel_files *files);

/* A window is open; pid: of the container's first process. */
void kernel_files_begin(struct kernel_files *files, const char *container_id, uint64_t cgroup_id,
			uint32_t pid);

/* Reads the counts of all windows, and tells what has grown. About once a second. */
void kernel_files_look(struct kernel_files *files);

/* Reads them, and tells of one container how much it has read, from disks or not. Something of it is over. */
void kernel_files_tell(struct kernel_files *files, const char *container_id);

/* The same, for the last time. */
void kernel_files_end(struct kernel_files *files, const char *container_id);
