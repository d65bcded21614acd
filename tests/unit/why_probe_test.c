// SPDX-License-Identifier: Apache-2.0
/* What probes cost, by the kubelet's rule, and nothing where the program may have been busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "track/why/why_private.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* Executed at 10 s, listened 3.1 s later, Ready after this. What it did between was seen, and is nothing. */
static struct record_start ready_at(uint64_t ready_ns)
{
	struct record_start start = {
		.phase_count = 2,
		.phases = {{.phase = PHASE_APP, .span = {10 * S, 13100 * MS}},
			   {.phase = PHASE_PROBE, .span = {13100 * MS, ready_ns}}},
		.ready_ns = ready_ns,
	};

	start.why.stall_count = 1;
	start.why.stalls[0].phase = PHASE_PROBE;
	start.why.stalls[0].grade = STALLS_MEASURED;
	start.why.stalls[0].wall.ns[STALL_NETWORK] = ready_ns - 13100 * MS;
	return start;
}

static struct pod_container with(struct probe_settings readiness, struct probe_settings startup)
{
	return (struct pod_container){
		.has_probe = true, .readiness = readiness, .startup = startup};
}

static const struct probe_settings none = {0};

static struct start_why told(struct record_start start, struct pod_container container)
{
	why_probe_fill(&container, &start);
	return start.why;
}

static void expect(struct start_why why, uint64_t delay_ns, enum probe_setting setting,
		   bool startup, uint32_t value, uint64_t setting_ns)
{
	assert_int_equal(why.probe_delay_ns, delay_ns);
	assert_int_equal(why.probe_setting, setting);
	assert_int_equal(why.probe_is_startup, startup);
	assert_int_equal(why.probe_setting_value, value);
	assert_int_equal(why.probe_setting_ns, setting_ns);
}

static void expect_silence(struct start_why why)
{
	expect(why, 0, PROBE_SETTING_NONE, false, 0, 0);
}

static void the_initial_delay(void **state)
{
	struct start_why why =
		told(ready_at(40400 * MS), with((struct probe_settings){10, 30, 1, 3}, none));

	(void)state;
	expect(why, 27300 * MS, PROBE_INITIAL_DELAY, false, 30, 26900 * MS);
	assert_int_equal(why.probe_initial_s, 30);
	/* over before it listened: nothing of it is the delay's */
	expect(told(ready_at(20 * S), with((struct probe_settings){10, 3, 1, 3}, none)), 6900 * MS,
	       PROBE_PERIOD, false, 10, 6900 * MS);
}

static void the_period(void **state)
{
	(void)state;
	expect(told(ready_at(37100 * MS), with((struct probe_settings){30, 0, 1, 3}, none)), 24 * S,
	       PROBE_PERIOD, false, 30, 24 * S);
	/* a period, and the way of the answer */
	expect(told(ready_at(45 * S), with((struct probe_settings){30, 0, 1, 3}, none)), 31900 * MS,
	       PROBE_PERIOD, false, 30, 31900 * MS);
}

static void more_than_the_settings_can_cost_is_not_theirs(void **state)
{
	(void)state;
	expect_silence(
		told(ready_at(46200 * MS), with((struct probe_settings){30, 0, 1, 3}, none)));
	expect_silence(told(ready_at(30 * S), with((struct probe_settings){2, 0, 1, 3}, none)));
}

static void successes_that_are_asked_for(void **state)
{
	(void)state;
	expect(told(ready_at(35 * S), with((struct probe_settings){10, 0, 3, 3}, none)), 21900 * MS,
	       PROBE_SUCCESS_THRESHOLD, false, 3, 20 * S);
}

static void the_startup_probe(void **state)
{
	(void)state;
	expect(told(ready_at(30 * S), with(none, (struct probe_settings){20, 0, 1, 30})),
	       16900 * MS, PROBE_PERIOD, true, 20, 16900 * MS);
	expect(told(ready_at(31 * S), with(none, (struct probe_settings){5, 20, 1, 30})),
	       17900 * MS, PROBE_INITIAL_DELAY, true, 20, 16900 * MS);
	/* both, one after the other */
	expect(told(ready_at(35 * S), with((struct probe_settings){5, 0, 1, 3},
					   (struct probe_settings){20, 0, 1, 30})),
	       21900 * MS, PROBE_PERIOD, true, 20, 21900 * MS);
	expect(told(ready_at(35 * S), with((struct probe_settings){20, 0, 1, 3},
					   (struct probe_settings){5, 0, 1, 30})),
	       21900 * MS, PROBE_PERIOD, false, 20, 21900 * MS);
}

static void what_the_program_did_is_its_own(void **state)
{
	struct pod_container container = with((struct probe_settings){10, 0, 1, 3}, none);
	struct record_start start = ready_at(40 * S);

	(void)state;
	/* it listened first, and then read its model */
	start.why.stalls[0].wall.ns[STALL_DISK] = 20 * S;
	start.why.stalls[0].wall.ns[STALL_CPU] = 2 * S;
	expect(told(start, container), 4900 * MS, PROBE_PERIOD, false, 10, 4900 * MS);
	/* in a thread beside the one that listened */
	start = ready_at(40 * S);
	start.why.stalls[0].threads.ns[STALL_DISK] = 20 * S;
	start.why.stalls[0].threads.ns[STALL_THROTTLED] = 2 * S;
	expect(told(start, container), 4900 * MS, PROBE_PERIOD, false, 10, 4900 * MS);
	/* until the end */
	start.why.stalls[0].threads.ns[STALL_RUN_QUEUE] = 30 * S;
	expect_silence(told(start, container));
	/* eight threads that stood in line for a CPU together, and then an idle time that no period explains */
	start = ready_at(40 * S);
	start.why.stalls[0].threads.ns[STALL_RUN_QUEUE] = 22 * S;
	start.why.stalls[0].wall.ns[STALL_RUN_QUEUE] = 5 * S;
	start.why.stalls[0].thread_count = 8;
	expect_silence(told(start, container));
	/* it waited for its database: that is 20 s of this phase */
	start = ready_at(40 * S);
	start.why.peer_count = 1;
	start.why.peers[0] =
		(struct peer_wait){.kind = PEER_WAIT_FAILED, .span = {10 * S, 33100 * MS}};
	expect(told(start, container), 6900 * MS, PROBE_PERIOD, false, 10, 6900 * MS);
}

static void nothing_is_told_of_what_was_not_measured(void **state)
{
	struct pod_container container = with((struct probe_settings){30, 0, 1, 3}, none);
	struct record_start start = ready_at(37100 * MS);

	(void)state;
	start.why.stalls[0].grade = STALLS_PARTIAL;
	expect_silence(told(start, container));
	start.why.stalls[0].grade = STALLS_COARSE;
	expect_silence(told(start, container));
	start.why.stalls[0].grade = STALLS_MEASURED;
	start.why.stalls[0].phase = PHASE_APP;
	expect_silence(told(start, container));
	start = ready_at(37100 * MS);
	start.phase_count = 1; /* it never listened */
	expect_silence(told(start, container));
	container.has_probe = false;
	expect_silence(told(ready_at(37100 * MS), container));
	start = ready_at(37100 * MS);
	why_probe_fill(NULL, &start);
	expect_silence(start.why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_initial_delay),
		cmocka_unit_test(the_period),
		cmocka_unit_test(more_than_the_settings_can_cost_is_not_theirs),
		cmocka_unit_test(successes_that_are_asked_for),
		cmocka_unit_test(the_startup_probe),
		cmocka_unit_test(what_the_program_did_is_its_own),
		cmocka_unit_test(nothing_is_told_of_what_was_not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
