// SPDX-License-Identifier: Apache-2.0
/* What a container wrote last, and its loader's complaint, come with its death. */
#include "unit/track_fixture.h"

static struct event ev_log(const char *id, const char *text, uint64_t at)
{
	struct event event = {.type = EVENT_LOG_TAIL, .boot_ns = at};

	TEXT_COPY(event.log_tail.container_id, id);
	TEXT_COPY(event.log_tail.tail.text, text);
	event.log_tail.tail.lines = 1;
	return event;
}

static struct event ev_complaint(const char *id, const char *library, uint64_t at)
{
	struct event event = {.type = EVENT_START_FAILED, .boot_ns = at};

	TEXT_COPY(event.start_failed.container_id, id);
	event.start_failed.failed.kind = FAILURE_LIBRARY;
	TEXT_COPY(event.start_failed.failed.what, library);
	return event;
}

static void open_with_pod(struct fixture *f, bool listens)
{
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, 2 * S);

	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	for (size_t i = 0; i < n; i++)
		if (listens || events[i].type != EVENT_LISTEN)
			feed(f, events[i]);
}

static void end(struct fixture *f, const struct event *told, size_t count)
{
	feed(f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 127, 0, 3 * S));
	feed(f, ev_task(WEB, TASK_EXIT, 31, 127, 3 * S));
	for (size_t i = 0; i < count; i++)
		feed(f, told[i]);
	feed(f,
	     ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, 2 * S, 2 * S, 3 * S, 127, "Error"));
	pass(f, 30 * S);
}

static void the_lines_come_with_the_death(void **state)
{
	struct fixture f;
	const struct event told = ev_log(WEB, "no route to host\n", 3 * S);
	const struct record *record;

	(void)state;
	open_with_pod(&f, true);
	end(&f, &told, 1);
	record = fixture_last(&f, RECORD_EXIT, 0);
	assert_non_null(record);
	assert_string_equal(record->exit.log.text, "no route to host\n");
	assert_int_equal(record->exit.log.lines, 1);
	assert_int_equal(record->exit.failed.kind, FAILURE_NONE);
	fixture_close(&f);
}

static void others_lines_do_not(void **state)
{
	struct fixture f;
	const struct event told[] = {ev_log(OTHER, "no route to host\n", 3 * S),
				     ev_complaint(OTHER, "liba.so.1", 3 * S)};
	const struct record *record;

	(void)state;
	open_with_pod(&f, false);
	end(&f, told, 2);
	record = fixture_last(&f, RECORD_EXIT, 0);
	assert_string_equal(record->exit.log.text, "");
	assert_int_equal(record->exit.failed.kind, FAILURE_NONE);
	fixture_close(&f);
}

static void a_library_is_why_it_could_not_begin(void **state)
{
	struct fixture f;
	const struct event told = ev_complaint(WEB, "liba.so.1", 3 * S);
	const struct record *record;

	(void)state;
	open_with_pod(&f, false);
	end(&f, &told, 1);
	record = fixture_last(&f, RECORD_EXIT, 0);
	assert_int_equal(record->exit.verdict, EXIT_ERROR);
	assert_int_equal(record->exit.failed.kind, FAILURE_LIBRARY);
	assert_string_equal(record->exit.failed.what, "liba.so.1");
	fixture_close(&f);
}

/* Its loader was content: a child's was not. */
static void not_of_one_that_listened(void **state)
{
	struct fixture f;
	const struct event told = ev_complaint(WEB, "liba.so.1", 3 * S);

	(void)state;
	open_with_pod(&f, true);
	end(&f, &told, 1);
	assert_int_equal(fixture_last(&f, RECORD_EXIT, 0)->exit.failed.kind, FAILURE_NONE);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lines_come_with_the_death),
		cmocka_unit_test(others_lines_do_not),
		cmocka_unit_test(a_library_is_why_it_could_not_begin),
		cmocka_unit_test(not_of_one_that_listened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
