// SPDX-License-Identifier: Apache-2.0
/* How a report looks: text, JSON, progress on a terminal and in a file; and what it comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/health/health_print.h"

static struct health_report report_of_two(void)
{
	struct health_report report = {.pods_expected = 9, .pods_ready = 8};
	struct health_finding *finding;

	health_find(&report, "k3s", GRADE_OK, "k3s.service is active");
	finding = health_find(&report, "pods", GRADE_BAD, "8 of 9 are ready");
	health_advise(finding, "kubectl get pods -A");
	finding = health_find(&report, "pod", GRADE_BAD, "CrashLoopBackOff of app\033[2J");
	TEXT_COPY(finding->subject, "shop/web-0");
	TEXT_COPY(finding->reason, "CrashLoopBackOff");
	finding = health_find(&report, "oom", GRADE_UNKNOWN, "no records");
	finding->aside = true;
	return report;
}

struct page {
	char *text;
	size_t size;
	FILE *out;
};

static void expect(struct page *page, const char *text)
{
	fclose(page->out);
	assert_string_equal(page->text, text);
	free(page->text);
	page->out = open_memstream(&page->text, &page->size);
}

static void open_page(struct page *page)
{
	page->out = open_memstream(&page->text, &page->size);
	assert_non_null(page->out);
}

static void close_page(struct page *page)
{
	fclose(page->out);
	free(page->text);
}

static void as_text(void **state)
{
	struct health_report report = report_of_two();
	struct page page;

	(void)state;
	open_page(&page);
	health_print_text(page.out, &report, false);
	expect(&page, "ok      k3s        k3s.service is active\n"
		      "bad     pods       8 of 9 are ready\n"
		      "                   kubectl get pods -A\n"
		      "bad     pod        shop/web-0: CrashLoopBackOff of app\\x1b[2J\n"
		      "unknown oom        no records\n");
	health_print_text(page.out, &report, true);
	fflush(page.out);
	assert_non_null(strstr(page.text, "\033[31mbad    \033[0m pods"));
	assert_null(strstr(page.text, "\033[2J"));
	close_page(&page);
}

static void as_json(void **state)
{
	struct health_report report = report_of_two();
	struct page page;

	(void)state;
	TEXT_COPY(report.findings[0].text, "\xff is no text");
	open_page(&page);
	health_print_json(page.out, &report, 5 * NS_PER_SECOND);
	fflush(page.out);
	json_t *json = json_loads(page.text, 0, NULL);
	const json_t *findings = json_object_get(json, "findings");
	const json_t *pod = json_array_get(findings, 2);

	assert_string_equal(json_string_value(json_object_get(json, "health")), "not well");
	assert_int_equal(json_integer_value(json_object_get(json, "pods_ready")), 8);
	assert_int_equal(json_integer_value(json_object_get(json, "waited_ns")), 5000000000);
	assert_int_equal(json_array_size(findings), 4);
	assert_string_equal(json_string_value(json_object_get(pod, "subject")), "shop/web-0");
	assert_string_equal(json_string_value(json_object_get(pod, "reason")), "CrashLoopBackOff");
	assert_string_equal(json_string_value(json_object_get(pod, "health")), "bad");
	assert_string_equal(json_string_value(json_object_get(json_array_get(findings, 0), "text")),
			    "?");
	json_decref(json);
	close_page(&page);
}

static void conclusions(void **state)
{
	struct health_report report = report_of_two(), seen = {0};
	struct page page;

	(void)state;
	open_page(&page);
	assert_int_equal(health_conclude(&report), HEALTH_NOT_WELL);
	health_print_conclusion(page.out, &report);
	expect(&page, "not well: pods");
	health_find(&seen, "disk", GRADE_WARN, "few");
	health_print_conclusion(page.out, &seen);
	expect(&page, "well");
	health_find(&seen, "oom", GRADE_UNKNOWN, "x")->aside = true;
	assert_int_equal(health_conclude(&seen), HEALTH_WELL);
	health_find(&seen, "api", GRADE_UNKNOWN, "x");
	assert_int_equal(health_conclude(&seen), HEALTH_NOT_JUDGED);
	health_print_conclusion(page.out, &seen);
	expect(&page, "could not be judged: api");
	health_find(&seen, "api", GRADE_BAD, "x");
	assert_int_equal(health_conclude(&seen), HEALTH_NOT_WELL);
	close_page(&page);
}

static void grades(void **state)
{
	struct health_report report = report_of_two();

	(void)state;
	assert_int_equal(health_grade(&report, "pods"), GRADE_BAD);
	assert_int_equal(health_grade(&report, "k3s"), GRADE_OK);
	assert_int_equal(health_grade(&report, "oom"), GRADE_UNKNOWN);
	assert_int_equal(health_grade(&report, "none"), GRADE_UNKNOWN);
	health_find(&report, "k3s", GRADE_WARN, "x");
	health_find(&report, "k3s", GRADE_UNKNOWN, "x");
	assert_int_equal(health_grade(&report, "k3s"), GRADE_WARN);
}

/* Findings beyond the table are left out. */
static void too_many(void **state)
{
	struct health_report report = {0};

	(void)state;
	for (int i = 0; i < 2 * HEALTH_FINDINGS_MAX; i++)
		health_advise(health_find(&report, "disk", GRADE_OK, "%d", i), "%d", i);
	assert_int_equal(report.count, HEALTH_FINDINGS_MAX);
	assert_string_equal(report.findings[HEALTH_FINDINGS_MAX - 1].text, "63");
}

