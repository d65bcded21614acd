// SPDX-License-Identifier: Apache-2.0
/* Which record replaces which, and how long each lasted. */
#include "model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct record exit_record(bool final, bool reconstructed)
{
	return (struct record){
		.type = RECORD_EXIT, .final = final, .exit = {.reconstructed = reconstructed}};
}

static void better_replaces_worse_only(void **state)
{
	static const struct {
		bool newer_final, newer_reconstructed, older_final, older_reconstructed, replaces;
	} cases[] = {
		{false, false, false, false, true},
		{true, false, false, false, true},
		{true, false, true, false, true},
		{false, false, true, false, false},
		/* reconstructed never replaces measured, final or not */
		{true, true, true, false, false},
		{true, true, false, false, false},
		{false, true, false, false, false},
		{false, true, true, false, false},
		/* measured replaces reconstructed, unless that was final and this is not */
		{true, false, true, true, true},
		{true, false, false, true, true},
		{false, false, false, true, true},
		{false, false, true, true, false},
		/* among reconstructed */
		{true, true, false, true, true},
		{true, true, true, true, true},
		{false, true, false, true, true},
		{false, true, true, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record newer =
			exit_record(cases[i].newer_final, cases[i].newer_reconstructed);
		struct record older =
			exit_record(cases[i].older_final, cases[i].older_reconstructed);

		if (record_supersedes(&newer, &older) != cases[i].replaces)
			fail_msg("case %zu", i);
	}
}

/* A start that was partly watched is not replaced by one found after a restart of the agent. */
static void a_partly_watched_start_stays(void **state)
{
	struct record watched = {.type = RECORD_START, .final = true, .start = {.phase_count = 2}};
	struct record adopted = {.type = RECORD_START, .final = true, .start = {.phase_count = 1}};

	(void)state;
	watched.start.phases[0].reconstructed = true;
	adopted.start.phases[0].reconstructed = true;
	assert_false(record_supersedes(&adopted, &watched));
	assert_true(record_supersedes(&watched, &adopted));
	assert_true(record_supersedes(&watched, &watched));
	assert_true(record_supersedes(&adopted, &adopted));
}

static void one_reconstructed_phase_marks_the_start(void **state)
{
	struct record record = {.type = RECORD_START, .start = {.phase_count = 2}};

	(void)state;
	assert_false(record_reconstructed(&record));
	record.start.phases[2].reconstructed = true; /* beyond the count */
	assert_false(record_reconstructed(&record));
	record.start.phases[1].reconstructed = true;
	assert_true(record_reconstructed(&record));
	record.start.phases[1].reconstructed = false;
	record.start.phases[2].reconstructed = false;
	record.start.phase_count = UINT32_MAX; /* from a bad file */
	assert_false(record_reconstructed(&record));

	record = (struct record){.type = RECORD_PULL, .pull = {.reconstructed = true}};
	assert_true(record_reconstructed(&record));
	record = (struct record){.type = RECORD_OOM};
	assert_false(record_reconstructed(&record));
}

static void durations_need_both_ends(void **state)
{
	struct record record = {.type = RECORD_START, .start = {.span = {100, 350}}};

	(void)state;
	assert_int_equal(record_duration_ns(&record), 250);
	record.start.span.from_ns = 0;
	assert_int_equal(record_duration_ns(&record), 0);
	record.start.span = (struct span){350, 100};
	assert_int_equal(record_duration_ns(&record), 0);
	record = (struct record){.type = RECORD_EXIT, .exit = {.started_ns = 5, .finished_ns = 9}};
	assert_int_equal(record_duration_ns(&record), 4);
	record = (struct record){.type = RECORD_PULL, .pull = {.span = {5, 10}}};
	assert_int_equal(record_duration_ns(&record), 5);
	record = (struct record){.type = RECORD_GAP, .gap = {.span = {5, 11}}};
	assert_int_equal(record_duration_ns(&record), 6);
	record = (struct record){.type = RECORD_BOOT, .boot = {.span = {5, 12}}};
	assert_int_equal(record_duration_ns(&record), 7);
	record = (struct record){.type = RECORD_OOM};
	assert_int_equal(record_duration_ns(&record), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(better_replaces_worse_only),
		cmocka_unit_test(a_partly_watched_start_stays),
		cmocka_unit_test(one_reconstructed_phase_marks_the_start),
		cmocka_unit_test(durations_need_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
