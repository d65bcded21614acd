// SPDX-License-Identifier: Apache-2.0
/* Events and records survive the way through JSON. (json_rows_test.c: no field is forgotten.) */
#include "model/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/json_shape.h"

#define ROUNDS 200

static uint64_t seed;

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void every_value_has_a_word(void **state)
{
	const struct json_words *all[] = {
		&json_event_types,  &json_record_types,	    &json_phases,
		&json_start_states, &json_exit_verdicts,    &json_limit_scopes,
		&json_survivals,    &json_source_kinds,	    &json_source_steps,
		&json_roles,	    &json_container_states, &json_pod_container_states,
		&json_task_steps,   &json_snapshot_steps,   &json_ingest_kinds,
		&json_image_steps,  &json_cri_methods,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (size_t k = 0; k < all[i]->count; k++) {
			assert_non_null(all[i]->words[k]);
			for (size_t l = 0; l < k; l++)
				assert_string_not_equal(all[i]->words[k], all[i]->words[l]);
		}
	for (int type = 1; type < EVENT_TYPE_COUNT; type++)
		assert_non_null(json_event_bodies[type]);
	for (int type = 1; type < RECORD_TYPE_COUNT; type++)
		assert_non_null(json_record_bodies[type]);
	assert_string_equal(exit_verdict_name(EXIT_OOM_KILLED), "oom-killed");
	assert_string_equal(exit_verdict_name(EXIT_START_FAILED), "start-failed");
	assert_string_equal(phase_name(PHASE_COUNT), "?");
	assert_string_equal(record_type_name((enum record_type) - 1), "?");
}

/* --- there and back --------------------------------------------------------------------------- */

static const char *const pieces[] = {"a",  "Z",	       "0",	 "/",	      "\"", "\\",  "%n",
				     "\n", "\x1b[31m", "{",	 "}",	      "'",  ";--", "ü",
				     "€",  "😀",	       "\u202e", "</script>", " ",  "\x7f"};

static void fill_text(char *text, size_t size)
{
	size_t used = 0, wanted = random_u64() % size;

	memset(text, 0, size);
	for (;;) {
		const char *piece = pieces[random_u64() % (sizeof(pieces) / sizeof(*pieces))];

		if (used + strlen(piece) > wanted)
			return;
		memcpy(text + used, piece, strlen(piece));
		used += strlen(piece);
	}
}

static void fill(const struct json_shape *shape, char *data);

static void fill_field(const struct json_field *field, char *data)
{
	char *at = data + field->offset;
	uint64_t number = random_u64() >> random_u64() % 64;
	uint32_t count = (uint32_t)field->array_max;

	switch (field->kind) {
	case JSON_KIND_BOOL:
		*(bool *)at = number & 1;
		break;
	case JSON_KIND_UINT:
	case JSON_KIND_INT:
	case JSON_KIND_ADDRESS:
		memcpy(at, &number, field->size); /* little endian */
		break;
	case JSON_KIND_TEXT:
		fill_text(at, field->size);
		break;
	case JSON_KIND_WORD:
		number %= field->words->count;
		memcpy(at, &number, field->size);
		break;
	case JSON_KIND_FLAG:
		if (number & 1)
			memcpy(at, &field->flag, sizeof(field->flag));
		break;
	case JSON_KIND_OBJECT:
		if (field->counted) {
			count = (uint32_t)(number % (field->array_max + 1));
			memcpy(data + field->count_offset, &count, sizeof(count));
		}
		for (uint32_t i = 0; i < (field->array_max ? count : 1); i++)
			fill(field->shape, at + i * field->size);
		break;
	case JSON_KIND_INLINE:
		fill(field->shape, at);
		break;
	case JSON_KIND_LENGTH:
		break;
	}
}

static void fill(const struct json_shape *shape, char *data)
{
	for (size_t i = 0; i < shape->field_count; i++)
		fill_field(&shape->fields[i], data);
}

/* Through the text, as a file or a peer has it. */
static json_t *through_text(json_t *json)
{
	json_error_t error;
	char *text = json_dumps(json, JSON_COMPACT);
	json_t *back;

	assert_non_null(text);
	back = json_loads(text, 0, &error);
	if (!back)
		fail_msg("invalid JSON at %d: %s\n%s", error.position, error.text, text);
	free(text);
	json_decref(json);
	return back;
}

static void events_come_back(void **state)
{
	static struct event event, back;

	(void)state;
	for (int type = 1; type < EVENT_TYPE_COUNT; type++)
		for (int i = 0; i < ROUNDS; i++) {
			memset(&event, 0, sizeof(event));
			memset(&back, 0xaa, sizeof(back));
			fill(&json_event_head, (char *)&event);
			event.type = (enum event_type)type;
			fill(json_event_bodies[type], (char *)&event.cgroup);

			json_t *json = through_text(event_to_json(&event));
			assert_int_equal(event_from_json(json, &back), 0);
			assert_memory_equal(&event, &back, sizeof(event));
			json_decref(json);
		}
}

static void records_come_back(void **state)
{
	static struct record record, back;

	(void)state;
	for (int type = 1; type < RECORD_TYPE_COUNT; type++)
		for (int i = 0; i < ROUNDS; i++) {
			memset(&record, 0, sizeof(record));
			memset(&back, 0xaa, sizeof(back));
			fill(&json_record_head, (char *)&record);
			record.type = (enum record_type)type;
			fill(json_record_bodies[type], (char *)&record.start);

			json_t *json = through_text(record_to_json(&record));
			assert_int_equal(record_from_json(json, &back), 0);
			assert_memory_equal(&record, &back, sizeof(record));
			json_decref(json);
		}
}

/* Members that stand in one object must not shadow each other. */
static void count_members(const struct json_shape *shape, json_t *seen)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];

		if (field->kind == JSON_KIND_INLINE) {
			count_members(field->shape, seen);
			continue;
		}
		if (json_object_get(seen, field->name))
			fail_msg("two members are called %s", field->name);
		json_object_set_new(seen, field->name, json_true());
		if (field->shape) {
			json_t *inner = json_object();
			count_members(field->shape, inner);
			json_decref(inner);
		}
	}
}

