// SPDX-License-Identifier: Apache-2.0
/* What starts of an image usually take, and which phase of the latest grew. */
#include "model/start_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define S NS_PER_SECOND

static struct start_sample make(uint64_t pull_s, uint64_t app_s)
{
	return (struct start_sample){
		.total_ns = (pull_s + app_s) * S,
		.phase_ns = {[PHASE_PULL] = pull_s * S, [PHASE_APP] = app_s * S},
	};
}

static struct start_verdict judge(const struct start_sample *samples, uint32_t count)
{
	struct start_verdict verdict;

	assert_int_equal(start_history_judge(samples, count, &verdict), 0);
	return verdict;
}

static void the_latest_against_those_before(void **state)
{
	const struct start_sample samples[] = {make(0, 10), make(0, 12), make(0, 11), make(60, 12)};
	struct start_verdict verdict = judge(samples, 4);

	(void)state;
	assert_int_equal(verdict.earlier, 3);
	assert_true(verdict.enough);
	assert_int_equal(verdict.total.median_ns, 11 * S);
	assert_int_equal(verdict.total.spread_ns, 1482600000);
	assert_int_equal(verdict.phases[PHASE_PULL].median_ns, 0);
	assert_true(verdict.slower);
	assert_int_equal(verdict.grown, PHASE_PULL);
	assert_int_equal(verdict.grown_ns, 60 * S);
}

static void within_the_spread_is_as_usual(void **state)
{
	const struct start_sample samples[] = {make(0, 10), make(0, 12), make(0, 11), make(0, 13)};
	struct start_verdict verdict = judge(samples, 4);

	(void)state;
	assert_false(verdict.slower);
	assert_int_equal(verdict.grown, PHASE_APP);
	assert_int_equal(verdict.grown_ns, 2 * S);
}

static void of_few_nothing_is_said(void **state)
{
	const struct start_sample samples[] = {make(0, 10), make(0, 10), make(0, 100)};
	struct start_verdict verdict = judge(samples, 3);

	(void)state;
	assert_false(verdict.enough);
	assert_false(verdict.slower);
	verdict = judge(samples, 1);
	assert_int_equal(verdict.earlier, 0);
	assert_int_equal(verdict.total.median_ns, 0);
	verdict = judge(NULL, 0);
	assert_int_equal(verdict.earlier, 0);
}

static struct record start_record(void)
{
	struct record record = {
		.type = RECORD_START,
		.subject = {.image = "r/app:1", .container_id = "c0ffee"},
		.start = {.state = START_LISTENING,
			  .span = {1 * S, 5 * S},
			  .phase_count = 3,
			  .phases = {{PHASE_WAIT, {1 * S, 2 * S}, false},
				     {PHASE_APP, {2 * S, 4 * S}, true},
				     {PHASE_WAIT, {4 * S, 5 * S}, false}}},
	};

	return record;
}

static void which_starts_count(void **state)
{
	struct record record = start_record();
	struct start_sample sample = start_history_sample(&record);

	(void)state;
	assert_true(start_history_counts(&record));
	assert_int_equal(sample.total_ns, 4 * S);
	assert_int_equal(sample.phase_ns[PHASE_WAIT], 2 * S);
	assert_int_equal(sample.phase_ns[PHASE_APP], 2 * S);
	assert_true(sample.reconstructed);
	record.start.state = START_FAILED;
	assert_false(start_history_counts(&record));
	record.start.state = START_READY;
	assert_false(start_history_counts(&record));
	record = start_record();
	*record.subject.image = '\0';
	assert_false(start_history_counts(&record));
	record = start_record();
	record.start.span.to_ns = 0;
	assert_false(start_history_counts(&record));
	record = start_record();
	record.type = RECORD_EXIT;
	assert_false(start_history_counts(&record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_latest_against_those_before),
		cmocka_unit_test(within_the_spread_is_as_usual),
		cmocka_unit_test(of_few_nothing_is_said),
		cmocka_unit_test(which_starts_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
