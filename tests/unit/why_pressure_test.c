// SPDX-License-Identifier: Apache-2.0
/* What was waited for during a start, from samples around it. */
#include "track/why/why_pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define S   UINT64_C(1000000000)
#define MS  UINT64_C(1000000)
#define POD "0f0f"

/* The node waits for CPUs for a quarter of the time, and its disk is busy for half of it. */
static struct event sample(const char *pod_uid, uint64_t at_ns)
{
	struct event event = {
		.type = EVENT_PRESSURE,
		.boot_ns = at_ns,
		.pressure = {.counted = true,
			     .times = {.cpu_some_ns = at_ns / 4, .memory_full_ns = at_ns / 8},
			     .memory_total_bytes = 1000,
			     .memory_available_bytes = 500,
			     .disk_count = 2,
			     .disks = {{"vda", at_ns / S, at_ns / 10, at_ns / 10},
				       {"vdb", at_ns / (S / 10), at_ns / 2, at_ns * 2}}},
	};

	TEXT_COPY(event.pressure.pod_uid, pod_uid);
	return event;
}

static void note(struct pressures *pressures, const char *pod_uid, uint64_t at_ns)
{
	struct event event = sample(pod_uid, at_ns);

	why_pressure_note(pressures, &event);
}

/* An app of this length after as much of something else. */
static struct record_start start_of(uint64_t from_ns, uint64_t exec_ns, uint64_t listen_ns)
{
	return (struct record_start){
		.span = {from_ns, listen_ns},
		.phase_count = 2,
		.phases = {{.phase = PHASE_PULL, .span = {from_ns, exec_ns}},
			   {.phase = PHASE_APP, .span = {exec_ns, listen_ns}}},
	};
}

static struct start_pressure told(const struct pressures *pressures, struct record_start start)
{
	why_pressure_fill(pressures, POD, &start);
	return start.why.pressure;
}

static void assert_about(uint64_t value, uint64_t expected)
{
	assert_in_range(value, expected - expected / 1000 - 2, expected + expected / 1000 + 2);
}

static void the_difference_between_begin_and_end(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t s = 10; s <= 30; s++)
		note(&pressures, "", s * S + 300 * MS);
	struct start_pressure p = told(&pressures, start_of(15 * S, 17 * S, 25 * S));

	assert_true(p.measured);
	assert_false(p.pod_measured);
	/* app is most of it */
	assert_int_equal(p.span.from_ns, 17 * S);
	assert_int_equal(p.span.to_ns, 25 * S);
	assert_about(p.node.cpu_some_ns, 2 * S);
	assert_about(p.node.memory_full_ns, S);
	assert_int_equal(p.node.io_some_ns, 0);
	assert_int_equal(p.memory_total_bytes, 1000);
	assert_int_equal(p.memory_available_bytes, 500);
	assert_string_equal(p.disk, "vdb");
	assert_in_range(p.disk_busy_percent, 49, 50);
	assert_in_range(p.disk_queue_tenths, 19, 20);
	assert_in_range(p.disk_latency_ns, 195 * MS,
			205 * MS); /* 10 requests and 2 s of them a second */
	/* the pull is most of it: the whole */
	p = told(&pressures, start_of(11 * S, 24 * S, 25 * S));
	assert_int_equal(p.span.from_ns, 11 * S);
	assert_about(p.node.cpu_some_ns, 3500 * MS);
	why_pressure_clear(&pressures);
}

static void only_what_was_watched(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	assert_int_equal(told(&pressures, start_of(15 * S, 17 * S, 25 * S)).span.to_ns, 0);
	/* an earlier start; then nobody looked for ten minutes */
	for (uint64_t s = 10; s <= 20; s++)
		note(&pressures, "", s * S);
	for (uint64_t s = 620; s <= 630; s++)
		note(&pressures, "", s * S);
	struct start_pressure p = told(&pressures, start_of(610 * S, 615 * S, 635 * S));

	assert_int_equal(p.span.from_ns, 620 * S);
	assert_int_equal(p.span.to_ns, 630 * S);
	assert_about(p.node.cpu_some_ns, 2500 * MS);
	/* what is behind the break */
	p = told(&pressures, start_of(15 * S, 16 * S, 625 * S));
	assert_int_equal(p.span.from_ns, 620 * S);
	assert_int_equal(p.span.to_ns, 625 * S);
	/* nothing of it */
	assert_int_equal(told(&pressures, start_of(300 * S, 301 * S, 302 * S)).span.to_ns, 0);
	assert_false(told(&pressures, start_of(640 * S, 641 * S, 642 * S)).measured);
	why_pressure_clear(&pressures);
}

