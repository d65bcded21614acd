// SPDX-License-Identifier: Apache-2.0
/*
 * Every field of every event and record has a row in the JSON tables: the sizes of the rows add up
 * to the struct's size without padding. Here the structs are packed, so sizeof is that sum;
 * nothing but their sizes is used, since the tables themselves know the real layout.
 */
#pragma pack(push, 1)
#include "model/event.h"
#include "model/record.h"
#pragma pack(pop)

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/json_shape.h"

static size_t covered(const struct json_shape *shape)
{
	size_t sum = 0;

	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		size_t size = field->shape ? covered(field->shape) : field->size;

		if (field->kind == JSON_KIND_LENGTH)
			continue;
		for (size_t k = 0; k < i; k++)
			if (shape->fields[k].offset == field->offset &&
			    shape->fields[k].kind != JSON_KIND_LENGTH)
				fail_msg("%s and %s are the same field", shape->fields[k].name,
					 field->name);
		sum += field->array_max ? field->array_max * size : size;
		sum += field->counted ? sizeof(uint32_t) : 0;
	}
	return sum;
}

static void check(const char *name, const struct json_shape *shape, size_t size)
{
	if (!shape || covered(shape) != size)
		fail_msg("%s: the rows of the JSON table cover %zu of %zu bytes", name,
			 shape ? covered(shape) : 0, size);
}

#define CHECK(shape, type) check(#type, shape, sizeof(type))

static void events_have_all_rows(void **state)
{
	size_t largest = 0;

	(void)state;
	CHECK(json_event_bodies[EVENT_CGROUP_NEW], struct event_cgroup);
	CHECK(json_event_bodies[EVENT_CGROUP_GONE], struct event_cgroup);
	CHECK(json_event_bodies[EVENT_EXEC], struct event_exec);
	CHECK(json_event_bodies[EVENT_EXIT], struct event_exit);
	CHECK(json_event_bodies[EVENT_LISTEN], struct event_listen);
	CHECK(json_event_bodies[EVENT_OOM], struct event_oom);
	CHECK(json_event_bodies[EVENT_STALL], struct event_stall);
	CHECK(json_event_bodies[EVENT_FILE_READ], struct event_file_read);
	CHECK(json_event_bodies[EVENT_CONNECT_SLOW], struct event_connect_failed);
	CHECK(json_event_bodies[EVENT_DNS], struct event_dns);
	CHECK(json_event_bodies[EVENT_WORK], struct event_work);
	CHECK(json_event_bodies[EVENT_PRESSURE], struct event_pressure);
	CHECK(json_event_bodies[EVENT_CONTAINER], struct event_container);
	CHECK(json_event_bodies[EVENT_CONTAINER_GONE], struct event_container_gone);
	CHECK(json_event_bodies[EVENT_TASK], struct event_task);
	CHECK(json_event_bodies[EVENT_SNAPSHOT], struct event_snapshot);
	CHECK(json_event_bodies[EVENT_INGEST], struct event_ingest);
	CHECK(json_event_bodies[EVENT_LAYER], struct event_layer);
	CHECK(json_event_bodies[EVENT_IMAGE], struct event_image);
	CHECK(json_event_bodies[EVENT_POD], struct event_pod);
	CHECK(json_event_bodies[EVENT_POD_CONTAINER], struct event_pod_container);
	CHECK(json_event_bodies[EVENT_POD_GONE], struct event_pod_gone);
	CHECK(json_event_bodies[EVENT_POD_TROUBLE], struct event_pod_trouble);
	CHECK(json_event_bodies[EVENT_ADDRESS], struct event_address);
	CHECK(json_event_bodies[EVENT_BOOT], struct event_boot);
	CHECK(json_event_bodies[EVENT_UNIT], struct event_unit);
	CHECK(json_event_bodies[EVENT_UNIT_AFTER], struct event_unit_after);
	CHECK(json_event_bodies[EVENT_MILESTONE], struct event_milestone);
	CHECK(json_event_bodies[EVENT_LAST_BOOT], struct event_last_boot);
	CHECK(json_event_bodies[EVENT_CONNECT_FAILED], struct event_connect_failed);
	CHECK(json_event_bodies[EVENT_CRI_CALL], struct event_cri_call);
	CHECK(json_event_bodies[EVENT_MEMORY], struct event_memory);
	CHECK(json_event_bodies[EVENT_NEIGHBOUR], struct event_neighbour);
	CHECK(json_event_bodies[EVENT_POD_MEMORY], struct event_pod_memory);
	CHECK(json_event_bodies[EVENT_START_FAILED], struct event_start_failed);
	CHECK(json_event_bodies[EVENT_LOG_TAIL], struct event_log_tail);
	CHECK(json_event_bodies[EVENT_CORE], struct event_core);
	CHECK(json_event_bodies[EVENT_HOST], struct event_host);
	CHECK(json_event_bodies[EVENT_NODE], struct event_node);
	CHECK(json_event_bodies[EVENT_SOURCE], struct event_source);
	_Static_assert(EVENT_TYPE_COUNT == 41, "a new event type needs a line above");

	check("struct event's head", &json_event_head, offsetof(struct event, cgroup));
	for (int type = 1; type < EVENT_TYPE_COUNT; type++)
		if (covered(json_event_bodies[type]) > largest)
			largest = covered(json_event_bodies[type]);
	assert_int_equal(sizeof(struct event), offsetof(struct event, cgroup) + largest);
}

static void records_have_all_rows(void **state)
{
	size_t largest = 0;

	(void)state;
	CHECK(json_record_bodies[RECORD_START], struct record_start);
	CHECK(json_record_bodies[RECORD_OOM], struct record_oom);
	CHECK(json_record_bodies[RECORD_EXIT], struct record_exit);
	CHECK(json_record_bodies[RECORD_PULL], struct record_pull);
	CHECK(json_record_bodies[RECORD_BOOT], struct record_boot);
	CHECK(json_record_bodies[RECORD_GAP], struct record_gap);
	CHECK(json_record_bodies[RECORD_WAIT], struct record_wait);
	CHECK(json_record_bodies[RECORD_UNIT], struct record_unit);
	CHECK(json_record_bodies[RECORD_CHILD], struct record_child);
	CHECK(json_record_bodies[RECORD_HOST], struct record_host);
	_Static_assert(RECORD_TYPE_COUNT == 11, "a new record type needs a line above");

	check("struct record's head", &json_record_head, offsetof(struct record, start));
	for (int type = 1; type < RECORD_TYPE_COUNT; type++)
		if (covered(json_record_bodies[type]) > largest)
			largest = covered(json_record_bodies[type]);
	assert_int_equal(sizeof(struct record), offsetof(struct record, start) + largest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_have_all_rows),
		cmocka_unit_test(records_have_all_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
