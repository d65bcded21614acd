// SPDX-License-Identifier: Apache-2.0
/* Which stamps are the boot's, which units are asked for and told, and that the first activation stays. */
#include "source/systemd/systemd_units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/systemd/systemd_rank.h"
#include "unit/event_log.h"

#define SECOND_US 1000000

/* The machine has been up for a day, the agent for some minutes; and one that began with the boot. */
static const struct systemd_frame late = {
	.began_us = UINT64_C(86000) * SECOND_US,
	.now_us = UINT64_C(86400) * SECOND_US,
	.userspace_us = 2 * SECOND_US,
	.finish_us = 40 * SECOND_US,
};
static const struct systemd_frame early = {
	.began_us = 5 * SECOND_US,
	.now_us = 60 * SECOND_US,
	.userspace_us = 2 * SECOND_US,
};

static struct event_log told_events;

static int teardown(void **state)
{
	(void)state;
	event_log_done(&told_events);
	return 0;
}

static struct systemd_unit seconds(uint64_t begin, uint64_t active, uint64_t exit, uint64_t end)
{
	return (struct systemd_unit){begin * SECOND_US, active * SECOND_US, exit * SECOND_US,
				     end * SECOND_US, NULL};
}

static void expect(const struct systemd_frame *frame, struct systemd_unit unit,
		   enum systemd_activation wanted, uint64_t begin_s, uint64_t active_s,
		   uint64_t end_s, uint32_t flags)
{
	struct event event = {0};

	assert_int_equal(systemd_activation(&unit, frame, &event), wanted);
	assert_int_equal(event.unit.begin_ns, begin_s * NS_PER_SECOND);
	assert_int_equal(event.unit.active_ns, active_s * NS_PER_SECOND);
	assert_int_equal(event.unit.end_ns, end_s * NS_PER_SECOND);
	assert_int_equal(event.flags, flags);
}

static void first_activations(void **state)
{
	const uint32_t found = EVENT_RECONSTRUCTED;

	(void)state;
	expect(&late, seconds(0, 0, 0, 0), SYSTEMD_NEVER, 0, 0, 0, 0);
	expect(&late, seconds(10, 12, 0, 0), SYSTEMD_FIRST, 10, 12, 0, found);
	/* a job that ended: never active, or active and done */
	expect(&late, seconds(10, 0, 0, 15), SYSTEMD_FIRST, 10, 0, 15, found);
	expect(&late, seconds(10, 12, 14, 15), SYSTEMD_FIRST, 10, 12, 15, found);
	/* what the agent watched, wholly or in part */
	expect(&early, seconds(10, 12, 0, 0), SYSTEMD_FIRST, 10, 12, 0, 0);
	expect(&early, seconds(4, 12, 0, 0), SYSTEMD_FIRST, 4, 12, 0, 0);
	expect(&early, seconds(3, 4, 0, 0), SYSTEMD_FIRST, 3, 4, 0, found);
	/* it goes on */
	expect(&early, seconds(10, 0, 0, 0), SYSTEMD_FIRST, 10, 0, 0, 0);
	expect(&early, seconds(3, 0, 0, 0), SYSTEMD_FIRST, 3, 0, 0, 0);
	/* it was there in the initrd, and stopped when the system began */
	expect(&late, seconds(3, 4, 1, 1), SYSTEMD_FIRST, 3, 4, 0, found);
}

static void restarts(void **state)
{
	const uint32_t found = EVENT_RECONSTRUCTED;

	(void)state;
	/* stopped at 50000 s, started again: its boot times are gone */
	expect(&late, seconds(50000, 50002, 49999, 50000 - 1), SYSTEMD_RESTARTED, 0, 0, 0, 0);
	/* so are those of a service that nobody started before */
	expect(&late, seconds(50000, 50002, 0, 0), SYSTEMD_RESTARTED, 0, 0, 0, 0);
	/* in the boot, or shortly behind it: doubtful */
	expect(&late, seconds(30, 33, 20, 21), SYSTEMD_AGAIN, 30, 33, 0, found);
	expect(&late, seconds(630, 633, 20, 21), SYSTEMD_AGAIN, 630, 633, 0, found);
	expect(&early, seconds(30, 33, 20, 21), SYSTEMD_AGAIN, 30, 33, 0, found);
	/* it is being restarted: what is older than its begin is of the time before */
	expect(&early, seconds(30, 12, 20, 21), SYSTEMD_AGAIN, 30, 0, 0, found);
	/* RestartMode=direct: never inactive in between */
	expect(&early, seconds(10, 33, 20, 0), SYSTEMD_AGAIN, 10, 33, 0, found);
}

