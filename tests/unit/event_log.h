/* SPDX-License-Identifier: Apache-2.0 */
/* What a source under test has emitted. Begin with zeros. */
#pragma once

#include "model/event.h"

struct event_log {
	struct event *events;
	uint32_t count, room;
};

/* An event_fn; context is the log. */
void event_log_take(void *context, const struct event *event);
/* Frees, and empties. */
void event_log_done(struct event_log *log);

uint32_t event_log_count(const struct event_log *log, enum event_type type);
uint32_t event_log_steps(const struct event_log *log, enum source_kind source,
			 enum source_step step);
/* The last EVENT_UNIT of this name, NULL if there is none. */
const struct event *event_log_unit(const struct event_log *log, const char *name);
bool event_log_ordered(const struct event_log *log, const char *unit, const char *after);
