// SPDX-License-Identifier: Apache-2.0
/* The systemd source: a boot found afterwards, one that goes on, too many units, and a systemd that fails. */
#include "source/systemd/systemd_source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "unit/event_log.h"
#include "unit/systemd_fake.h"

#define SECOND_US 1000000

struct fixture {
	sd_event *loop;
	struct fake_systemd fake;
	struct systemd_source_options options;
	struct systemd_source *source;
	struct event_log log;
};

/* A boot of 4 s: k3s waited for the network, something failed. */
static const struct fake_unit boot_units[] = {
	{.name = "k3s.service",
	 .active = "active",
	 .inactive_exit_us = 3000000,
	 .active_enter_us = 3500000,
	 .after = {"network-online.target", "basic.target", "gone.service"}},
	{.name = "network-online.target",
	 .active = "active",
	 .inactive_exit_us = 2900000,
	 .active_enter_us = 2900000,
	 .after = {"wait-online.service"}},
	{.name = "wait-online.service",
	 .active = "active",
	 .sub = "exited",
	 .inactive_exit_us = 1200000,
	 .active_enter_us = 2800000,
	 .after = {"basic.target"}},
	{.name = "basic.target",
	 .active = "active",
	 .inactive_exit_us = 1100000,
	 .active_enter_us = 1100000},
	{.name = "broken.service",
	 .active = "failed",
	 .sub = "failed",
	 .inactive_exit_us = 1200000,
	 .inactive_enter_us = 1300000,
	 .result = "exit-code"},
	{.name = "quick.service",
	 .active = "active",
	 .inactive_exit_us = 1200000,
	 .active_enter_us = 1209999},
	{.name = "unused.service", .active = "inactive", .sub = "dead"},
	{.name = "masked.service", .active = "inactive", .sub = "dead", .load = "masked"},
	{.name = "cri-containerd-1.scope",
	 .active = "active",
	 .inactive_exit_us = 3900000,
	 .active_enter_us = 3900000},
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	log_set_level(LOG_LEVEL_ERROR);
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	assert_true(sd_event_new(&fixture->loop) >= 0);
	fake_systemd_open(&fixture->fake, fixture->loop);
	fixture->fake.manager = (struct systemd_manager){.firmware_us = 9 * SECOND_US,
							 .loader_us = 2 * SECOND_US,
							 .userspace_us = 1 * SECOND_US,
							 .finish_us = 4 * SECOND_US};
	fixture->fake.units = boot_units;
	fixture->fake.unit_count = sizeof(boot_units) / sizeof(*boot_units);
	fixture->options = (struct systemd_source_options){
		.systemd = {.private_socket = fixture->fake.socket,
			    .bus_address = "unix:path=/tmp/nodewake-test-none/bus",
			    .deadline_ms = 2000},
		.interval_ms = 1,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	systemd_source_free(fixture->source);
	fake_systemd_close(&fixture->fake);
	sd_event_unref(fixture->loop);
	event_log_done(&fixture->log);
	free(fixture);
	return 0;
}

static void begin(struct fixture *fixture)
{
	assert_int_equal(systemd_source_new(&fixture->source, fixture->loop, &fixture->options,
					    event_log_take, &fixture->log),
			 0);
}

static struct systemd_source_stats stats(struct fixture *fixture)
{
	struct systemd_source_stats now;

	systemd_source_stats(fixture->source, &now);
	return now;
}

static void run_to_the_end(struct fixture *fixture)
{
	for (int i = 0; i < 60000 && !stats(fixture).finished; i++)
		sd_event_run(fixture->loop, 1000);
	assert_true(stats(fixture).finished);
}

static void run_readings(struct fixture *fixture, uint64_t count)
{
	uint64_t wanted = stats(fixture).readings + count;

	for (int i = 0; i < 60000 && stats(fixture).readings < wanted; i++)
		sd_event_run(fixture->loop, 1000);
	assert_true(stats(fixture).readings >= wanted);
}

static const struct event *unit(struct fixture *fixture, const char *name)
{
	return event_log_unit(&fixture->log, name);
}

static uint32_t count_of(struct fixture *fixture, enum event_type type)
{
	return event_log_count(&fixture->log, type);
}

static uint32_t steps(struct fixture *fixture, enum source_step step)
{
	return event_log_steps(&fixture->log, SOURCE_SYSTEMD, step);
}

static bool ordered(struct fixture *fixture, const char *name, const char *after)
{
	return event_log_ordered(&fixture->log, name, after);
}

static void a_boot_is_found_afterwards(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(fixture->log.events[0].type, EVENT_SOURCE);
	assert_int_equal(steps(fixture, SOURCE_UP), 1);
	assert_int_equal(fixture->log.events[1].type, EVENT_BOOT);
	/* firmware is told with the loader's part in it */
	assert_int_equal(fixture->log.events[1].boot.firmware_ns, 7 * NS_PER_SECOND);
	assert_int_equal(fixture->log.events[1].boot.loader_ns, 2 * NS_PER_SECOND);
	assert_int_equal(fixture->log.events[1].boot.userspace_ns, 1 * NS_PER_SECOND);
	assert_int_equal(fixture->log.events[1].boot.finish_ns, 4 * NS_PER_SECOND);
	assert_int_equal(fixture->log.events[1].flags, EVENT_RECONSTRUCTED);

	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
	assert_int_equal(unit(fixture, "k3s.service")->unit.begin_ns, 3000 * NS_PER_MS);
	assert_int_equal(unit(fixture, "k3s.service")->unit.active_ns, 3500 * NS_PER_MS);
	assert_int_equal(unit(fixture, "k3s.service")->flags, EVENT_RECONSTRUCTED);
	assert_string_equal(unit(fixture, "broken.service")->unit.result, "exit-code");
	assert_int_equal(unit(fixture, "broken.service")->unit.end_ns, 1300 * NS_PER_MS);
	assert_null(unit(fixture, "quick.service"));

	assert_int_equal(count_of(fixture, EVENT_UNIT_AFTER), 4);
	assert_true(ordered(fixture, "k3s.service", "network-online.target"));
	assert_true(ordered(fixture, "k3s.service", "basic.target"));
	assert_true(ordered(fixture, "network-online.target", "wait-online.service"));
	assert_true(ordered(fixture, "wait-online.service", "basic.target"));
	assert_int_equal(steps(fixture, SOURCE_LOST), 0);
	assert_true(stats(fixture).connected);
	assert_int_equal(stats(fixture).units, 5);
	/* once and no more */
	assert_int_equal(fixture->fake.connections, 1);
	/* neither the masked one nor a container's was asked for */
	assert_int_equal(fixture->fake.unit_calls, 7 + 1);
}

static void few_questions_at_a_time(void **state)
{
	struct fixture *fixture = *state;

	fixture->fake.delay_ms = 3;
	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
	assert_true(fixture->fake.most_waiting <= 8);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_US + (uint64_t)now.tv_nsec / 1000;
}

/* k3s fails at first, comes up, is restarted: its first activation stays, and was watched. */
static void a_boot_that_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct fake_unit units[] = {
		boot_units[3],
		{.name = "k3s.service",
		 .active = "activating",
		 .sub = "start",
		 .inactive_exit_us = 1500000,
		 .after = {"basic.target"}},
		{.name = "late.service", .active = "inactive", .sub = "dead"},
	};
	struct fake_unit *k3s = &units[1], *late = &units[2];
	uint32_t count;

	fixture->fake.manager.finish_us = 0;
	fixture->fake.units = units;
	fixture->fake.unit_count = 3;
	begin(fixture);
	run_readings(fixture, 1);
	assert_int_equal(unit(fixture, "k3s.service")->unit.active_ns, 0);
	assert_null(unit(fixture, "late.service"));
	assert_int_equal(count_of(fixture, EVENT_BOOT), 1);
	count = fixture->log.count;
	run_readings(fixture, 2);
	assert_int_equal(fixture->log.count, count); /* no news, no events */

	k3s->inactive_enter_us = now_us() - 20;
	k3s->inactive_exit_us = now_us() - 10;
	k3s->sub = "auto-restart";
	k3s->result = "exit-code";
	run_readings(fixture, 2);
	assert_string_equal(unit(fixture, "k3s.service")->unit.result, "exit-code");
	assert_int_equal(unit(fixture, "k3s.service")->unit.begin_ns, 1500 * NS_PER_MS);

	k3s->active = "active";
	k3s->sub = "running";
	k3s->active_enter_us = now_us();
	run_readings(fixture, 2);
	uint64_t active_ns = unit(fixture, "k3s.service")->unit.active_ns;

	assert_true(active_ns >= k3s->active_enter_us * 1000);
	assert_int_equal(unit(fixture, "k3s.service")->unit.begin_ns, 1500 * NS_PER_MS);
	assert_string_equal(unit(fixture, "k3s.service")->unit.result, "");
	assert_int_equal(unit(fixture, "k3s.service")->flags, 0);

	/* somebody restarts it before the boot is over */
	k3s->active_exit_us = k3s->inactive_enter_us = now_us() - 3;
	k3s->inactive_exit_us = now_us() - 2;
	k3s->active_enter_us = now_us();
	late->active = "active";
	late->inactive_exit_us = now_us() - 50000;
	late->active_enter_us = now_us() - 100;
	run_readings(fixture, 1);
	fixture->fake.manager.finish_us = now_us();
	run_to_the_end(fixture);
	assert_int_equal(unit(fixture, "k3s.service")->unit.active_ns, active_ns);
	assert_non_null(unit(fixture, "late.service"));
	assert_int_equal(count_of(fixture, EVENT_BOOT), 2);
	assert_int_equal(fixture->log.events[fixture->log.count - 1].type, EVENT_UNIT);
	assert_int_equal(count_of(fixture, EVENT_UNIT_AFTER), 1);
	assert_int_equal(steps(fixture, SOURCE_UP), 1);
}

