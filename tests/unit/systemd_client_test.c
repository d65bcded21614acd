// SPDX-License-Identifier: Apache-2.0
/* The systemd client against a systemd that answers, is slow, talks rubbish, hangs up, or is not there. */
#include "client/systemd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "unit/systemd_fake.h"

#define ANSWERS_MAX 64

/* What came back; asked in the order of their tokens. */
struct fixture {
	sd_event *loop;
	struct fake_systemd own, bus;
	struct systemd_options options;
	struct systemd *systemd;
	int opened; /* callbacks of systemd_open */
	int open_error;
	char why[256];
	struct systemd_manager manager;
	int answers;
	int errors[ANSWERS_MAX]; /* by token */
	struct systemd_unit unit;
	char after[256], listed[4096], result[64];
	int listed_count, done, done_error;
	bool free_in_callback;
};

static const struct fake_unit units[] = {
	{"a.service", "active", NULL, 10, 20, 30, 40, {"b.target", "c.mount"}, NULL, NULL, false},
	{"broken.service", "failed", "failed", 10, 0, 0, 40, {NULL}, "exit-code", NULL, false},
	{"odd.service", "active", NULL, 10, 20, 0, 0, {NULL}, NULL, NULL, true},
};

static void set_up_fake(struct fake_systemd *fake, sd_event *loop)
{
	fake_systemd_open(fake, loop);
	fake->manager = (struct systemd_manager){.firmware_us = 7, .userspace_us = 1000};
	fake->units = units;
	fake->unit_count = sizeof(units) / sizeof(*units);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	assert_true(sd_event_new(&fixture->loop) >= 0);
	set_up_fake(&fixture->own, fixture->loop);
	set_up_fake(&fixture->bus, fixture->loop);
	fixture->options = (struct systemd_options){.private_socket = fixture->own.socket,
						    .bus_address = fixture->bus.address,
						    .deadline_ms = 2000};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	systemd_free(fixture->systemd);
	fake_systemd_close(&fixture->own);
	fake_systemd_close(&fixture->bus);
	sd_event_unref(fixture->loop);
	free(fixture);
	return 0;
}

static void on_manager(void *context, int error, const char *why,
		       const struct systemd_manager *manager)
{
	struct fixture *fixture = context;

	fixture->opened++;
	fixture->open_error = error;
	TEXT_COPY(fixture->why, why);
	assert_int_equal(error == 0, manager != NULL);
	if (manager)
		fixture->manager = *manager;
	if (fixture->free_in_callback) {
		systemd_free(fixture->systemd);
		fixture->systemd = NULL;
	}
}

static void on_unit(void *context, uint32_t token, int error, const struct systemd_unit *unit)
{
	struct fixture *fixture = context;

	fixture->answers++;
	fixture->errors[token] = error;
	assert_int_equal(error == 0, unit != NULL);
	if (unit) {
		fixture->unit = *unit;
		fixture->after[0] = '\0';
		for (char *const *name = unit->after; *name; name++)
			snprintf(fixture->after + strlen(fixture->after),
				 sizeof(fixture->after) - strlen(fixture->after), "%s ", *name);
	}
	if (fixture->free_in_callback) {
		systemd_free(fixture->systemd);
		fixture->systemd = NULL;
	}
}

static void on_result(void *context, uint32_t token, int error, const char *result)
{
	struct fixture *fixture = context;

	fixture->answers++;
	fixture->errors[token] = error;
	TEXT_COPY(fixture->result, result ?: "");
}

static void on_listed(void *context, const struct systemd_listed *unit)
{
	struct fixture *fixture = context;

	fixture->listed_count++;
	snprintf(fixture->listed + strlen(fixture->listed),
		 sizeof(fixture->listed) - strlen(fixture->listed), "%s %s %s %s\n", unit->name,
		 unit->load_state, unit->active_state, unit->sub_state);
}

static void on_done(void *context, int error)
{
	struct fixture *fixture = context;

	fixture->done++;
	fixture->done_error = error;
}