static void no_two_members_share_a_name(void **state)
{
	(void)state;
	for (int type = 1; type < EVENT_TYPE_COUNT; type++) {
		json_t *seen = json_object();
		count_members(&json_event_head, seen);
		count_members(json_event_bodies[type], seen);
		json_decref(seen);
	}
	for (int type = 1; type < RECORD_TYPE_COUNT; type++) {
		json_t *seen = json_pack("{s:b,s:b}", "time", 1, "duration_ns", 1);
		count_members(&json_record_head, seen);
		count_members(json_record_bodies[type], seen);
		json_decref(seen);
	}
}

/* --- what programs see ------------------------------------------------------------------------ */

static void a_record_reads_as_documented(void **state)
{
	struct record record = {
		.type = RECORD_START,
		.final = true,
		.key = "start/c1/0",
		.boot_ns = 5 * NS_PER_SECOND,
		.wall_offset_ns = 1795414324LL * 1000000000LL + 7,
		.subject = {.pod = "aidb", .pod_namespace = "ai-stack", .container = "db"},
		.start = {.state = START_LISTENING,
			  .span = {1000, 5000},
			  .phase_count = 2,
			  .phases = {{PHASE_SANDBOX, {1000, 3000}, true},
				     {PHASE_APP, {3000, 5000}, false}},
			  .listen_port = 8080},
	};
	json_t *json = record_to_json(&record);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_string_equal(
		text,
		"{\"type\":\"start\",\"key\":\"start/c1/0\",\"final\":true,\"boot_ns\":5000000000,"
		"\"wall_offset_ns\":1795414324000000007,"
		"\"subject\":{\"pod_namespace\":\"ai-stack\",\"pod\":\"aidb\",\"container\":\"db\"}"
		","
		"\"duration_ns\":4000,\"time\":\"2026-11-23T06:12:09.000000007Z\","
		"\"state\":\"listening\",\"span\":{\"from_ns\":1000,\"to_ns\":5000,\"duration_ns\":"
		"4000},"
		"\"phases\":[{\"phase\":\"sandbox\",\"from_ns\":1000,\"to_ns\":3000,\"duration_"
		"ns\":2000,"
		"\"reconstructed\":true},"
		"{\"phase\":\"app\",\"from_ns\":3000,\"to_ns\":5000,\"duration_ns\":2000}],"
		"\"listen_port\":8080}");
	free(text);
	json_decref(json);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	static const struct {
		const char *comm, *expected;
	} cases[] = {
		{"a\xff\xfe"
		 "b",
		 "a\xef\xbf\xbd\xef\xbf\xbd"
		 "b"},
		{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},		  /* overlong */
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
		{"\xf4\x90\x80\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
		{"\xe2\x82\xac", "\xe2\x82\xac"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct event event = {.type = EVENT_EXEC};
		strcpy(event.exec.comm, cases[i].comm);
		json_t *json = through_text(event_to_json(&event));
		assert_string_equal(json_string_value(json_object_get(json, "comm")),
				    cases[i].expected);
		assert_int_equal(event_from_json(json, &event), 0);
		json_decref(json);
	}
}

static void any_bytes_make_valid_json(void **state)
{
	static struct record record, back;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof(record); k++)
			((unsigned char *)&record)[k] = (unsigned char)random_u64();
		record.type = 1 + (uint32_t)i % (RECORD_TYPE_COUNT - 1);
		json_t *json = through_text(record_to_json(&record));
		assert_int_equal(record_from_json(json, &back), 0);
		json_decref(json);
	}
}

