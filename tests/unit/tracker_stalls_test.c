// SPDX-License-Identifier: Apache-2.0
/* Where the time of app and probe went: told at the listen, between two samples, or not at all. */
#include "unit/track_fixture.h"

#define EXEC   (10 * S + 300 * MS) /* as pod_start() has it */
#define LISTEN (10 * S + 700 * MS)

static struct event ev_stall(enum stall_step step, uint64_t at, uint64_t disk_ns, uint64_t sleep_ns)
{
	struct event event = {.type = EVENT_STALL, .boot_ns = at};
	struct event_stall *stall = &event.stall;

	TEXT_COPY(stall->container_id, WEB);
	stall->step = step;
	stall->grade = STALLS_MEASURED;
	stall->thread_count = 3;
	stall->path.ns[STALL_DISK] = disk_ns;
	stall->path.ns[STALL_SLEEP] = sleep_ns;
	stall->threads.ns[STALL_DISK] = 3 * disk_ns;
	return event;
}

/* The stalls come before the listen, as the kernel tells them. */
static const struct record *start_with(struct fixture *f, const struct event *stalls, size_t count)
{
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, 10 * S);

	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < count && events[i].type == EVENT_LISTEN; k++)
			feed(f, stalls[k]);
		feed(f, events[i]);
	}
	pass(f, 15 * S);
	return fixture_last(f, RECORD_START, 0);
}

static void at_the_listen(void **state)
{
	struct fixture f;
	const struct event stalls[] = {
		ev_stall(STALL_SO_FAR, EXEC + 200 * MS, 190 * MS, 10 * MS),
		ev_stall(STALL_AT_LISTEN, LISTEN, 300 * MS, 100 * MS),
	};
	const struct start_why *why = &start_with(&f, stalls, 2)->start.why;

	(void)state;
	assert_int_equal(why->stall_count, 1);
	assert_int_equal(why->stalls[0].phase, PHASE_APP);
	assert_int_equal(why->stalls[0].grade, STALLS_MEASURED);
	assert_int_equal(why->stalls[0].wall.ns[STALL_DISK], 300 * MS);
	assert_int_equal(why->stalls[0].wall.ns[STALL_SLEEP], 100 * MS);
	assert_int_equal(why->stalls[0].threads.ns[STALL_DISK], 900 * MS);
	assert_int_equal(why->stalls[0].thread_count, 3);
	fixture_close(&f);
}

/* A second listen is of another thread, and later. */
static void only_the_first_listen(void **state)
{
	struct fixture f;
	const struct event stalls[] = {
		ev_stall(STALL_AT_LISTEN, LISTEN, 300 * MS, 100 * MS),
		ev_stall(STALL_AT_LISTEN, LISTEN + MS, 0, 401 * MS),
	};
	const struct start_why *why = &start_with(&f, stalls, 2)->start.why;

	(void)state;
	assert_int_equal(why->stalls[0].wall.ns[STALL_DISK], 300 * MS);
	fixture_close(&f);
}

static void between_two_samples(void **state)
{
	struct fixture f;
	const struct event stalls[] = {
		ev_stall(STALL_SO_FAR, LISTEN - 100 * MS, 100 * MS, 200 * MS),
		ev_stall(STALL_SO_FAR, LISTEN + 100 * MS, 300 * MS, 200 * MS),
	};
	const struct start_why *why = &start_with(&f, stalls, 2)->start.why;

	(void)state;
	assert_int_equal(why->stall_count, 1);
	assert_int_equal(why->stalls[0].wall.ns[STALL_DISK], 200 * MS);
	assert_int_equal(why->stalls[0].wall.ns[STALL_SLEEP], 200 * MS);
	fixture_close(&f);
}

/* What was not watched to its end is not told as if it were. */
static void nothing_after_it(void **state)
{
	struct fixture f;
	const struct event stalls[] = {
		ev_stall(STALL_SO_FAR, LISTEN - 100 * MS, 100 * MS, 200 * MS),
	};
	const struct start_why *why = &start_with(&f, stalls, 1)->start.why;

	(void)state;
	assert_int_equal(why->stall_count, 0);
	fixture_close(&f);
}

static void sums_to_the_phase(void **state)
{
	struct fixture f;
	const struct event stalls[] = {
		ev_stall(STALL_AT_LISTEN, LISTEN, 301 * MS, 102 * MS),
	};
	const struct phase_stalls *told = start_with(&f, stalls, 1)->start.why.stalls;
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < STALL_COUNT; i++)
		sum += told->wall.ns[i];
	assert_int_equal(sum, LISTEN - EXEC);
	assert_int_equal(told->wall.ns[STALL_OTHER], 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_listen),       cmocka_unit_test(only_the_first_listen),
		cmocka_unit_test(between_two_samples), cmocka_unit_test(nothing_after_it),
		cmocka_unit_test(sums_to_the_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
