/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container's log file, where CRI says that it is.
 *
 * The kubelet makes POD-DIRECTORY/CONTAINER/ATTEMPT.log; a container that has the folder above mounted could put a
 * link in its place and have us read another file. So the last parts of the path are followed step by step, no
 * link among them, and only a regular file with one name is read. It must not know what a line means.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All that is read of a log. */
#define CRI_LOG_BLOCK (16 * 1024)

/*
 * The last bytes of the file, at most CRI_LOG_BLOCK; *ret_cut: there are more before them. Returns 0 or a negative
 * errno: -ELOOP a link, -EINVAL no absolute path or no plain file.
 */
int cri_log_end(const char *path, char ret_block[static CRI_LOG_BLOCK], size_t *ret_length,
		bool *ret_cut);