/* systemd has finished; k3s failed, and is tried again. */
static void it_waits_for_what_matters(void **state)
{
	struct fixture *fixture = *state;
	struct fake_unit k3s = {.name = "k3s.service",
				.active = "activating",
				.sub = "auto-restart",
				.inactive_exit_us = 1500000,
				.result = "timeout"};

	fixture->fake.units = &k3s;
	fixture->fake.unit_count = 1;
	fixture->fake.manager.finish_us = now_us();
	begin(fixture);
	run_readings(fixture, 3);
	assert_false(stats(fixture).finished);
	k3s.active = "active";
	k3s.sub = "running";
	k3s.active_enter_us = now_us();
	run_to_the_end(fixture);
	assert_true(unit(fixture, "k3s.service")->unit.active_ns > 0);
}

static void nobody_is_there_then_somebody(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.systemd.private_socket = "/tmp/nodewake-test-none/private";
	begin(fixture);
	for (int i = 0; i < 200; i++)
		sd_event_run(fixture->loop, 1000);
	assert_int_equal(fixture->log.count, 1); /* said once, tried on */
	assert_int_equal(steps(fixture, SOURCE_MISSING), 1);
	assert_non_null(strstr(fixture->log.events[0].source.cause, "No such file"));
	assert_non_null(strstr(stats(fixture).cause, "No such file"));
	systemd_source_free(fixture->source);

	/* a socket that refuses, and is served later */
	fake_systemd_stop(&fixture->fake);
	fixture->log.count = 0;
	fixture->options.systemd.private_socket = fixture->fake.socket;
	begin(fixture);
	for (int i = 0; i < 20; i++)
		sd_event_run(fixture->loop, 1000);
	assert_int_equal(steps(fixture, SOURCE_MISSING), 1);
	unlink(fixture->fake.socket);
	rmdir(fixture->fake.dir);
	struct fake_systemd again;

	fake_systemd_open(&again, fixture->loop);
	again.manager = (struct systemd_manager){.userspace_us = SECOND_US, .finish_us = SECOND_US};
	assert_int_equal(rename(again.dir, fixture->fake.dir), 0);
	run_to_the_end(fixture);
	assert_int_equal(steps(fixture, SOURCE_UP), 1);
	assert_true(stats(fixture).connected);
	assert_string_equal(stats(fixture).cause, "");
	assert_int_equal(rename(fixture->fake.dir, again.dir), 0);
	fake_systemd_close(&again);
	assert_int_equal(mkdir(fixture->fake.dir, 0700), 0); /* for the teardown */
}

