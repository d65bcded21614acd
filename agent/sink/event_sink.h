/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as a file of JSON lines, for `nodewake replay`: a bug report that is also a test.
 *
 * The first line tells format, version, boot and wall offset; each other line is one event. The
 * file is made with mode 0600 (it names pods and programs) and ends at a maximum size.
 */
#pragma once

#include "base/clock.h"
#include "model/event.h"

struct event_sink;

/* Returns 0 or a negative errno. */
int event_sink_new(struct event_sink **ret, const char *path, const char *boot_id);
void event_sink_free(struct event_sink *sink);

/*
 * Flushed per event; seen_ns (when the agent read it) goes with it. A failure is logged once and ends
 * the recording.
 */
void event_sink_event(struct event_sink *sink, const struct event *event, uint64_t seen_ns);
