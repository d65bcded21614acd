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

static struct record boot_record(bool final, bool measured, enum boot_state state, uint64_t to_ns,
				 uint32_t pods_ready)
{
	return (struct record){.type = RECORD_BOOT,
			       .final = final,
			       .boot = {.state = state,
					.measured = measured,
					.span = {1, to_ns},
					.pods_ready = pods_ready}};
}

/* An agent that is restarted gives the same boot or a better one. */
static void a_boot_is_replaced_by_a_better_one_only(void **state)
{
	struct record waking = boot_record(false, true, BOOT_WAKING, 30, 1);
	struct record measured = boot_record(true, true, BOOT_READY, 60, 3);
	struct record found = boot_record(true, false, BOOT_READY, 60, 3);
	struct record later = boot_record(true, false, BOOT_READY, 60, 2);
	struct record unknown = boot_record(true, false, BOOT_STATE_NONE, 20, 0);
	struct record stuck = boot_record(true, true, BOOT_NOT_RECOVERED, 600, 2);
	struct record after_all = boot_record(true, false, BOOT_READY, 700, 3);

	(void)state;
	assert_true(record_reconstructed(&found));
	assert_false(record_reconstructed(&measured));
	/* it was waking when the agent was restarted */
	assert_true(record_supersedes(&found, &waking));
	assert_true(record_supersedes(&(struct record){.type = RECORD_BOOT}, &waking));
	assert_false(record_supersedes(&waking, &found));
	/* measured beats reconstructed */
	assert_false(record_supersedes(&found, &measured));
	assert_true(record_supersedes(&measured, &found));
	assert_true(record_supersedes(&measured, &measured));
	/* pods have gone since */
	assert_false(record_supersedes(&later, &found));
	assert_true(record_supersedes(&found, &later));
	/* the outcome can't be known any more */
	assert_false(record_supersedes(&unknown, &found));
	assert_false(record_supersedes(&unknown, &stuck));
	assert_true(record_supersedes(&found, &unknown));
	/* it recovered after the deadline, whoever saw it; one that names an earlier time has lost a pod */
	assert_true(record_supersedes(&after_all, &stuck));
	assert_false(record_supersedes(&found, &stuck));
	assert_false(record_supersedes(&stuck, &measured));
	assert_false(record_supersedes(&stuck, &after_all));
}

static struct record unit_record(bool final, uint64_t from_ns, uint64_t to_ns)
{
	return (struct record){.type = RECORD_UNIT, .final = final, .unit.span = {from_ns, to_ns}};
}

static void a_unit_keeps_the_times_of_the_boot(void **state)
{
	struct record begun = unit_record(false, 5 * NS_PER_SECOND, 0);
	struct record active = unit_record(true, 5 * NS_PER_SECOND, 8 * NS_PER_SECOND);
	struct record restarted = unit_record(true, 500 * NS_PER_SECOND, 501 * NS_PER_SECOND);

	(void)state;
	assert_true(record_supersedes(&active, &begun));
	assert_true(record_supersedes(&active, &active));
	assert_false(record_supersedes(&begun, &active));
	assert_false(record_supersedes(&restarted, &active));
	assert_false(record_supersedes(&restarted, &begun));
	assert_true(record_supersedes(&active, &restarted));
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

/* A later agent has the runtime's word only: the kernel's stays. */
static void the_kernels_word_on_an_end(void **state)
{
	struct record seen = {.type = RECORD_EXIT, .final = true, .exit.kernel_ns = 5};
	struct record listed = {.type = RECORD_EXIT, .final = true};

	(void)state;
	assert_false(record_supersedes(&listed, &seen));
	assert_true(record_supersedes(&seen, &listed));
	assert_true(record_supersedes(&seen, &seen));
	seen.final = false; /* who told it did not live to tell the rest */
	assert_true(record_supersedes(&listed, &seen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(better_replaces_worse_only),
		cmocka_unit_test(a_partly_watched_start_stays),
		cmocka_unit_test(a_boot_is_replaced_by_a_better_one_only),
		cmocka_unit_test(a_unit_keeps_the_times_of_the_boot),
		cmocka_unit_test(one_reconstructed_phase_marks_the_start),
		cmocka_unit_test(the_kernels_word_on_an_end),
		cmocka_unit_test(durations_need_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
