/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP on a TCP port, for Prometheus and the kubelet:
 *
 *	/metrics    Prometheus' text format 0.0.4
 *	/healthz    200 "ok" if the daemon is alive, else 503 and one line per reason
 *	/readyz     200 "ok" if what it should watch is watched, else 503 and one line per reason
 *
 * It may be reached by anybody who reaches the port: it tells figures, no names of pods, and takes
 * nothing. At most 16 connections at once; a peer that stalls is cut off after 10 s.
 */
#pragma once

#include <stdio.h>
#include <systemd/sd-event.h>

#include "model/boot_history.h"
#include "model/record.h"
#include "sink/metrics/metrics_figures.h"

struct metrics_sink;

/* What only the daemon knows; called when it is asked for. */
struct metrics_sink_asks {
	void (*figures)(void *context, struct metrics_figures *ret); /* ret: all zeroes */
	/* Write one line per reason, nothing if all is well. */
	void (*unhealthy)(void *context, FILE *reasons);
	void (*unready)(void *context, FILE *reasons);
};

/* address: as http_listen takes it. Returns 0 or a negative errno; the place is told in the log. */
int metrics_sink_new(struct metrics_sink **ret, sd_event *loop, const char *address,
		     const struct metrics_sink_asks *asks, void *context);
void metrics_sink_free(struct metrics_sink *sink);

/* See metrics_earlier. */
void metrics_sink_earlier(struct metrics_sink *sink, const struct boot_history *earlier);

/* before: see metrics_record. */
void metrics_sink_record(struct metrics_sink *sink, const struct record *record,
			 enum record_known before);

/* "127.0.0.1:9464" */
const char *metrics_sink_address(const struct metrics_sink *sink);