static void run_until(struct fixture *fixture, const int *counter, int count)
{
	for (int i = 0; i < 4000 && *counter < count; i++)
		sd_event_run(fixture->loop, 1000);
	assert_int_equal(*counter, count);
}

/* For what should not happen. */
static void run_on(struct fixture *fixture)
{
	for (int i = 0; i < 50; i++)
		sd_event_run(fixture->loop, 1000);
}

static void open_client(struct fixture *fixture)
{
	assert_int_equal(systemd_open(&fixture->systemd, fixture->loop, &fixture->options,
				      on_manager, fixture),
			 0);
	assert_int_equal(fixture->opened, 0); /* not from inside */
	run_until(fixture, &fixture->opened, 1);
}

static void ask_unit(struct fixture *fixture, const char *name, uint32_t token)
{
	assert_int_equal(systemd_read_unit(fixture->systemd, name, on_unit, fixture, token), 0);
}

static void its_own_socket_comes_first(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->manager.userspace_us, 1000);
	assert_int_equal(fixture->manager.firmware_us, 7);
	assert_int_equal(fixture->own.connections, 1);
	assert_int_equal(fixture->own.hellos, 0);
	assert_int_equal(fixture->bus.connections, 0);
}

static void the_bus_is_the_other_way(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.private_socket = "/tmp/nodewake-test-none/private";
	open_client(fixture);
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->bus.hellos, 1);
	ask_unit(fixture, "a.service", 0);
	run_until(fixture, &fixture->answers, 1);
	assert_int_equal(fixture->errors[0], 0);
}

static void an_address_in_the_environment_comes_first(void **state)
{
	struct fixture *fixture = *state;

	setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture->bus.address, 1);
	fixture->options.bus_address = NULL;
	open_client(fixture);
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->bus.hellos, 1);
	assert_int_equal(fixture->own.connections, 0);
}

static void nobody_is_there(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.private_socket = "/tmp/nodewake-test-none/private";
	fixture->options.bus_address = "unix:path=/tmp/nodewake-test-none/bus";
	open_client(fixture);
	assert_int_equal(fixture->open_error, -ENOENT);
	assert_non_null(strstr(fixture->why, "/tmp/nodewake-test-none/private"));
	assert_non_null(strstr(fixture->why, "No such file"));
}

static void a_refusal_tells_more_than_an_absence(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.private_socket = "/tmp/nodewake-test-none/private";
	fake_systemd_stop(&fixture->bus);
	open_client(fixture);
	assert_int_equal(fixture->open_error, -ECONNREFUSED);
	assert_non_null(strstr(fixture->why, fixture->bus.address));
}

static void one_that_refuses_leaves_the_other(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.manner = FAKE_REFUSES;
	open_client(fixture);
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->own.calls, 1);
	assert_int_equal(fixture->bus.hellos, 1);
}

static void both_refuse_in_their_words(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.manner = fixture->bus.manner = FAKE_REFUSES;
	open_client(fixture);
	assert_int_equal(fixture->open_error, -EACCES);
	assert_non_null(strstr(fixture->why, "not for you"));
	assert_non_null(strstr(fixture->why, fixture->own.address));
}

static void silence_has_an_end(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.manner = fixture->bus.manner = FAKE_IS_SILENT;
	fixture->options.deadline_ms = 30;
	open_client(fixture);
	assert_int_equal(fixture->open_error, -ETIMEDOUT);
}

/* It takes the connection into its queue, and not even authenticates. */
static void a_stopped_one_has_an_end(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.accept = sd_event_source_disable_unref(fixture->own.accept);
	fixture->options.deadline_ms = 30;
	open_client(fixture);
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->bus.hellos, 1);
}

static void rubbish_is_no_manager(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.manner = fixture->bus.manner = FAKE_TALKS_RUBBISH;
	open_client(fixture);
	assert_int_equal(fixture->open_error, -EBADMSG);
	/* nor is one without a userspace */
	systemd_free(fixture->systemd);
	fixture->own.manner = fixture->bus.manner = FAKE_ANSWERS;
	fixture->own.manager.userspace_us = fixture->bus.manager.userspace_us = 0;
	fixture->opened = 0;
	open_client(fixture);
	assert_int_equal(fixture->open_error, -EBADMSG);
}

