/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/event_log.h"

#include <stdlib.h>
#include <string.h>

void event_log_take(void *context, const struct event *event)
{
	struct event_log *log = context;

	if (log->count == log->room) {
		log->room = log->room * 2 + 16;
		log->events = realloc(log->events, log->room * sizeof(*event));
		if (!log->events)
			abort();
	}
	log->events[log->count++] = *event;
}

void event_log_done(struct event_log *log)
{
	free(log->events);
	*log = (struct event_log){0};
}

uint32_t event_log_count(const struct event_log *log, enum event_type type)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < log->count; i++)
		count += log->events[i].type == type;
	return count;
}

uint32_t event_log_steps(const struct event_log *log, enum source_kind source,
			 enum source_step step)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < log->count; i++)
		count += log->events[i].type == EVENT_SOURCE &&
			 log->events[i].source.source == source &&
			 log->events[i].source.step == step;
	return count;
}

const struct event *event_log_unit(const struct event_log *log, const char *name)
{
	for (uint32_t i = log->count; i > 0; i--)
		if (log->events[i - 1].type == EVENT_UNIT &&
		    strcmp(log->events[i - 1].unit.name, name) == 0)
			return &log->events[i - 1];
	return NULL;
}

bool event_log_ordered(const struct event_log *log, const char *unit, const char *after)
{
	for (uint32_t i = 0; i < log->count; i++)
		if (log->events[i].type == EVENT_UNIT_AFTER &&
		    strcmp(log->events[i].unit_after.unit, unit) == 0 &&
		    strcmp(log->events[i].unit_after.after, after) == 0)
			return true;
	return false;
}
