/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of /metrics, /healthz and /readyz: sinks may not know sources, tracker and store, so
 * what is asked for is gathered here from the same parts that `nodewake status` reads. daemon.c opens it.
 */
#pragma once

#include <systemd/sd-event.h>

#include "sink/metrics/metrics_sink.h"
#include "status.h"

/*
 * Serves on address until the sink is freed, and brings back from the store which containers loop. parts outlives
 * it; what is filled in later (the sources) shows once it is. NULL, after one log line, if the address is
 * "off" or can't be listened on: the daemon goes on without.
 */
struct metrics_sink *endpoint_open(sd_event *loop, const char *address,
				   const struct status_parts *parts);
