// SPDX-License-Identifier: Apache-2.0
/* explain: what each topic adds to a start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/explain/explain_topic.h"
#include "unit/cli_fixture.h"

#define MS NS_PER_MS

/* What a topic prints below the phase of a start; the caller frees it. */
static char *below(explain_below_fn topic, const struct record_start *start, uint32_t phase)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	topic(out, start, &start->phases[phase]);
	fclose(out);
	return text;
}

static void expect_below(explain_below_fn topic, const struct record_start *start, uint32_t phase,
			 const char *expected)
{
	char *text = below(topic, start, phase);

	assert_string_equal(text, expected);
	free(text);
}

/* --- stalls ----------------------------------------------------------------------------------- */

#define APP 3 /* of make_start: 900 ms, the last of 4 s */

static struct record make_stalled(void)
{
	struct record record = make_start("web", "app", 10);

	record.start.why.stall_count = 1;
	record.start.why.stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_CPU] = 95 * MS,
			  [STALL_DISK] = 800 * MS,
			  [STALL_LOCK] = 3 * MS,
			  [STALL_OTHER] = 2 * MS}},
		.threads = {{[STALL_CPU] = 95 * MS, [STALL_DISK] = 800 * MS}},
		.thread_count = 1,
	};
	return record;
}

static void stalls_largest_first_and_sum_to_the_phase(void **state)
{
	struct record record = make_stalled();

	(void)state;
	expect_below(explain_stalls, &record.start, APP,
		     "    disk                 800ms                                 ▒▒▒▒▒▒▒▒\n"
		     "    cpu                   95ms                                 ▏\n"
		     "    the rest             5.0ms                                 ▏\n");
	expect_below(explain_stalls, &record.start, 2, ""); /* runtime has none */
}

static void stalls_say_how_exact_they_are(void **state)
{
	static const struct {
		enum stall_grade grade;
		const char *reason, *words;
	} cases[] = {
		{STALLS_PARTIAL, "40 threads found no room",
		 "    measured in part: 40 threads found no room\n"},
		{STALLS_COARSE, "64 starts at once",
		 "    only CPU and throttling are known: 64 starts at once\n"},
		{STALLS_COARSE, "", "    only CPU and throttling are known\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record record = make_stalled();

		record.start.why.stalls[0].grade = cases[i].grade;
		TEXT_COPY(record.start.why.stalls[0].reason, cases[i].reason);
		char *text = below(explain_stalls, &record.start, APP);

		assert_non_null(strstr(text, "disk"));
		assert_non_null(strstr(text, cases[i].words));
		free(text);
	}
}

static void stalls_that_were_not_measured_have_no_rows(void **state)
{
	struct record record = make_stalled();
	struct phase_stalls *stalls = &record.start.why.stalls[0];

	(void)state;
	stalls->grade = STALLS_NONE;
	TEXT_COPY(stalls->reason, "the kernel has no tp_btf");
	expect_below(explain_stalls, &record.start, APP,
		     "    what it did was not measured: the kernel has no tp_btf\n");
}

/* 30 idle threads tell nothing; that 8 threads burned the CPU does. */
static void thread_counts_where_work_was_shared(void **state)
{
	struct record record = make_stalled();
	struct phase_stalls *stalls = &record.start.why.stalls[0];

	(void)state;
	stalls->thread_count = 32;
	stalls->threads.ns[STALL_LOCK] = 30 * 900 * MS;
	char *text = below(explain_stalls, &record.start, APP);

	assert_null(strstr(text, "threads"));
	free(text);
	stalls->threads.ns[STALL_CPU] = 700 * MS;
	text = below(explain_stalls, &record.start, APP);
	assert_non_null(strstr(text, "▏  all 32 threads together 700ms\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalls_largest_first_and_sum_to_the_phase),
		cmocka_unit_test(stalls_say_how_exact_they_are),
		cmocka_unit_test(stalls_that_were_not_measured_have_no_rows),
		cmocka_unit_test(thread_counts_where_work_was_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
