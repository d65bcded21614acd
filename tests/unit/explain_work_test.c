/* SPDX-License-Identifier: Apache-2.0 */
/* explain's rows of what the runtime did. */
#include "cli/explain/explain_topic.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/cli_fixture.h"

#define MS NS_PER_MS

static struct record_start start;

static void add(enum phase phase, enum work_kind kind, const char *name, uint64_t from_ms,
		uint64_t to_ms)
{
	struct work_step *step = &start.why.work[start.why.work_count++];

	*step = (struct work_step){
		.kind = kind, .phase = phase, .span = {from_ms * MS, to_ms * MS}, .count = 1};
	TEXT_COPY(step->name, name);
}

static int setup(void **state)
{
	(void)state;
	start = (struct record_start){.span = {1, 10000 * MS}, .phase_count = 3};
	start.phases[0] = (struct phase_span){PHASE_ADMIT, {1, 4000 * MS}, false};
	start.phases[1] = (struct phase_span){PHASE_WAIT, {4000 * MS, 5000 * MS}, false};
	start.phases[2] = (struct phase_span){PHASE_RUNTIME, {5000 * MS, 10000 * MS}, false};
	return 0;
}

static void shows(uint32_t phase, const char *expected)
{
	struct capture capture;

	capture_begin(&capture);
	explain_work(stdout, &start, &start.phases[phase]);
	fflush(stdout);
	capture_end(&capture);
	assert_string_equal(capture.out, expected);
	capture_done(&capture);
}

static void counts(const char *expected)
{
	struct capture capture;

	capture_begin(&capture);
	explain_competing(stdout, &start);
	fflush(stdout);
	capture_end(&capture);
	assert_string_equal(capture.out, expected);
	capture_done(&capture);
}

static void below_their_phase(void **state)
{
	(void)state;
	add(PHASE_ADMIT, WORK_VOLUME, "data", 1000, 4000);
	start.why.work[0].at_most = true;
	start.why.work[0].count = 4;
	add(PHASE_RUNTIME, WORK_RUNTIME, "runc create", 5000, 8100);
	add(PHASE_RUNTIME, WORK_RUNTIME, "gpu-runtime before runc", 5000, 8000);
	start.why.work[2].nested = true;
	add(PHASE_RUNTIME, WORK_SHIM, "shim start", 8100, 8599); /* less than a 20th */
	shows(0, "    volume data          3.00s     ████████████  4 times, at most: a border was "
		 "not seen\n");
	shows(1, "");
	shows(2, "    runc create          3.10s                     ████████████\n"
		 "      gpu-runtime before runc     3.00s                     ████████████\n");
}

/* There may be several waits: each has its own. */
static void of_this_phase_only(void **state)
{
	(void)state;
	add(PHASE_WAIT, WORK_SNAPSHOT, "until its snapshot", 9000, 10000);
	shows(1, "");
	add(PHASE_WAIT, WORK_SNAPSHOT, "until its snapshot", 4000, 5000);
	shows(1, "    until its snapshot     1.00s                 ████\n");
}

static void how_many_others(void **state)
{
	(void)state;
	start.why.competing = 7;
	counts("  7 other containers were starting at the same time\n");
	start.why.competing = 1;
	counts("  1 other container was starting at the same time\n");
	start.why.competing = 0;
	counts("");
}

/* A hook's or a volume's name comes from outside. */
static void safely(void **state)
{
	(void)state;
	add(PHASE_RUNTIME, WORK_RUNTIME, "\033[31mhook", 5000, 8000);
	struct capture capture;

	capture_begin(&capture);
	explain_work(stdout, &start, &start.phases[2]);
	fflush(stdout);
	capture_end(&capture);
	assert_null(strchr(capture.out, '\033'));
	assert_non_null(strstr(capture.out, "hook"));
	capture_done(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(below_their_phase, setup),
		cmocka_unit_test_setup(of_this_phase_only, setup),
		cmocka_unit_test_setup(how_many_others, setup),
		cmocka_unit_test_setup(safely, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