static void the_least_memory_that_was_seen(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t i = 0; i < 400; i++) {
		struct event event = sample("", 10 * S + i * S);

		event.pressure.memory_available_bytes = i == 150 ? 70 : i == 5 ? 7 : 500;
		why_pressure_note(&pressures, &event);
	}
	struct start_pressure p = told(&pressures, start_of(110 * S, 111 * S, 409 * S));

	assert_int_equal(p.memory_available_bytes, 70);
	why_pressure_clear(&pressures);
}

/* Five minutes of a sample each second, and storms of them at its end: the begin is still found. */
static void a_long_start_keeps_its_begin(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t s = 0; s <= 300; s++)
		note(&pressures, "", (1000 + s) * S);
	for (uint64_t i = 1; i <= 500; i++)
		note(&pressures, "", 1300 * S + i * 20 * MS);
	assert_int_equal(pressures.node.count, PRESSURE_SAMPLES);
	struct start_pressure p = told(&pressures, start_of(1000 * S, 1001 * S, 1309 * S));

	assert_int_equal(p.span.from_ns, 1001 * S);
	assert_int_equal(p.span.to_ns, 1309 * S);
	assert_about(p.node.cpu_some_ns, 77 * S);
	/* samples of the same moment, or of before, are none */
	note(&pressures, "", 1310 * S);
	note(&pressures, "", 1000 * S);
	assert_int_equal(pressures.node.at_ns[PRESSURE_SAMPLES - 1], 1310 * S);
	why_pressure_clear(&pressures);
}

static void a_pods_own(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t s = 10; s <= 30; s++) {
		note(&pressures, "", s * S);
		if (s >= 18)
			note(&pressures, POD, s * S);
		if (s >= 24)
			note(&pressures, "late", s * S);
	}
	struct start_pressure p = told(&pressures, start_of(15 * S, 17 * S, 27 * S));

	assert_true(p.pod_measured);
	assert_about(p.node.cpu_some_ns, 2500 * MS);
	assert_about(p.pod.cpu_some_ns, 2250 * MS); /* since it was there */
	struct record_start start = start_of(15 * S, 17 * S, 27 * S);

	why_pressure_fill(&pressures, "late", &start);
	assert_true(start.why.pressure.measured);
	assert_false(start.why.pressure.pod_measured);
	why_pressure_fill(&pressures, "", &start);
	assert_false(start.why.pressure.pod_measured);
	why_pressure_clear(&pressures);
}

static void no_more_pods_than_there_is_room_for(void **state)
{
	struct pressures pressures = {0};
	char uid[16];

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		snprintf(uid, sizeof(uid), "pod%d", (int)i);
		note(&pressures, uid, 10 * S + i * S);
	}
	assert_int_equal(pressures.pod_count, PRESSURE_PODS_MAX);
	assert_string_equal(pressures.pods[PRESSURE_PODS_MAX - 1]->pod_uid, "pod39");
	why_pressure_clear(&pressures);
	assert_int_equal(pressures.pod_count, 0);
}

static void a_kernel_without_psi(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t s = 10; s <= 30; s++) {
		struct event event = sample("", s * S);

		event.pressure.counted = false;
		event.pressure.times = (struct pressure_times){0};
		why_pressure_note(&pressures, &event);
	}
	struct start_pressure p = told(&pressures, start_of(15 * S, 17 * S, 25 * S));

	assert_false(p.measured);
	assert_int_equal(p.span.from_ns, 17 * S);
	assert_int_equal(p.memory_available_bytes, 500);
	assert_string_equal(p.disk, "vdb");
	why_pressure_clear(&pressures);
}

static void disks_that_come_and_go(void **state)
{
	struct pressures pressures = {0};

	(void)state;
	for (uint64_t s = 10; s <= 30; s++) {
		struct event event = sample("", s * S);

		if (s < 16)
			event.pressure.disk_count = 1; /* vda only */
		why_pressure_note(&pressures, &event);
	}
	/* vdb was not there at its begin: what it did is not known */
	assert_string_equal(told(&pressures, start_of(11 * S, 12 * S, 25 * S)).disk, "vda");
	assert_string_equal(told(&pressures, start_of(11 * S, 16 * S + 1, 25 * S)).disk, "vdb");
	why_pressure_clear(&pressures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_difference_between_begin_and_end),
		cmocka_unit_test(only_what_was_watched),
		cmocka_unit_test(the_least_memory_that_was_seen),
		cmocka_unit_test(a_long_start_keeps_its_begin),
		cmocka_unit_test(a_pods_own),
		cmocka_unit_test(no_more_pods_than_there_is_room_for),
		cmocka_unit_test(a_kernel_without_psi),
		cmocka_unit_test(disks_that_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