static void units_are_read(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	ask_unit(fixture, "a.service", 0);
	run_until(fixture, &fixture->answers, 1);
	assert_int_equal(fixture->errors[0], 0);
	assert_int_equal(fixture->unit.inactive_exit_us, 10);
	assert_int_equal(fixture->unit.active_enter_us, 20);
	assert_int_equal(fixture->unit.active_exit_us + fixture->unit.inactive_enter_us, 30 + 40);
	assert_string_equal(fixture->after, "b.target c.mount ");
}

static void results_are_read(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	assert_int_equal(
		systemd_read_result(fixture->systemd, "broken.service", on_result, fixture, 3), 0);
	run_until(fixture, &fixture->answers, 1);
	assert_int_equal(fixture->errors[3], 0);
	assert_string_equal(fixture->result, "exit-code");
	assert_int_equal(systemd_read_result(fixture->systemd, "a.target", on_result, fixture, 0),
			 -EOPNOTSUPP);
}

static void units_are_listed(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	assert_int_equal(systemd_list(fixture->systemd, on_listed, on_done, fixture), 0);
	run_until(fixture, &fixture->done, 1);
	assert_int_equal(fixture->done_error, 0);
	assert_string_equal(fixture->listed, "a.service loaded active running\n"
					     "broken.service loaded failed failed\n"
					     "odd.service loaded active running\n");
}

static void rubbish_is_that_questions_only(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	ask_unit(fixture, "odd.service", 0);
	ask_unit(fixture, "none.service", 1);
	ask_unit(fixture, "a.service", 2);
	run_until(fixture, &fixture->answers, 3);
	assert_int_equal(fixture->errors[0], -EBADMSG);
	assert_int_equal(fixture->errors[1], -EACCES);
	assert_int_equal(fixture->errors[2], 0);
	fixture->own.manner = FAKE_TALKS_RUBBISH;
	assert_int_equal(systemd_list(fixture->systemd, on_listed, on_done, fixture), 0);
	assert_int_equal(systemd_read_result(fixture->systemd, "a.service", on_result, fixture, 4),
			 0);
	run_until(fixture, &fixture->answers, 4);
	run_until(fixture, &fixture->done, 1);
	assert_int_equal(fixture->done_error, -EBADMSG);
	assert_int_equal(fixture->errors[4], -EBADMSG);
}

static void each_question_has_a_deadline(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.deadline_ms = 60;
	open_client(fixture);
	fixture->own.manner = FAKE_IS_SILENT;
	ask_unit(fixture, "a.service", 0);
	ask_unit(fixture, "a.service", 1);
	run_until(fixture, &fixture->answers, 2);
	assert_int_equal(fixture->errors[0], -ETIMEDOUT);
	assert_int_equal(fixture->errors[1], -ETIMEDOUT);
	/* the connection lives */
	fixture->own.manner = FAKE_ANSWERS;
	ask_unit(fixture, "a.service", 2);
	run_until(fixture, &fixture->answers, 3);
	assert_int_equal(fixture->errors[2], 0);
}

static void who_hangs_up_answers_nothing(void **state)
{
	struct fixture *fixture = *state;

	open_client(fixture);
	fixture->own.hang_up_at = 2;
	fixture->own.delay_ms = 20;
	for (uint32_t i = 0; i < 4; i++)
		ask_unit(fixture, "a.service", i);
	run_until(fixture, &fixture->answers, 4);
	for (int i = 0; i < 4; i++)
		assert_int_not_equal(fixture->errors[i], 0);
	assert_true(systemd_read_unit(fixture->systemd, "a.service", on_unit, fixture, 5) < 0);
	run_on(fixture);
	assert_int_equal(fixture->answers, 4);
}