static void it_gives_up_in_the_end(void **state)
{
	struct fixture *fixture = *state;

	/* also where it can be reached */
	fixture->fake.manner = FAKE_TALKS_RUBBISH;
	fixture->fake.manner_for = "ListUnits";
	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(fixture->fake.connections, 60);
	assert_false(stats(fixture).connected);
}

static void rubbish_is_counted(void **state)
{
	struct fixture *fixture = *state;
	struct fake_unit units[] = {boot_units[0], boot_units[1], boot_units[2], boot_units[3]};

	units[2].garbage = true;
	fixture->fake.units = units;
	fixture->fake.unit_count = 4;
	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 3);
	assert_int_equal(steps(fixture, SOURCE_LOST), 1);
	assert_int_equal(fixture->log.events[fixture->log.count - 1].source.count, 1);
	assert_non_null(
		strstr(fixture->log.events[fixture->log.count - 1].source.cause, "1 not answered"));
	assert_int_equal(stats(fixture).left_out, 1);
}

static void a_list_of_rubbish_is_tried_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->fake.manner = FAKE_TALKS_RUBBISH;
	fixture->fake.manner_for = "ListUnits";
	begin(fixture);
	for (int i = 0; i < 1000 && !steps(fixture, SOURCE_MISSING); i++)
		sd_event_run(fixture->loop, 1000);
	assert_int_equal(steps(fixture, SOURCE_MISSING), 1);
	assert_false(stats(fixture).connected);
	fixture->fake.manner = FAKE_ANSWERS;
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
}

