// SPDX-License-Identifier: Apache-2.0
/* Which rows and bars a boot report becomes. */
#include "cli/boot/boot_chart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define S	   NS_PER_SECOND
#define PARTS_MAX  200
#define FIRMWARE_S 5

/* A boot of 100 s after 5 s of firmware; the parts are added by the tests. */
static struct boot_report report;
static struct record parts[4][PARTS_MAX];

static int setup(void **state)
{
	(void)state;
	report = (struct boot_report){
		.record = {.type = RECORD_BOOT,
			   .final = true,
			   .boot = {.state = BOOT_READY,
				    .span = {1, 100 * S},
				    .firmware_ns = FIRMWARE_S * S,
				    .phase_count = 2,
				    .phases = {{.phase = BOOT_PHASE_FIRMWARE,
						.span = {0, FIRMWARE_S * S}},
					       {.phase = BOOT_PHASE_KERNEL,
						.span = {1, 100 * S}}}}},
		.units.all = parts[0],
		.starts.all = parts[1],
		.pulls.all = parts[2],
		.waits.all = parts[3],
	};
	return 0;
}

static struct record *add(struct boot_records *records, enum record_type type)
{
	struct record *record = &records->all[records->count++];

	assert_true(records->count <= PARTS_MAX);
	*record = (struct record){.type = type};
	return record;
}

static struct record *add_unit(const char *name, uint64_t from_ns, uint64_t to_ns)
{
	struct record *record = add(&report.units, RECORD_UNIT);

	TEXT_COPY(record->unit.name, name);
	record->unit.span = (struct span){from_ns, to_ns};
	return record;
}

static struct record *add_start(const char *pod, const char *container, uint64_t from_ns,
				uint64_t to_ns)
{
	struct record *record = add(&report.starts, RECORD_START);

	TEXT_COPY(record->subject.pod_namespace, "shop");
	TEXT_COPY(record->subject.pod, pod);
	TEXT_COPY(record->subject.container, container);
	record->start.span = (struct span){from_ns, to_ns};
	record->start.phase_count = 1;
	record->start.phases[0] = (struct phase_span){PHASE_APP, {from_ns, to_ns}, false};
	return record;
}

static struct boot_step *add_step(enum boot_step_kind kind, const char *pod, const char *name,
				  uint64_t from_ns, uint64_t to_ns)
{
	struct boot_step *step = &report.record.boot.steps[report.record.boot.step_count++];

	step->kind = kind;
	step->span = (struct span){from_ns, to_ns};
	step->phase = PHASE_APP;
	TEXT_COPY(step->pod, pod);
	TEXT_COPY(step->name, name);
	return step;
}

static struct chart make(void)
{
	struct chart chart;

	assert_int_equal(boot_chart_make(&chart, &report), 0);
	return chart;
}

static const struct chart_row *row_of(const struct chart *chart, enum boot_chart_group group,
				      const char *label)
{
	for (size_t i = 0; i < chart->count; i++)
		if (chart->rows[i].group == (size_t)group &&
		    strcmp(chart->rows[i].label, label) == 0)
			return &chart->rows[i];
	return NULL;
}

static size_t rows_in(const struct chart *chart, enum boot_chart_group group)
{
	size_t count = 0;

	for (size_t i = 0; i < chart->count; i++)
		count += chart->rows[i].group == (size_t)group;
	return count;
}

static void time_begins_at_power_on(void **state)
{
	struct chart chart = make();

	(void)state;
	assert_int_equal(chart.total_ns, 105 * S - 1);
	assert_int_equal(chart.count, 2);
	assert_int_equal(chart.rows[0].bars[0].from_ns, 0);
	assert_int_equal(chart.rows[0].bars[0].to_ns, 5 * S);
	assert_int_equal(chart.rows[1].bars[0].from_ns, 5 * S + 1);
	assert_int_equal(chart.rows[1].bars[0].to_ns, 105 * S);
	assert_string_equal(chart.rows[1].bars[0].style, "boot-kernel");
	chart_done(&chart);
}

