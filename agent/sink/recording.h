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

struct recording;

/* Returns 0 or a negative errno. */
int recording_new(struct recording **ret, const char *path, const char *boot_id);
void recording_free(struct recording *recording);

/*
 * Flushed per event; seen_ns (when the agent read it) goes with it. A failure is logged once and ends
 * the recording.
 */
void recording_event(struct recording *recording, const struct event *event, uint64_t seen_ns);