static struct winsize size(unsigned short columns)
{
	return (struct winsize){.ws_col = columns, .ws_row = 24};
}

static void redrawn(void **state)
{
	struct health_report report = report_of_two();
	struct page page;
	unsigned int lines = 0;

	(void)state;
	open_page(&page);
	health_print_redraw(page.out, &report, 42 * NS_PER_SECOND, 600 * NS_PER_SECOND, size(200),
			    &lines);
	assert_int_equal(lines, 3);
	expect(&page, "waiting, 42 s of 600 s: 8 of 9 pods are ready\n"
		      "bad     pods       8 of 9 are ready\n"
		      "bad     pod        shop/web-0: CrashLoopBackOff of app\\x1b[2J\n");
	/* in its place, and no wider than the terminal */
	health_print_redraw(page.out, &report, 44 * NS_PER_SECOND, 600 * NS_PER_SECOND, size(30),
			    &lines);
	expect(&page, "\033[3A\033[J"
		      "waiting, 44 s of 600 s: 8 of \n"
		      "bad     pods       8 of 9 are\n"
		      "bad     pod        shop/web-0\n");
	/* nor higher */
	health_print_redraw(page.out, &report, 44 * NS_PER_SECOND, 600 * NS_PER_SECOND,
			    (struct winsize){.ws_col = 80, .ws_row = 3}, &lines);
	assert_int_equal(lines, 2);
	expect(&page, "\033[3A\033[J"
		      "waiting, 44 s of 600 s: 8 of 9 pods are ready\n"
		      "bad     pods       8 of 9 are ready\n");
	health_print_redraw(page.out, NULL, 0, 0, size(30), &lines);
	assert_int_equal(lines, 0);
	expect(&page, "\033[2A\033[J");
	close_page(&page);
}

static void changes(void **state)
{
	struct health_report before = report_of_two(), now = report_of_two();
	struct page page;

	(void)state;
	open_page(&page);
	health_print_changes(page.out, NULL, &before, 0);
	expect(&page, "   0s bad     pods       8 of 9 are ready\n"
		      "   0s bad     pod        shop/web-0: CrashLoopBackOff of app\\x1b[2J\n");
	health_print_changes(page.out, &before, &now, 2 * NS_PER_SECOND);
	expect(&page, "");
	/* other words for the same thing are no news, another reason is */
	TEXT_COPY(now.findings[2].text, "CrashLoopBackOff of app, restarted 2 times");
	health_print_changes(page.out, &before, &now, 2 * NS_PER_SECOND);
	expect(&page, "");
	TEXT_COPY(now.findings[2].reason, "Error");
	TEXT_COPY(now.findings[2].text, "app has ended");
	health_print_changes(page.out, &before, &now, 3 * NS_PER_SECOND);
	expect(&page, "   3s bad     pod        shop/web-0: app has ended\n");
	/* it came up */
	before = now;
	now.findings[2] = now.findings[3];
	now.count = 3;
	now.findings[1].grade = GRADE_OK;
	TEXT_COPY(now.findings[1].text, "all 9 are ready");
	health_print_changes(page.out, &before, &now, 12 * NS_PER_SECOND);
	expect(&page, "  12s ok      pod        shop/web-0: ready, or gone\n"
		      "  12s ok      pods       all 9 are ready\n");
	close_page(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),     cmocka_unit_test(as_json),
		cmocka_unit_test(conclusions), cmocka_unit_test(grades),
		cmocka_unit_test(too_many),    cmocka_unit_test(redrawn),
		cmocka_unit_test(changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