static void nonsense_is_no_time(void **state)
{
	struct systemd_unit unit = {UINT64_MAX, UINT64_MAX, 0, 0, NULL};
	struct event event;

	(void)state;
	assert_int_equal(systemd_activation(&unit, &late, &event), SYSTEMD_NEVER);
	unit.inactive_exit_us = 10;
	assert_int_equal(systemd_activation(&unit, &late, &event), SYSTEMD_FIRST);
	assert_int_equal(event.unit.active_ns, 0);
}

static void sleep_is_added_where_it_was(void **state)
{
	struct systemd_frame frame = early;

	(void)state;
	frame.suspended_ns = 100 * NS_PER_SECOND;
	assert_int_equal(systemd_boot_ns(4 * SECOND_US, &frame), 4 * NS_PER_SECOND);
	assert_int_equal(systemd_boot_ns(6 * SECOND_US, &frame), 106 * NS_PER_SECOND);
	assert_int_equal(systemd_boot_ns(0, &frame), 0);
}

static void ranks(void **state)
{
	(void)state;
	assert_int_equal(systemd_rank("k3s.service"), SYSTEMD_RANK_NAMED);
	assert_int_equal(systemd_rank("k3s-agent.service"), SYSTEMD_RANK_NAMED);
	assert_int_equal(systemd_rank("nodewake-early.service"), SYSTEMD_RANK_NAMED);
	assert_int_equal(systemd_rank("network-online.target"), SYSTEMD_RANK_NAMED);
	assert_int_equal(systemd_rank("var-lib-rancher-k3s.mount"), SYSTEMD_RANK_MOUNT);
	assert_int_equal(systemd_rank("var-lib-kubelet.mount"), SYSTEMD_RANK_MOUNT);
	assert_int_equal(systemd_rank("var-lib-kubelet-pods-1\\x2d2-volumes.mount"),
			 SYSTEMD_RANK_FOREIGN);
	assert_int_equal(systemd_rank("cri-containerd-0123.scope"), SYSTEMD_RANK_FOREIGN);
	assert_int_equal(systemd_rank("run-netns-cni\\x2d1.mount"), SYSTEMD_RANK_FOREIGN);
	assert_int_equal(systemd_rank("dev-sda.device"), SYSTEMD_RANK_SERVICE);
	assert_int_equal(systemd_rank("dev-disk-by\\x2duuid-01.device"), SYSTEMD_RANK_ORDERED);
	assert_int_equal(systemd_rank("dev-ttyS0.device"), SYSTEMD_RANK_ORDERED);
	assert_int_equal(systemd_rank("ssh.service"), SYSTEMD_RANK_SERVICE);
}

static struct event unit_event(const char *name, uint64_t begin, uint64_t active, uint64_t end,
			       const char *result)
{
	struct event event = {
		.type = EVENT_UNIT,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = active ?: end ?: begin,
		.unit = {.begin_ns = begin, .active_ns = active, .end_ns = end},
	};

	TEXT_COPY(event.unit.name, name);
	TEXT_COPY(event.unit.result, result);
	return event;
}

static void the_first_activation_stays(void **state)
{
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct event event = unit_event("k3s.service", 10, 0, 0, "");

	(void)state;
	assert_true(systemd_told_unit(told, &event));
	assert_false(systemd_told_complete(told, "k3s.service"));
	assert_true(systemd_told_unit(told, &event));
	assert_int_equal(told_events.count, 1); /* no news */
	event = unit_event("k3s.service", 10, 0, 14, "exit-code");
	systemd_told_unit(told, &event);
	assert_false(systemd_told_complete(told, "k3s.service"));
	/* tried again, and up: one activation since the first try, which was watched */
	event = unit_event("k3s.service", 20, 22, 0, "");
	systemd_told_unit(told, &event);
	assert_int_equal(told_events.count, 3);
	assert_int_equal(told_events.events[2].unit.begin_ns, 10);
	assert_int_equal(told_events.events[2].unit.active_ns, 22);
	assert_int_equal(told_events.events[2].unit.end_ns, 0);
	assert_string_equal(told_events.events[2].unit.result, "");
	assert_int_equal(told_events.events[2].flags, 0);
	assert_true(systemd_told_complete(told, "k3s.service"));
	/* restarted, failed: no matter */
	event = unit_event("k3s.service", 200, 220, 230, "signal");
	assert_true(systemd_told_unit(told, &event));
	assert_int_equal(told_events.count, 3);
	systemd_told_free(told);
}

