/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's way to the daemon: HTTP on its unix socket. */
#pragma once

#include <stddef.h>

/* Called for each line of the answer, without its end; return nonzero to stop. */
typedef int (*local_line_fn)(void *context, const char *line, size_t length);

/*
 * GETs a path ("/v1/status") and blocks until the answer ends. Returns the HTTP status, -ENOENT if
 * no daemon is there, -EPERM without permission, or -EIO; stopped by the callback is 200.
 */
int local_get(const char *socket, const char *path, local_line_fn on_line, void *context);