/* In the middle of a reading; the next one finds the rest, and tells nothing twice. */
static void it_goes_and_comes_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->fake.hang_up_at = 5;
	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(steps(fixture, SOURCE_UP), 2);
	assert_int_equal(steps(fixture, SOURCE_MISSING), 1);
	assert_int_equal(count_of(fixture, EVENT_BOOT), 1);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
	assert_int_equal(count_of(fixture, EVENT_UNIT_AFTER), 4);
	assert_int_equal(steps(fixture, SOURCE_LOST), 0);
}

static void silence_cuts_a_reading_short(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.systemd.deadline_ms = 30;
	fixture->fake.manner = FAKE_IS_SILENT;
	fixture->fake.manner_for = "/unit/";
	begin(fixture);
	run_readings(fixture, 2);
	assert_string_equal(stats(fixture).cause, "systemd does not answer in time");
	assert_int_equal(count_of(fixture, EVENT_UNIT), 0);
	fixture->fake.manner = FAKE_ANSWERS;
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
	assert_int_equal(steps(fixture, SOURCE_LOST), 0);
}

static void a_single_silence_does_not(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.systemd.deadline_ms = 40;
	fixture->fake.manner = FAKE_IS_SILENT;
	fixture->fake.manner_for = "Get";
	begin(fixture);
	/* only the one failed unit's result is not told: no reason to give up */
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 5);
	assert_string_equal(unit(fixture, "broken.service")->unit.result, "");
}

/* As a node with many services: named ones and what they wait for come first, then the longest. */
static void two_thousand_units(void **state)
{
	enum { COUNT = 2000 };
	struct fixture *fixture = *state;
	struct fake_unit *units = calloc(COUNT, sizeof(*units));
	char(*names)[32] = calloc(COUNT, sizeof(*names));

	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "job-%04d.service", i);
		units[i] = (struct fake_unit){
			.name = names[i],
			.active = "active",
			.inactive_exit_us = 1000000,
			/* the later, the longer: 10 ms to 30 ms */
			.active_enter_us = 1000000 + 10000 + 10 * (uint64_t)i,
			.after = {"job-0000.service", "job-1999.service", "job-1998.service",
				  "job-1997.service", "job-1996.service"},
		};
	}
	units[1000].name = "containerd.service";
	units[1000].after[1] = NULL;
	fixture->fake.units = units;
	fixture->fake.unit_count = COUNT;
	begin(fixture);
	run_to_the_end(fixture);
	assert_int_equal(count_of(fixture, EVENT_UNIT), 512);
	assert_true(count_of(fixture, EVENT_UNIT_AFTER) <= 4096);
	assert_non_null(unit(fixture, "containerd.service"));
	/* it waited for the shortest, which is told for that; and that one for the longest */
	assert_non_null(unit(fixture, "job-0000.service"));
	assert_true(ordered(fixture, "containerd.service", "job-0000.service"));
	assert_true(ordered(fixture, "job-0000.service", "job-1999.service"));
	/* of those that were asked for, the longest */
	assert_non_null(unit(fixture, "job-1530.service"));
	assert_null(unit(fixture, "job-0010.service"));
	assert_int_equal(steps(fixture, SOURCE_LOST), 1);
	assert_int_equal(fixture->log.events[fixture->log.count - 1].source.count, COUNT - 512);
	assert_int_equal(stats(fixture).left_out, COUNT - 512);
	assert_int_equal(fixture->fake.unit_calls, 1536);
	free(units);
	free(names);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_boot_is_found_afterwards),
		TEST(few_questions_at_a_time),
		TEST(a_boot_that_goes_on),
		TEST(it_waits_for_what_matters),
		TEST(nobody_is_there_then_somebody),
		TEST(it_gives_up_in_the_end),
		TEST(rubbish_is_counted),
		TEST(a_list_of_rubbish_is_tried_again),
		TEST(it_goes_and_comes_again),
		TEST(silence_cuts_a_reading_short),
		TEST(a_single_silence_does_not),
		TEST(two_thousand_units),
	};

	return cmocka_run_group_tests_name("systemd_source", tests, NULL, NULL);
}