/* Short units make room, but not those that failed or that the node waited for. */
static void the_units_that_matter(void **state)
{
	struct chart chart;
	char name[32];

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "unit-%d.service", i);
		add_unit(name, (uint64_t)(1 + i) * S / 2,
			 (uint64_t)(1 + i) * S / 2 + (uint64_t)(1 + i) * NS_PER_MS);
	}
	TEXT_COPY(parts[0][0].unit.result, "exit-code");
	add_step(BOOT_STEP_UNIT, "", "unit-1.service", S, 2 * S);
	add_unit("a.target", 20 * S, 20 * S);
	report.units.left_out = 7;
	chart = make();
	assert_int_equal(rows_in(&chart, CHART_UNITS), 60);
	assert_int_equal(chart.groups[CHART_UNITS].left_out, 90 + 1 + 7);
	assert_string_equal(row_of(&chart, CHART_UNITS, "unit-0.service")->bars[0].style, "failed");
	assert_true(row_of(&chart, CHART_UNITS, "unit-1.service")->critical);
	assert_null(row_of(&chart, CHART_UNITS, "unit-2.service"));
	assert_non_null(row_of(&chart, CHART_UNITS, "unit-92.service"));
	assert_false(row_of(&chart, CHART_UNITS, "unit-149.service")->critical);
	chart_done(&chart);
}

static void restarts_share_a_row_unless_they_overlap(void **state)
{
	const struct chart_row *row;
	struct chart chart;

	(void)state;
	add_start("web", "app", 10 * S, 20 * S);
	add_start("web", "app", 25 * S, 30 * S);
	add_start("web", "app", 29 * S, 35 * S);
	chart = make();
	assert_int_equal(rows_in(&chart, CHART_PODS), 2);
	row = row_of(&chart, CHART_PODS, "shop/web/app");
	assert_int_equal(row->count, 2);
	assert_int_equal(row->bars[1].from_ns, 30 * S);
	chart_done(&chart);
}

/* One pod's rows stand together, in the order of the pods' begin; its own start says nothing new. */
static void pods_in_order(void **state)
{
	struct record *wait;
	struct chart chart;

	(void)state;
	add_start("a", "init", 10 * S, 11 * S);
	add_start("b", "app", 11 * S, 15 * S);
	add_start("a", "app", 12 * S, 20 * S);
	add_start("a", "", 10 * S, 20 * S);
	add_start("c", "", 13 * S, 14 * S);
	wait = add(&report.waits, RECORD_WAIT);
	TEXT_COPY(wait->subject.pod_namespace, "shop");
	TEXT_COPY(wait->subject.pod, "a");
	TEXT_COPY(wait->wait.reason, "FailedMount");
	wait->wait.span = (struct span){10 * S, 0};
	wait = add(&report.waits, RECORD_WAIT);
	TEXT_COPY(wait->subject.pod_namespace, "shop");
	TEXT_COPY(wait->subject.pod, "never-started");
	wait->wait.span = (struct span){10 * S, 90 * S};
	chart = make();
	static const char *const expected[] = {"shop/a/init",  "shop/a/app",
					       "shop/a waits", "shop/b/app",
					       "shop/c",       "shop/never-started waits"};

	assert_int_equal(rows_in(&chart, CHART_PODS), 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(chart.rows[chart.count - 6 + i].label, expected[i]);
	/* it goes on */
	assert_true(chart.rows[chart.count - 4].bars[0].open);
	assert_int_equal(chart.rows[chart.count - 4].bars[0].to_ns, chart.total_ns);
	chart_done(&chart);
}

static void what_is_on_the_critical_path(void **state)
{
	struct chart chart;

	(void)state;
	add_start("a", "app", 10 * S, 20 * S);
	add_start("a", "helper", 10 * S, 20 * S);
	add_start("b", "app", 10 * S, 20 * S);
	add_start("c", "app", 10 * S, 20 * S);
	add_step(BOOT_STEP_POD, "shop/a", "app", 12 * S, 20 * S);
	add_step(BOOT_STEP_POD, "shop/b", "app", 30 * S, 40 * S); /* another time */
	add_step(BOOT_STEP_PEER, "shop/c", "", 11 * S, 12 * S)->phase = PHASE_NONE;
	chart = make();
	assert_true(row_of(&chart, CHART_PODS, "shop/a/app")->bars[0].critical);
	assert_false(row_of(&chart, CHART_PODS, "shop/a/helper")->critical);
	assert_false(row_of(&chart, CHART_PODS, "shop/b/app")->critical);
	assert_true(row_of(&chart, CHART_PODS, "shop/c/app")->critical);
	assert_int_equal(rows_in(&chart, CHART_PATH), 3);
	chart_done(&chart);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(time_begins_at_power_on),
		TEST(the_units_that_matter),
		TEST(restarts_share_a_row_unless_they_overlap),
		TEST(pods_in_order),
		TEST(what_is_on_the_critical_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
