// SPDX-License-Identifier: Apache-2.0
/* Which Event is written, and when: tokens, fairness, order, the growing intervals of a series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sink/event/event_queue.h"

#define S    NS_PER_SECOND
#define T    (1000 * S)
#define WALL ((int64_t)(5000 * S))

static const struct budget_rate all = {.burst = 40, .refill_ns = S / 20};
static const struct budget_rate object = {.burst = 3, .refill_ns = 10 * S};

static void a_bucket_empties_and_refills(void **state)
{
	struct event_budget *budget = event_budget_new(&all, &object);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(event_budget_take(budget, 1, BUDGET_DEATH, T));
	assert_false(event_budget_take(budget, 1, BUDGET_DEATH, T));
	assert_int_equal(event_budget_due_ns(budget, 1, BUDGET_DEATH, T), T + 10 * S);
	assert_true(event_budget_take(budget, 2, BUDGET_DEATH, T)); /* another object has its own */
	assert_true(event_budget_take(budget, 1, BUDGET_DEATH, T + 10 * S));
	assert_false(event_budget_take(budget, 1, BUDGET_DEATH, T + 10 * S));
	event_budget_return(budget, 1, BUDGET_DEATH); /* the server did not take it */
	assert_true(event_budget_take(budget, 1, BUDGET_DEATH, T + 10 * S));
	for (int i = 0; i < 3; i++) /* never more than full */
		assert_true(event_budget_take(budget, 1, BUDGET_DEATH, T + 1000 * S));
	assert_false(event_budget_take(budget, 1, BUDGET_DEATH, T + 1000 * S));
	event_budget_free(budget);
}

static void all_together_have_a_rate(void **state)
{
	struct event_budget *budget = event_budget_new(&all, &object);
	int taken = 0;

	(void)state;
	for (uint64_t i = 0; i < 200; i++)
		taken += event_budget_take(budget, i, BUDGET_DEATH, T);
	assert_int_equal(taken, 40);
	for (uint64_t i = 0; i < 200; i++)
		taken += event_budget_take(budget, 1000 + i, BUDGET_DEATH, T + S);
	assert_int_equal(taken, 60);
	event_budget_free(budget);
}

static void the_table_is_bounded(void **state)
{
	const struct budget_rate fast = {.burst = 1000000, .refill_ns = 1};
	struct event_budget *budget = event_budget_new(&fast, &object);

	(void)state;
	for (uint64_t i = 1000; i < 10000; i++)
		assert_true(event_budget_take(budget, i, BUDGET_DEATH, T));
	for (int i = 0; i < 3; i++)
		assert_true(event_budget_take(budget, 7, BUDGET_DEATH, T));
	for (uint64_t i = 1; i < BUDGET_OBJECTS_MAX; i++)
		event_budget_take(budget, 10000 + i, BUDGET_DEATH, T);
	assert_false(event_budget_take(budget, 7, BUDGET_DEATH,
				       T)); /* the oldest is forgotten, not this one */
	assert_int_equal(event_budget_objects(budget), BUDGET_OBJECTS_MAX);
	event_budget_free(budget);
}

static void chatter_leaves_half_for_deaths(void **state)
{
	const struct budget_rate four = {.burst = 4, .refill_ns = 10 * S};
	struct event_budget *budget = event_budget_new(&all, &four);
	int taken = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		taken += event_budget_take(budget, 1, BUDGET_CHATTER, T);
	assert_int_equal(taken, 2);
	assert_int_equal(event_budget_due_ns(budget, 1, BUDGET_CHATTER, T), T + 10 * S);
	for (int i = 0; i < 4; i++)
		taken += event_budget_take(budget, 1, BUDGET_DEATH, T);
	assert_int_equal(taken, 4);
	for (uint64_t i = 100; i < 200; i++) /* and half of what all have together */
		taken += event_budget_take(budget, i, BUDGET_CHATTER, T);
	assert_int_equal(taken, 20);
	assert_true(event_budget_take(budget, 2, BUDGET_DEATH, T));
	event_budget_free(budget);
}

static void a_backlog_has_its_own(void **state)
{
	struct event_budget *budget = event_budget_new(&all, &object);
	int taken = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		taken += event_budget_take(budget, 1, BUDGET_BACKLOG, T);
	assert_int_equal(taken, 15);
	for (int i = 0; i < 3; i++) /* what happens now has not paid for it */
		assert_true(event_budget_take(budget, 1, BUDGET_DEATH, T));
	assert_false(event_budget_take(budget, 1, BUDGET_DEATH, T));
	event_budget_free(budget);
}