/* --- what is refused -------------------------------------------------------------------------- */

static void wrong_kinds_are_refused(void **state)
{
	static const char *const bad[] = {
		"[]",
		"7",
		"{}",
		"{\"type\":\"none\"}",
		"{\"type\":\"nonsense\"}",
		"{\"type\":1}",
		"{\"type\":\"exec\",\"boot_ns\":\"1\"}",
		"{\"type\":\"exec\",\"boot_ns\":1.5}",
		"{\"type\":\"exec\",\"boot_ns\":-1}",
		"{\"type\":\"exec\",\"comm\":7}",
		"{\"type\":\"exec\",\"comm\":null}",
		"{\"type\":\"exec\",\"who\":[]}",
		"{\"type\":\"exec\",\"who\":{\"pid\":4294967296}}",
		"{\"type\":\"exec\",\"role\":\"king\"}",
		"{\"type\":\"exec\",\"role\":3}",
		"{\"type\":\"exec\",\"reconstructed\":1}",
		"{\"type\":\"exec\",\"cgroup_id\":\"0x\"}",
		"{\"type\":\"exec\",\"cgroup_id\":\"0x12345678901234567\"}",
		"{\"type\":\"exec\",\"cgroup_id\":\"0x-1\"}",
		"{\"type\":\"exec\",\"parent_pid\":\"0x1\"}",
		"{\"type\":\"exit\",\"last\":{}}",
		"{\"type\":\"exit\",\"last\":[1]}",
		"{\"type\":\"exit\",\"last\":[{},{},{}]}",
		"{\"type\":\"exit\",\"code\":2147483648}",
		"{\"type\":\"exit\",\"code\":-2147483649}",
		"{\"type\":\"listen\",\"port\":65536}",
		"{\"type\":\"exit\",\"oom_victim\":0}",
	};
	struct event event, untouched;

	(void)state;
	memset(&event, 0x55, sizeof(event));
	memset(&untouched, 0x55, sizeof(untouched));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		assert_non_null(json);
		if (event_from_json(json, &event) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_memory_equal(&event, &untouched, sizeof(event));
		json_decref(json);
	}
}

static void unknown_members_and_long_texts_are_accepted(void **state)
{
	json_t *json =
		json_loads("{\"type\":\"exec\",\"flavour\":[1],\"comm\":\"0123456789abcde€\","
			   "\"who\":{\"pid\":7,\"x\":null},\"cgroup_id\":\"0xffffffffffffffff\"}",
			   0, NULL);
	struct event event;

	(void)state;
	assert_int_equal(event_from_json(json, &event), 0);
	assert_string_equal(event.exec.comm, "0123456789abcde");
	assert_int_equal(event.exec.who.pid, 7);
	assert_true(event.exec.cgroup_id == UINT64_MAX);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_word),
		cmocka_unit_test(events_come_back),
		cmocka_unit_test(records_come_back),
		cmocka_unit_test(no_two_members_share_a_name),
		cmocka_unit_test(a_record_reads_as_documented),
		cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
		cmocka_unit_test(any_bytes_make_valid_json),
		cmocka_unit_test(wrong_kinds_are_refused),
		cmocka_unit_test(unknown_members_and_long_texts_are_accepted),
	};

	seed = getenv("TEST_SEED") ? strtoull(getenv("TEST_SEED"), NULL, 0) | 1 : 88172645463325252;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
