/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's way to the daemon: HTTP on its unix socket. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Called for each line of the answer, without its end; return nonzero to stop. */
typedef int (*local_line_fn)(void *context, const char *line, size_t length);

/*
 * GETs a path ("/v1/status") and blocks until the answer ends; deadline_ms 0: a stream, that may
 * last for ever. Returns the HTTP status, -ENOENT if no daemon is there, -EPERM without permission,
 * -ETIMEDOUT if it is there and does not answer, or -EIO; stopped by the callback is 200.
 */
int local_get(const char *socket, const char *path, uint32_t deadline_ms, local_line_fn on_line,
	      void *context);
