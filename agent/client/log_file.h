/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log file that another program writes: its lines from a time on, a block per call. No policy.
 *
 * The reader finds the place by halving the file, so that what lies before it is never read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct log_file;

/* A line's time, or 0 if it tells none. text is not terminated. */
typedef int64_t (*log_file_time_fn)(const char *text, size_t length);

/* Takes one line without its newline; one longer than a block comes cut. */
typedef void (*log_file_line_fn)(void *context, const char *text, size_t length);

/* Returns 0 or a negative errno (-ENOENT: there is none). */
int log_file_open(struct log_file **ret, const char *path);
void log_file_close(struct log_file *file);

/* Goes to the first line that is not before this time, as far as lines are in order. Returns 0 or a negative errno. */
int log_file_from(struct log_file *file, int64_t wall_ns, log_file_time_fn time_of);

/*
 * Reads one block's lines. 1: there may be more, 0: that is all so far, or a negative errno: -ESTALE if the
 * path names another file by now, which is to be opened instead.
 */
int log_file_read(struct log_file *file, log_file_line_fn on_line, void *context);
