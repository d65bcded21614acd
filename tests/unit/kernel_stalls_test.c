// SPDX-License-Identifier: Apache-2.0
/* A thread's way as of one moment, and what a wait of it is worth while others of its container go on. */
#include "source/kernel/kernel_stalls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "source/kernel/kernel_wire.h"

#define BEGAN 1000
#define SINCE 1100
#define NOW   1400

static struct wire_window window_at(uint64_t counts, uint64_t changed_ns)
{
	return (struct wire_window){
		.container_id = 7,
		.began_ns = BEGAN,
		.counts = counts,
		.changed_ns = changed_ns,
		.threads = 2,
	};
}

static struct wire_thread thread_in(uint8_t state, uint8_t stall)
{
	return (struct wire_thread){
		.container_id = 7,
		.since_ns = SINCE,
		.state = state,
		.stall = stall,
		.way = {[WIRE_STALL_CPU] = SINCE - BEGAN},
		.ns = {[WIRE_STALL_CPU] = SINCE - BEGAN},
	};
}

static uint64_t sum(const struct stall_times *times)
{
	uint64_t total = 0;

	for (int i = 0; i < STALL_COUNT; i++)
		total += times->ns[i];
	return total;
}

static void what_it_does_now(void **state)
{
	const struct {
		uint8_t state, stall;
		enum stall told;
	} cases[] = {
		{WIRE_THREAD_RUNNING, WIRE_STALL_OTHER, STALL_CPU},
		{WIRE_THREAD_READY, WIRE_STALL_DISK, STALL_RUN_QUEUE},
		{WIRE_THREAD_WAITING, WIRE_STALL_SLEEP, STALL_SLEEP},
		{WIRE_THREAD_WAITING, WIRE_STALL_DISK, STALL_DISK},
		{WIRE_THREAD_WAITING, 200, STALL_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_window window = window_at(0, SINCE);
		struct wire_thread thread = thread_in(cases[i].state, cases[i].stall);
		struct stall_times path = kernel_stalls_path(&window, &thread, NOW), own = {0};

		kernel_stalls_add(&own, &thread, NOW);
		assert_int_equal(path.ns[cases[i].told],
				 300 + (cases[i].told == STALL_CPU ? 100 : 0));
		assert_int_equal(sum(&path), NOW - BEGAN);
		assert_memory_equal(&own, &path, sizeof(own));
	}
}

/* It waits for a lock while another thread first reads from a disk and now computes. */
static void others_go_on_meanwhile(void **state)
{
	struct wire_window window = window_at(1, 1300);
	struct wire_thread thread = thread_in(WIRE_THREAD_WAITING, WIRE_STALL_LOCK);

	(void)state;
	window.progress[WIRE_PROGRESS_CPU] = 5000;
	window.progress[WIRE_PROGRESS_DISK] = 650;
	thread.progress[WIRE_PROGRESS_CPU] = 5000;
	thread.progress[WIRE_PROGRESS_DISK] = 500;
	thread.shared = 1;
	struct stall_times path = kernel_stalls_path(&window, &thread, NOW), own = {0};

	kernel_stalls_add(&own, &thread, NOW);
	assert_int_equal(path.ns[STALL_DISK], 150);
	assert_int_equal(path.ns[STALL_CPU], 100 + 100);
	assert_int_equal(path.ns[STALL_LOCK], 50);
	assert_int_equal(sum(&path), NOW - BEGAN);
	assert_int_equal(own.ns[STALL_LOCK], 300); /* the thread itself did wait */
}

/* The counts of several CPUs may run ahead of each other: never more than the wait is explained. */
static void no_more_than_the_wait(void **state)
{
	struct wire_window window = window_at(1, 900);
	struct wire_thread thread = thread_in(WIRE_THREAD_WAITING, WIRE_STALL_LOCK);

	(void)state;
	window.progress[WIRE_PROGRESS_DISK] = 100000;
	thread.shared = 1;
	struct stall_times path = kernel_stalls_path(&window, &thread, NOW);

	assert_int_equal(sum(&path), NOW - BEGAN);
	assert_int_equal(path.ns[STALL_LOCK], 0);
}

static void a_sleep_is_taken_at_its_word(void **state)
{
	struct wire_window window = window_at(1, BEGAN);
	struct wire_thread thread = thread_in(WIRE_THREAD_WAITING, WIRE_STALL_SLEEP);

	(void)state;
	struct stall_times path = kernel_stalls_path(&window, &thread, NOW);

	assert_int_equal(path.ns[STALL_SLEEP], 300);
	assert_int_equal(path.ns[STALL_CPU], 100);
}

static void how_exact_it_is(void **state)
{
	struct wire_window window = window_at(0, SINCE);
	struct wire_thread thread = thread_in(WIRE_THREAD_RUNNING, 0);
	struct event_stall stall = {0};

	(void)state;
	window.ended_ns[WIRE_STALL_NETWORK] = 9;
	kernel_stalls_event(&stall, &window, &thread, NOW);
	assert_int_equal(stall.grade, STALLS_MEASURED);
	assert_int_equal(stall.thread_count, 2);
	assert_int_equal(stall.threads.ns[STALL_NETWORK], 9);
	window.threads_lost = 1;
	kernel_stalls_event(&stall, &window, &thread, NOW);
	assert_int_equal(stall.grade, STALLS_PARTIAL);
	assert_string_equal(stall.reason, "no room for 1 of 2 threads");
}

static void calls_by_their_numbers(void **state)
{
	uint8_t waits[WIRE_SYSCALLS] = {0};

	(void)state;
	kernel_stalls_calls(waits);
	assert_int_equal(waits[SYS_clock_nanosleep], WIRE_WAIT_SLEEP);
	assert_int_equal(waits[SYS_futex], WIRE_WAIT_FUTEX);
	assert_int_equal(waits[SYS_connect], WIRE_WAIT_NETWORK);
	assert_int_equal(waits[SYS_read], WIRE_WAIT_FILE);
	assert_int_equal(waits[SYS_epoll_pwait], WIRE_WAIT_EPOLL);
	assert_int_equal(waits[SYS_wait4], WIRE_WAIT_OTHER);
}

static void as_it_lies_in_the_ring(void **state)
{
	struct wire_stall record = {
		.header = {.type = WIRE_STALL,
			   .size = sizeof(record),
			   .boot_ns = NOW,
			   .cgroup_id = 7},
		.thread = thread_in(WIRE_THREAD_RUNNING, 0),
		.window = window_at(1, BEGAN),
	};
	struct event event;

	(void)state;
	memset(record.container, 'a', 64);
	assert_int_equal(kernel_wire_decode(&record, sizeof(record), &event), 0);
	assert_int_equal(event.type, EVENT_STALL);
	assert_int_equal(event.boot_ns, NOW);
	assert_int_equal(event.stall.step, STALL_AT_LISTEN);
	assert_int_equal(event.stall.cgroup_id, 7);
	assert_int_equal(event.stall.path.ns[STALL_CPU], NOW - BEGAN);
	record.ended = 1;
	assert_int_equal(kernel_wire_decode(&record, sizeof(record), &event), 0);
	assert_int_equal(event.stall.step, STALL_AT_END);
	assert_int_equal(kernel_wire_decode(&record, sizeof(record) - 1, &event), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_does_now),
		cmocka_unit_test(others_go_on_meanwhile),
		cmocka_unit_test(no_more_than_the_wait),
		cmocka_unit_test(a_sleep_is_taken_at_its_word),
		cmocka_unit_test(how_exact_it_is),
		cmocka_unit_test(calls_by_their_numbers),
		cmocka_unit_test(as_it_lies_in_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
