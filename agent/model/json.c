// SPDX-License-Identifier: Apache-2.0
#include "model/json.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/json_shape.h"

/* The bodies are read and written at one offset, whichever member of the union it is. */
_Static_assert(offsetof(struct event, cgroup) == offsetof(struct event, source), "one union");
_Static_assert(offsetof(struct record, start) == offsetof(struct record, gap), "one union");

static void json_releasep(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json cleanup_with(json_releasep)

json_t *event_to_json(const struct event *event)
{
	cleanup_json json_t *json = json_object();

	if (!json || json_shape_write(&json_event_head, event, json) < 0)
		return NULL;
	if (event->type < EVENT_TYPE_COUNT && json_event_bodies[event->type] &&
	    json_shape_write(json_event_bodies[event->type], &event->cgroup, json) < 0)
		return NULL;
	return take(json);
}

/* What follows from other members, for programs; not read back. */
static int write_derived(const struct record *record, json_t *json)
{
	uint64_t duration_ns = record_duration_ns(record);
	char time[WALL_TEXT_SIZE];

	if (duration_ns && json_object_set_new(json, "duration_ns", json_length(duration_ns)))
		return -ENOMEM;
	if (!record->boot_ns)
		return 0;
	clock_wall_text((int64_t)(record->boot_ns + (uint64_t)record->wall_offset_ns), 9, time);
	return json_object_set_new(json, "time", json_string(time)) ? -ENOMEM : 0;
}

json_t *record_to_json(const struct record *record)
{
	cleanup_json json_t *json = json_object();

	if (!json || json_shape_write(&json_record_head, record, json) < 0 ||
	    write_derived(record, json) < 0)
		return NULL;
	if (record->type < RECORD_TYPE_COUNT && json_record_bodies[record->type] &&
	    json_shape_write(json_record_bodies[record->type], &record->start, json) < 0)
		return NULL;
	return take(json);
}

int event_from_json(const json_t *json, struct event *ret)
{
	struct event event = {0};

	if (!json_is_object(json) || json_shape_read(&json_event_head, json, &event) < 0 ||
	    !json_event_bodies[event.type] ||
	    json_shape_read(json_event_bodies[event.type], json, &event.cgroup) < 0)
		return -EBADMSG;
	*ret = event;
	return 0;
}

int record_from_json(const json_t *json, struct record *ret)
{
	struct record record = {0};

	if (!json_is_object(json) || json_shape_read(&json_record_head, json, &record) < 0 ||
	    !json_record_bodies[record.type] ||
	    json_shape_read(json_record_bodies[record.type], json, &record.start) < 0)
		return -EBADMSG;
	*ret = record;
	return 0;
}