struct fixture {
	struct event_budget *budget;
	struct event_queue *queue;
	uint64_t due_ns;
};

static struct fixture open_queue(const struct budget_rate *of_object)
{
	struct fixture fixture = {.budget = event_budget_new(&all, of_object)};

	fixture.queue = event_queue_new(fixture.budget);
	assert_non_null(fixture.queue);
	return fixture;
}

static void close_queue(struct fixture *fixture)
{
	event_queue_free(fixture->queue);
	event_budget_free(fixture->budget);
}

static void note(struct fixture *fixture, int64_t id, uint64_t of, bool urgent, uint64_t count,
		 int64_t age_ns)
{
	const struct queued entry = {.id = id,
				     .object = of,
				     .urgent = urgent,
				     .count = count,
				     .last_wall_ns = WALL - age_ns};

	assert_int_equal(event_queue_note(fixture->queue, &entry), 0);
}

/* The id of what is written next, 0: nothing now. It is not answered yet. */
static int64_t next(struct fixture *fixture, uint64_t now_ns)
{
	struct queued *entry = event_queue_next(fixture->queue, now_ns, WALL, &fixture->due_ns);

	return entry ? entry->id : 0;
}

static void answer(struct fixture *fixture, int64_t id, uint64_t now_ns)
{
	struct queued *entry = event_queue_find(fixture->queue, id);

	event_queue_written(fixture->queue, entry, entry->count, now_ns);
}

static void oldest_first_deaths_before_chatter(void **state)
{
	struct fixture fixture = open_queue(&object);

	(void)state;
	note(&fixture, 1, 1, false, 1, 0);
	note(&fixture, 2, 2, true, 1, 0);
	note(&fixture, 3, 3, false, 1, 0);
	note(&fixture, 4, 4, true, 1, 0);
	assert_int_equal(next(&fixture, T), 2);
	assert_int_equal(next(&fixture, T), 4); /* 2 is under way */
	assert_int_equal(next(&fixture, T), 1);
	assert_int_equal(next(&fixture, T), 3);
	assert_int_equal(next(&fixture, T), 0);
	assert_int_equal(event_queue_pending(fixture.queue), 4);
	event_queue_failed(fixture.queue, event_queue_find(fixture.queue, 4));
	assert_int_equal(next(&fixture, T), 4); /* where it stood */
	close_queue(&fixture);
}

