/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local API: HTTP on a unix socket (mode 0600), for the command line on the same node.
 *
 *	GET /v1/status              one JSON object, made by status_fn
 *	GET /v1/watch?type=a,b      records as they come, one JSON object a line, until the client leaves
 *
 * A client that reads too slowly loses records, is told so by a line {"dropped": N}, and never
 * makes the daemon wait or grow: each has a bounded queue, and there are at most 16 of them.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "model/record.h"

struct local_sink;

/* Returns a new reference or NULL. */
typedef json_t *(*status_fn)(void *context);

/* path: the socket; a stale one is replaced, one that a living daemon serves is -EADDRINUSE. */
int local_sink_new(struct local_sink **ret, sd_event *loop, const char *path, status_fn status,
		   void *context);
void local_sink_free(struct local_sink *sink);

void local_sink_record(struct local_sink *sink, const struct record *record);