static void edges_are_told_once_and_between_the_told(void **state)
{
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct event a = unit_event("a.service", 10, 12, 0, ""),
		     b = unit_event("b.service", 1, 2, 0, "");

	(void)state;
	systemd_told_unit(told, &a);
	assert_true(systemd_told_after(told, "a.service", "b.service"));
	assert_int_equal(told_events.count, 1);
	systemd_told_unit(told, &b);
	assert_true(systemd_told_after(told, "a.service", "b.service"));
	assert_true(systemd_told_after(told, "a.service", "b.service"));
	assert_int_equal(told_events.count, 3);
	assert_int_equal(told_events.events[2].type, EVENT_UNIT_AFTER);
	assert_string_equal(told_events.events[2].unit_after.unit, "a.service");
	assert_string_equal(told_events.events[2].unit_after.after, "b.service");
	assert_true(systemd_told_after(told, "b.service", "a.service"));
	assert_int_equal(told_events.count, 4);
	systemd_told_free(told);
}

static void there_is_a_most(void **state)
{
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct systemd_told_stats stats;
	char name[32], other[32];
	uint32_t refused = 0;

	(void)state;
	for (int i = 0; i < SYSTEMD_UNITS_MAX + 3; i++) {
		snprintf(name, sizeof(name), "u%d.service", i);
		struct event event = unit_event(name, 10, 12, 0, "");

		refused += !systemd_told_unit(told, &event);
	}
	assert_int_equal(refused, 3);
	refused = 0;
	for (int i = 0; i < 100; i++)
		for (int k = 0; k < 41; k++) {
			snprintf(name, sizeof(name), "u%d.service", i);
			snprintf(other, sizeof(other), "u%d.service", 100 + k);
			refused += !systemd_told_after(told, name, other);
		}
	assert_int_equal(refused, 100 * 41 - SYSTEMD_EDGES_MAX);
	systemd_told_stats(told, &stats);
	assert_int_equal(stats.units, SYSTEMD_UNITS_MAX);
	assert_int_equal(stats.edges, SYSTEMD_EDGES_MAX);
	assert_int_equal(told_events.count, SYSTEMD_UNITS_MAX + SYSTEMD_EDGES_MAX);
	systemd_told_free(told);
}

static void list(struct systemd_units *units, const char *name, const char *active)
{
	const struct systemd_listed listed = {name, "loaded", active, "running"};

	systemd_units_add(units, &listed);
}

/* The next question is for this unit. */
static uint32_t next(struct systemd_units *units, const char *name)
{
	const char *asked;
	uint32_t token;

	assert_true(systemd_units_next(units, &token, &asked));
	assert_string_equal(asked, name);
	return token;
}

static bool note(struct systemd_units *units, uint32_t token, struct systemd_unit unit,
		 const char *const *after)
{
	unit.after = (char *const *)after;
	return systemd_units_note(units, token, &unit);
}