static void freed_it_is_quiet(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.delay_ms = 5;
	open_client(fixture);
	for (uint32_t i = 0; i < 3; i++)
		ask_unit(fixture, "a.service", i);
	sd_event_run(fixture->loop, 1000);
	systemd_free(fixture->systemd);
	fixture->systemd = NULL;
	run_on(fixture);
	assert_int_equal(fixture->answers, 0);
	fixture->opened = 0;
	assert_int_equal(systemd_open(&fixture->systemd, fixture->loop, &fixture->options,
				      on_manager, fixture),
			 0);
	systemd_free(fixture->systemd);
	fixture->systemd = NULL;
	run_on(fixture);
	assert_int_equal(fixture->opened, 0);
}

static void freed_from_callbacks(void **state)
{
	struct fixture *fixture = *state;

	fixture->free_in_callback = true;
	open_client(fixture);
	fixture->free_in_callback = false;
	fixture->opened = 0;
	open_client(fixture);
	fixture->free_in_callback = true;
	for (uint32_t i = 0; i < 3; i++)
		ask_unit(fixture, "a.service", i);
	run_until(fixture, &fixture->answers, 1);
	run_on(fixture);
	assert_int_equal(fixture->answers, 1);
	/* and when nobody is there */
	fixture->options.private_socket = "/tmp/nodewake-test-none/private";
	fixture->options.bus_address = "unix:path=/tmp/nodewake-test-none/bus";
	fixture->opened = 0;
	open_client(fixture);
	assert_int_equal(fixture->open_error, -ENOENT);
}

/* What systemd 252 has answered, word for word. */
static void real_answers(void **state)
{
	struct fixture *fixture = *state;

	fixture->own.recorded =
		json_load_file("tests/unit/systemd_252.json", JSON_DECODE_INT_AS_REAL, NULL);
	assert_non_null(fixture->own.recorded);
	open_client(fixture);
	assert_int_equal(fixture->open_error, 0);
	assert_int_equal(fixture->manager.userspace_us, 14091726134);
	assert_int_equal(fixture->manager.finish_us, 14092809418);
	assert_int_equal(fixture->manager.firmware_us, 0);

	assert_int_equal(systemd_list(fixture->systemd, on_listed, on_done, fixture), 0);
	run_until(fixture, &fixture->done, 1);
	assert_int_equal(fixture->done_error, 0);
	assert_int_equal(fixture->listed_count, 24);
	assert_non_null(strstr(fixture->listed, "broken.service loaded failed failed\n"));
	assert_non_null(
		strstr(fixture->listed, "blockdev@dev-vda.target not-found inactive dead\n"));

	ask_unit(fixture, "kubelet.service", 0);
	run_until(fixture, &fixture->answers, 1);
	assert_int_equal(fixture->errors[0], 0);
	assert_int_equal(fixture->unit.inactive_exit_us, 14092809286);
	assert_int_equal(fixture->unit.active_enter_us, 14092809286);
	assert_int_equal(fixture->unit.inactive_enter_us, 0);
	assert_string_equal(fixture->after, "app.slice network-online.target basic.target ");
	ask_unit(fixture, "multi-user.target", 1);
	run_until(fixture, &fixture->answers, 2);
	assert_int_equal(fixture->unit.active_enter_us, 14092809362);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_own_socket_comes_first),
		TEST(the_bus_is_the_other_way),
		TEST(an_address_in_the_environment_comes_first),
		TEST(nobody_is_there),
		TEST(a_refusal_tells_more_than_an_absence),
		TEST(one_that_refuses_leaves_the_other),
		TEST(both_refuse_in_their_words),
		TEST(silence_has_an_end),
		TEST(a_stopped_one_has_an_end),
		TEST(rubbish_is_no_manager),
		TEST(units_are_read),
		TEST(results_are_read),
		TEST(units_are_listed),
		TEST(rubbish_is_that_questions_only),
		TEST(each_question_has_a_deadline),
		TEST(who_hangs_up_answers_nothing),
		TEST(freed_it_is_quiet),
		TEST(freed_from_callbacks),
		TEST(real_answers),
	};

	return cmocka_run_group_tests_name("systemd_client", tests, NULL, NULL);
}