static void a_noisy_object_delays_no_other(void **state)
{
	struct fixture fixture = open_queue(&object);

	(void)state;
	for (int i = 1; i <= 100; i++)
		note(&fixture, i, 1, true, 1, 0);
	note(&fixture, 101, 2, true, 1, 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(next(&fixture, T), i);
	assert_int_equal(next(&fixture, T), 101);
	assert_int_equal(next(&fixture, T), 0);
	assert_int_equal(fixture.due_ns, T + 10 * S);
	assert_int_equal(next(&fixture, T + 10 * S), 4);
	close_queue(&fixture);
}

static void what_is_late_goes_one_at_a_time(void **state)
{
	struct fixture fixture = open_queue(&object);

	(void)state;
	note(&fixture, 1, 1, true, 1, 60 * (int64_t)S);
	note(&fixture, 2, 2, true, 1, 60 * (int64_t)S);
	note(&fixture, 3, 3, true, 1, 0);
	assert_int_equal(next(&fixture, T), 1);
	assert_int_equal(next(&fixture, T), 3); /* fresh: does not wait for the backlog */
	assert_int_equal(next(&fixture, T), 0);
	answer(&fixture, 1, T);
	assert_int_equal(next(&fixture, T), 2);
	close_queue(&fixture);
}

/* The API server was away since: nothing was old when it came. */
static void what_waited_is_late(void **state)
{
	const int64_t later = WALL + 60 * (int64_t)S;
	struct fixture fixture = open_queue(&object);

	(void)state;
	for (int i = 1; i <= 6; i++)
		note(&fixture, i, 1, true, 1, 0); /* twice the object's budget */
	for (int i = 1; i <= 6; i++) {
		struct queued *entry =
			event_queue_next(fixture.queue, T + 60 * S, later, &fixture.due_ns);

		assert_non_null(entry);
		assert_int_equal(entry->id, i);
		assert_null(event_queue_next(fixture.queue, T + 60 * S, later, &fixture.due_ns));
		if (i == 3) { /* it fails: still its turn */
			event_queue_failed(fixture.queue, entry);
			entry = event_queue_next(fixture.queue, T + 60 * S, later, &fixture.due_ns);
			assert_int_equal(entry->id, i);
		}
		event_queue_written(fixture.queue, entry, 1, T + 60 * S);
	}
	close_queue(&fixture);
}

static void a_series_is_written_less_and_less(void **state)
{
	const struct budget_rate wide = {.burst = 100, .refill_ns = S};
	static const uint64_t expected[] = {0, 1, 3, 7, 15, 31, 61, 121};
	struct fixture fixture = open_queue(&wide);
	size_t writes = 0;

	(void)state;
	/* 100 a second for 60 s; then it is quiet */
	for (uint64_t ms = 0; ms < 180000; ms += 10) {
		if (ms < 60000)
			note(&fixture, 1, 1, true, 1 + ms / 10, 0);
		if (next(&fixture, T + ms * NS_PER_MS)) {
			assert_true(writes < sizeof(expected) / sizeof(*expected));
			assert_int_equal(ms / 1000, expected[writes]);
			writes++;
			answer(&fixture, 1, T + ms * NS_PER_MS);
		}
	}
	assert_int_equal(writes, 7); /* the last one at 61 s has the final count */
	assert_int_equal(event_queue_find(fixture.queue, 1)->written, 6000);
	assert_int_equal(event_queue_pending(fixture.queue), 0);
	/* forgotten once it is quiet for long: a repeat is told at once, and then again soon */
	assert_int_equal(next(&fixture, T + 700 * S), 0);
	assert_null(event_queue_find(fixture.queue, 1));
	close_queue(&fixture);
}

static void what_never_ends_is_written_every_five_minutes(void **state)
{
	const struct budget_rate wide = {.burst = 100, .refill_ns = S};
	struct fixture fixture = open_queue(&wide);
	size_t in_hour[2] = {0, 0};

	(void)state;
	for (uint64_t s = 0; s < 7200; s++) {
		note(&fixture, 1, 1, true, 1 + s, 0);
		if (next(&fixture, T + s * S)) {
			in_hour[s / 3600]++;
			answer(&fixture, 1, T + s * S);
		}
	}
	assert_int_equal(in_hour[0], 20);
	assert_int_equal(in_hour[1], 12);
	close_queue(&fixture);
}

static void a_first_repeat_is_told_at_once(void **state)
{
	struct fixture fixture = open_queue(&object);

	(void)state;
	note(&fixture, 1, 1, true, 1, 0);
	assert_int_equal(next(&fixture, T), 1);
	answer(&fixture, 1, T);
	note(&fixture, 1, 1, true, 2, 0);
	assert_int_equal(next(&fixture, T + S / 2), 0);
	assert_int_equal(fixture.due_ns, T + S);
	assert_int_equal(next(&fixture, T + S), 1);
	close_queue(&fixture);
}

static void what_counted_while_it_was_written_is_pending(void **state)
{
	struct fixture fixture = open_queue(&object);

	(void)state;
	note(&fixture, 1, 1, true, 1, 0);
	assert_int_equal(next(&fixture, T), 1);
	note(&fixture, 1, 1, true, 5, 0);
	event_queue_written(fixture.queue, event_queue_find(fixture.queue, 1), 1, T);
	assert_int_equal(event_queue_pending(fixture.queue), 1);
	assert_int_equal(next(&fixture, T + S), 1);
	close_queue(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_empties_and_refills),
		cmocka_unit_test(all_together_have_a_rate),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(chatter_leaves_half_for_deaths),
		cmocka_unit_test(a_backlog_has_its_own),
		cmocka_unit_test(oldest_first_deaths_before_chatter),
		cmocka_unit_test(a_noisy_object_delays_no_other),
		cmocka_unit_test(what_is_late_goes_one_at_a_time),
		cmocka_unit_test(what_waited_is_late),
		cmocka_unit_test(a_series_is_written_less_and_less),
		cmocka_unit_test(what_never_ends_is_written_every_five_minutes),
		cmocka_unit_test(a_first_repeat_is_told_at_once),
		cmocka_unit_test(what_counted_while_it_was_written_is_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
