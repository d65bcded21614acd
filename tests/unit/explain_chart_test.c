// SPDX-License-Identifier: Apache-2.0
/* Which rows and bars a pod becomes, and where they stand. */
#include "cli/explain/explain_chart.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/pod_scene.h"

#define MS  NS_PER_MS
#define DAY (UINT64_C(86400) * NS_PER_SECOND)

static struct record records[POD_SCENE_MAX];
static uint32_t boots[POD_SCENE_MAX];

static struct dossier make(void)
{
	memset(boots, 0, sizeof(boots));
	return (struct dossier){
		.records = records,
		.boots = boots,
		.count = pod_scene_make(records, false),
	};
}

static struct chart chart_of(const struct dossier *dossier, bool aligned)
{
	struct chart chart;

	assert_int_equal(explain_chart_make(&chart, dossier, aligned), 0);
	return chart;
}

static const struct chart_row *row_of(const struct chart *chart, const char *label)
{
	for (size_t i = 0; i < chart->count; i++)
		if (strcmp(chart->rows[i].label, label) == 0)
			return &chart->rows[i];
	fail_msg("no row %s", label);
	return NULL;
}

static void a_group_per_container_and_its_rows(void **state)
{
	struct dossier dossier = make();
	struct chart chart = chart_of(&dossier, true);
	const struct chart_row *row = row_of(&chart, "server");

	(void)state;
	assert_int_equal(chart.total_ns, 105200 * MS);
	assert_string_equal(chart.groups[0].title,
			    "Pod, created 2026-11-23T06:28:50Z, Ready after 1min 45.2s");
	assert_string_equal(chart.groups[1].title,
			    "wait-for-aidb, started 2026-11-23T06:28:50Z, 13.8s, init container");
	assert_string_equal(chart.groups[3].title,
			    "metrics, started 2026-11-25T06:28:50Z, 3.10s, restart 3");
	assert_int_equal(row->count, 7);
	assert_string_equal(row->bars[2].style, "pull");
	assert_int_equal(row->bars[2].from_ns, 13800 * MS);
	assert_int_equal(row->bars[2].to_ns, 74900 * MS);
	assert_string_equal(row->bars[5].title, "app 24.1s");
	assert_non_null(strstr(row->bars[5].lines, "disk 22.1s\ncpu 1.80s\nrun queue 200ms\n"
						   "read /models/llama-7b.gguf 3.8GiB at 174 "
						   "MB/s from vda"));
	assert_int_equal(row_of(&chart, "host-local")->depth, 3);
	assert_string_equal(row_of(&chart, "host-local")->bars[0].style, "failed");
	assert_int_equal(row_of(&chart, "cdc26e266176")->count, 2);
	chart_done(&chart);
}

static void shares_sum_to_the_phase(void **state)
{
	struct dossier dossier = make();
	struct chart chart = chart_of(&dossier, true);
	const struct chart_row *row = row_of(&chart, "where app went");
	uint64_t at_ns = 75100 * MS;

	(void)state;
	assert_int_equal(row->count, 3);
	for (size_t i = 0; i < row->count; i++) {
		assert_true(row->bars[i].share);
		assert_int_equal(row->bars[i].from_ns, at_ns);
		at_ns = row->bars[i].to_ns;
	}
	assert_int_equal(at_ns, 99200 * MS);
	assert_string_equal(row->bars[1].title, "cpu 1.80s: all 8 threads together 7.20s");
	chart_done(&chart);
}

/* A breakdown that is longer than its phase, as only a damaged record has it, stays inside of it. */
static void shares_never_leave_the_phase(void **state)
{
	struct dossier dossier = make();
	struct chart chart;

	(void)state;
	records[2].start.why.stalls[0].wall.ns[STALL_DISK] = UINT64_MAX;
	chart = chart_of(&dossier, true);
	const struct chart_row *row = row_of(&chart, "where app went");

	assert_int_equal(row->count, 1);
	assert_int_equal(row->bars[0].to_ns, 99200 * MS);
	chart_done(&chart);
}

static void a_restart_two_days_later(void **state)
{
	struct dossier dossier = make();
	struct chart chart = chart_of(&dossier, true);

	(void)state;
	assert_int_equal(row_of(&chart, "metrics")->bars[0].from_ns, 0);
	chart_done(&chart);
	chart = chart_of(&dossier, false);
	assert_int_equal(row_of(&chart, "metrics")->bars[0].from_ns, 2 * DAY);
	assert_int_equal(chart.total_ns, 2 * DAY + 3100 * MS);
	chart_done(&chart);
}

/* The boot clock began anew: a start of another boot is never beside those of this one. */
static void starts_of_two_boots(void **state)
{
	struct dossier dossier = make();
	struct record *later = &records[dossier.count - 1];

	(void)state;
	boots[dossier.count - 1] = 1; /* the scene's last record is the latest boot's … */
	for (size_t i = 0; i + 1 < dossier.count; i++)
		boots[i] = 2; /* … and the others are of the one before */
	later->wall_offset_ns += (int64_t)(DAY / 2);
	later->start.span = (struct span){1000 * NS_PER_SECOND, 1003 * NS_PER_SECOND};
	later->start.phase_count = 1;
	later->start.phases[0].span = later->start.span;
	struct chart chart = chart_of(&dossier, false);

	assert_int_equal(row_of(&chart, "metrics")->bars[0].from_ns, DAY / 2);
	assert_int_equal(chart.total_ns, DAY / 2 + 3 * NS_PER_SECOND);
	chart_done(&chart);
}

static void waits_are_cut_to_what_is_shown(void **state)
{
	struct dossier dossier = make();
	struct record *wait = &records[4];

	(void)state;
	assert_int_equal(wait->type, RECORD_WAIT);
	wait->wait.span = (struct span){900 * NS_PER_SECOND, 0}; /* it goes on */
	struct chart chart = chart_of(&dossier, true);
	const struct chart_row *row = row_of(&chart, "CrashLoopBackOff");

	assert_int_equal(row->bars[0].from_ns, 0);
	assert_int_equal(row->bars[0].to_ns, 105200 * MS);
	chart_done(&chart);
	dossier = make(); /* between the starts: no row */
	chart = chart_of(&dossier, true);
	for (size_t i = 0; i < chart.count; i++)
		assert_string_not_equal(chart.rows[i].label, "CrashLoopBackOff");
	chart_done(&chart);
}

static void nothing_to_draw(void **state)
{
	struct dossier dossier = make();
	struct chart chart;

	(void)state;
	dossier.records += 4; /* a wait and an exit */
	dossier.count = 2;
	assert_int_equal(explain_chart_make(&chart, &dossier, true), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_per_container_and_its_rows),
		cmocka_unit_test(shares_sum_to_the_phase),
		cmocka_unit_test(shares_never_leave_the_phase),
		cmocka_unit_test(a_restart_two_days_later),
		cmocka_unit_test(starts_of_two_boots),
		cmocka_unit_test(waits_are_cut_to_what_is_shown),
		cmocka_unit_test(nothing_to_draw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