static void what_matters_is_asked_first(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const of_k3s[] = {"network-online.target", "wait.service",
					     "unknown.service", NULL};
	static const char *const of_wait[] = {"dev-eth0.device", NULL};
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct systemd_units *units = systemd_units_new(told, &late, true);
	struct systemd_units_stats stats;
	const char *name;
	uint32_t token;

	(void)state;
	list(units, "quick.service", "active");
	list(units, "slow.service", "active");
	list(units, "home.mount", "active");
	list(units, "dev-eth0.device", "active");
	list(units, "sys-other.device", "active");
	list(units, "cri-containerd-1.scope", "active");
	list(units, "wait.service", "active");
	list(units, "k3s.service", "active");
	list(units, "k3s.service", "active"); /* a second time: it is one */
	list(units, "never.service", "inactive");

	token = next(units, "k3s.service");
	assert_false(systemd_units_next(units, &token, &name)); /* first its answer */
	assert_false(note(units, 99, seconds(1, 1, 0, 0), none));
	assert_false(note(units, 6, seconds(30, 34, 0, 0), of_k3s));
	token = next(units, "wait.service");
	note(units, token, seconds(8, 28, 0, 0), of_wait);
	token = next(units, "dev-eth0.device");
	note(units, token, seconds(7, 7, 0, 0), none);
	token = next(units, "home.mount");
	note(units, token, seconds(4, 5, 0, 0), none);
	token = next(units, "quick.service");
	note(units, token, (struct systemd_unit){9 * SECOND_US, 9 * SECOND_US + 9999, 0, 0, NULL},
	     none);
	token = next(units, "slow.service");
	note(units, token, (struct systemd_unit){9 * SECOND_US, 9 * SECOND_US + 10000, 0, 0, NULL},
	     none);
	token = next(units, "never.service");
	systemd_units_note(units, token, NULL);
	assert_false(systemd_units_next(units, &token, &name));

	systemd_units_tell(units, told);
	static const char *const wanted[] = {"k3s.service", "wait.service", "dev-eth0.device",
					     "home.mount", "slow.service"};
	for (uint32_t i = 0; i < 5; i++)
		assert_string_equal(told_events.events[i].unit.name, wanted[i]);
	assert_int_equal(told_events.count, 5 + 2);
	assert_string_equal(told_events.events[5].unit_after.after, "wait.service");
	assert_string_equal(told_events.events[6].unit_after.unit, "wait.service");
	assert_string_equal(told_events.events[6].unit_after.after, "dev-eth0.device");
	systemd_units_stats(units, &stats);
	assert_int_equal(stats.unanswered, 1);
	assert_int_equal(stats.left_out, 0);
	assert_false(stats.awaited);
	systemd_units_free(units);

	/* a look in between asks for none of what is settled, and for the first rank only */
	units = systemd_units_new(told, &late, false);
	list(units, "k3s.service", "active");
	list(units, "kubelet.service", "activating");
	list(units, "slow.service", "active");
	list(units, "other.service", "active");
	next(units, "kubelet.service");
	assert_false(systemd_units_next(units, &token, &name));
	systemd_units_stats(units, &stats);
	assert_true(stats.awaited);
	systemd_units_free(units);
	systemd_told_free(told);
}

static void a_later_restart_is_counted(void **state)
{
	static const char *const none[] = {NULL};
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct systemd_units *units = systemd_units_new(told, &late, true);
	struct systemd_units_stats stats;

	(void)state;
	list(units, "containerd.service", "active");
	note(units, next(units, "containerd.service"), seconds(50000, 50001, 49998, 49999), none);
	systemd_units_tell(units, told);
	assert_int_equal(told_events.count, 0);
	systemd_units_stats(units, &stats);
	assert_int_equal(stats.restarted, 1);
	systemd_units_free(units);
	systemd_told_free(told);
}

static void results_are_told_of_the_failed(void **state)
{
	static const char *const none[] = {NULL};
	struct systemd_told *told = systemd_told_new(event_log_take, &told_events);
	struct systemd_units *units = systemd_units_new(told, &late, true);
	uint32_t token;

	(void)state;
	list(units, "containerd.service", "failed");
	token = next(units, "containerd.service");
	assert_true(note(units, token, seconds(10, 0, 0, 20), none));
	systemd_units_result(units, token, "timeout");
	systemd_units_tell(units, told);
	assert_int_equal(told_events.count, 1);
	assert_string_equal(told_events.events[0].unit.result, "timeout");
	systemd_units_free(units);
	systemd_told_free(told);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_activations),
		TEST(restarts),
		TEST(nonsense_is_no_time),
		TEST(sleep_is_added_where_it_was),
		TEST(ranks),
		TEST(the_first_activation_stays),
		TEST(edges_are_told_once_and_between_the_told),
		TEST(there_is_a_most),
		TEST(what_matters_is_asked_first),
		TEST(a_later_restart_is_counted),
		TEST(results_are_told_of_the_failed),
	};

	return cmocka_run_group_tests_name("systemd_units", tests, NULL, NULL);
}
