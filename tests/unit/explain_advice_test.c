// SPDX-License-Identifier: Apache-2.0
/* The lines below the phases in explain: pressure, probes, advice. */
#include "cli/explain/explain_topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static void expect(const struct record_start *start, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	explain_advice(out, start);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void nothing_known_nothing_said(void **state)
{
	struct record_start start = {0};

	(void)state;
	expect(&start, "");
	start.why.pressure = (struct start_pressure){.measured = true, .span = {S, S + 300 * MS}};
	start.why.probe_delay_ns = 300 * MS;
	expect(&start, "");
}

static void pressure_of_node_and_pod(void **state)
{
	struct record_start start = {0};
	struct start_pressure *pressure = &start.why.pressure;

	(void)state;
	*pressure = (struct start_pressure){
		.measured = true,
		.span = {S, 21 * S},
		.node = {.cpu_some_ns = 8 * S,
			 .io_some_ns = 3 * S,
			 .io_full_ns = S,
			 .memory_some_ns = 100 * MS},
	};
	expect(&start, "  pressure: node cpu 8.00s (40 %), io 3.00s (15 %, all 1.00s); "
		       "pod not measured; of 20.0s\n");
	pressure->node = (struct pressure_times){0};
	pressure->pod_measured = true;
	pressure->pod.memory_some_ns = 19 * S;
	expect(&start, "  pressure: node nothing; pod memory 19.0s (95 %); of 20.0s\n");
	/* no PSI in this kernel */
	*pressure = (struct start_pressure){
		.span = {S, 21 * S},
		.memory_total_bytes = UINT64_C(8) << 30,
		.memory_available_bytes = UINT64_C(1) << 30,
		.disk = "vda\033",
		.disk_busy_percent = 92,
		.disk_queue_tenths = 31,
		.disk_latency_ns = 12 * MS,
	};
	expect(&start, "  node: 1GiB of 8GiB of memory available; disk vda\\x1b busy 92 %, "
		       "queue 3.1, 12ms a request\n");
	pressure->memory_total_bytes = 0;
	expect(&start, "  node: disk vda\\x1b busy 92 %, queue 3.1, 12ms a request\n");
}

static void probes_and_advice(void **state)
{
	struct record_start start = {0};

	(void)state;
	start.why.probe_delay_ns = 27300 * MS;
	start.why.probe_setting = PROBE_INITIAL_DELAY;
	start.why.probe_setting_value = 30;
	start.why.probe_setting_ns = 26900 * MS;
	expect(&start, "  probes: able to answer 27.3s before it was Ready: "
		       "initialDelaySeconds 30 cost 26.9s\n");
	start.why.probe_delay_ns = 0;
	start.why.advice_rule = ADVICE_CNI;
	strcpy(start.why.advice, "CNI plugin \033[2J took 8s: see its log");
	expect(&start, "  advice: CNI plugin \\x1b[2J took 8s: see its log\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_nothing_said),
		cmocka_unit_test(pressure_of_node_and_pod),
		cmocka_unit_test(probes_and_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
