/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process has mounted, and at which path it sees a file of which only the place on its own file system is known.
 *
 * An overlay's files are those of its layers: it is the layer's path that the kernel knows them by.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mounts;

/* From /proc/PID/mountinfo; proc is "/proc". Returns 0, -ESRCH if the process is gone, or another negative errno. */
int mounts_read(struct mounts **ret, const char *proc, uint32_t pid);
void mounts_free(struct mounts *mounts);

/*
 * device: of the file system, as the kernel has it (major << 20 | minor). path: from the file system's root, or only the
 * end of that, which then does not begin with a slash. Cut at the front. Returns 0, or -ENOENT if it is not in
 * any of the mounts.
 */
int mounts_path(const struct mounts *mounts, uint32_t device, const char *path, char *ret_path,
		size_t size);
