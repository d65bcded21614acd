// SPDX-License-Identifier: Apache-2.0
/* Why things died, in counters: each once, whatever is told again or forgotten. */
#include "sink/metrics/metrics_deaths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define S NS_PER_SECOND

static void expect_line(const struct metrics_deaths *deaths, const char *expected)
{
	char *text = NULL, line[128];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	metrics_deaths_write(out, deaths);
	fclose(out);
	snprintf(line, sizeof(line), "\n%s\n", expected);
	if (!strstr(text, line))
		fail_msg("no line: %s", expected);
	free(text);
}

static void why_they_ended(void **state)
{
	struct metrics_deaths deaths = {0};
	struct record_exit exit = {.verdict = EXIT_STOPPED, .stop.cause = STOP_EVICTION};

	(void)state;
	metrics_deaths_exit(&deaths, &exit);
	exit = (struct record_exit){.verdict = EXIT_START_FAILED, .failed.kind = FAILURE_LIBRARY};
	metrics_deaths_exit(&deaths, &exit);
	exit = (struct record_exit){.verdict = 1000, .failed.kind = 1000, .stop.cause = 1000};
	metrics_deaths_exit(&deaths, &exit); /* no index into anything */
	expect_line(&deaths, "nodewake_exits_total{verdict=\"stopped\"} 1");
	expect_line(&deaths, "nodewake_exits_total{verdict=\"start-failed\"} 1");
	expect_line(&deaths, "nodewake_stops_total{cause=\"eviction\"} 1");
	expect_line(&deaths, "nodewake_stops_total{cause=\"unknown\"} 0");
	expect_line(&deaths, "nodewake_failed_starts_total{kind=\"library\"} 1");
}

static void tell(struct metrics_deaths *deaths, const char *key, enum exit_verdict verdict,
		 uint32_t count, bool told_before)
{
	static uint64_t now_ns;
	struct record record = {
		.type = RECORD_CHILD,
		.boot_ns = now_ns += S,
		.child = {.verdict = verdict, .count = count},
	};

	snprintf(record.key, sizeof(record.key), "%s", key);
	metrics_deaths_child(deaths, &record, told_before);
}

static void children_count_by_deaths(void **state)
{
	struct metrics_deaths deaths = {0};
	char key[16];

	(void)state;
	tell(&deaths, "c1-worker", EXIT_CRASHED, 1, false);
	tell(&deaths, "c1-worker", EXIT_CRASHED, 5, true);
	tell(&deaths, "c1-worker", EXIT_CRASHED, 5, true); /* the same again */
	tell(&deaths, "c1-worker", EXIT_KILLED, 6, true);
	expect_line(&deaths, "nodewake_child_deaths_total{verdict=\"crashed\"} 5");
	expect_line(&deaths, "nodewake_child_deaths_total{verdict=\"killed\"} 1");
	tell(&deaths, "c2-worker", EXIT_KILLED, 100, true); /* an earlier run counted these */
	tell(&deaths, "c2-worker", EXIT_KILLED, 101, true);
	tell(&deaths, "c2-worker", 1000, 200, true);
	expect_line(&deaths, "nodewake_child_deaths_total{verdict=\"killed\"} 2");
	for (uint32_t i = 0; i < METRICS_CHILDREN_MAX + 10; i++) { /* the oldest are forgotten */
		snprintf(key, sizeof(key), "many%u", i);
		tell(&deaths, key, EXIT_CRASHED, 1, false);
		tell(&deaths, key, EXIT_CRASHED, 1, true);
	}
	expect_line(&deaths, "nodewake_child_deaths_total{verdict=\"crashed\"} 271");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why_they_ended),
		cmocka_unit_test(children_count_by_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
