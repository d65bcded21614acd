// SPDX-License-Identifier: Apache-2.0
/* What /metrics says of records: each counted once, sums that add up, labels that stay few. */
#include "sink/metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define S NS_PER_SECOND

static int setup(void **state)
{
	return metrics_new((struct metrics **)state);
}

static int teardown(void **state)
{
	metrics_free(*state);
	return 0;
}

static char *render(const struct metrics *metrics, const struct metrics_figures *figures,
		    uint64_t now_ns)
{
	char *text;
	size_t size;

	assert_int_equal(metrics_render(metrics, figures, now_ns, &text, &size), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

/* Each of the lines stands in the text, whole. */
static void assert_lines(const char *text, const char *const *lines)
{
	char line[256];

	for (; *lines; lines++) {
		snprintf(line, sizeof(line), "\n%s\n", *lines);
		if (!strstr(text, line))
			fail_msg("no line: %s", *lines);
	}
}

static void assert_text(const struct metrics *metrics, const char *const *lines)
{
	static const struct metrics_figures none;
	char *text = render(metrics, &none, 0);

	assert_lines(text, lines);
	free(text);
}

#define ASSERT_LINES(metrics, ...) assert_text(metrics, (const char *const[]){__VA_ARGS__, NULL})

static struct record a_start(const char *container)
{
	struct record record = {
		.type = RECORD_START,
		.final = true,
		.key = "start",
		.boot_ns = 20 * S,
		.subject = {.container_id = "id", .pod = "web-0", .pod_uid = "uid"},
		.start = {.state = START_LISTENING,
			  .span = {10 * S, 17 * S},
			  .phase_count = 4,
			  .phases = {{PHASE_SANDBOX, {10 * S, 11 * S}, false},
				     {PHASE_WAIT, {11 * S, 12 * S}, false},
				     {PHASE_CREATE, {12 * S, 12 * S + S / 4}, false},
				     {PHASE_WAIT, {12 * S + S / 4, 17 * S}, false}}},
	};

	TEXT_COPY(record.subject.container, container);
	return record;
}

static struct record an_exit(const char *container, uint64_t boot_ns, bool looping)
{
	struct record record = {
		.type = RECORD_EXIT,
		.final = true,
		.boot_ns = boot_ns,
		.subject = {.container_id = "id", .pod_uid = "uid"},
		.exit = {.verdict = EXIT_ERROR, .looping = looping},
	};

	TEXT_COPY(record.subject.container, container);
	return record;
}

/* --- what counts ------------------------------------------------------------------------------ */

static void a_start_is_observed(void **state)
{
	struct record record = a_start("app");

	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_starts_total{state=\"listening\"} 1",
		     "nodewake_starts_total{state=\"ready\"} 0",
		     "nodewake_records_total{type=\"start\"} 1",
		     "nodewake_start_duration_seconds_bucket{le=\"6\"} 0",
		     "nodewake_start_duration_seconds_bucket{le=\"8\"} 1",
		     "nodewake_start_duration_seconds_sum 7",
		     "nodewake_start_duration_seconds_count 1",
		     "nodewake_pod_start_duration_seconds_count 0",
		     "nodewake_start_phase_duration_seconds_sum{phase=\"create\"} 0.25",
		     /* two waits of one start are one observation */
		     "nodewake_start_phase_duration_seconds_sum{phase=\"wait\"} 5.75",
		     "nodewake_start_phase_duration_seconds_count{phase=\"wait\"} 1",
		     "nodewake_start_phase_duration_seconds_count{phase=\"app\"} 0");
}

/* A pod's own start repeats its container's: once. */
static void stalls_add_up(void **state)
{
	struct record record = a_start("app");
	struct start_why *why = &record.start.why;

	why->stall_count = 2;
	why->stalls[0].phase = PHASE_APP;
	why->stalls[0].wall = (struct stall_times){{[STALL_DISK] = 2 * S, [STALL_CPU] = S / 2}};
	why->stalls[1].phase = PHASE_PROBE;
	why->stalls[1].wall = (struct stall_times){{[STALL_SLEEP] = 3 * S}};
	metrics_record(*state, &record, RECORD_UNKNOWN);
	record.subject.container[0] = '\0';
	strcpy(record.key, "of the pod");
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_start_stall_seconds_total{phase=\"app\",kind=\"disk\"} 2",
		     "nodewake_start_stall_seconds_total{phase=\"app\",kind=\"cpu\"} 0.5",
		     "nodewake_start_stall_seconds_total{phase=\"app\",kind=\"run-queue\"} 0",
		     "nodewake_start_stall_seconds_total{phase=\"probe\",kind=\"sleep\"} 3");
}

static void a_pods_start_keeps_to_its_own_phases(void **state)
{
	struct record record = a_start("");

	record.start.state = START_READY;
	record.start.phases[0].phase = PHASE_SCHEDULE;
	record.start.phases[0].reconstructed = true; /* always, and no reason to leave it out */
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_starts_total{state=\"ready\"} 1",
		     "nodewake_start_duration_seconds_count 0",
		     "nodewake_pod_start_duration_seconds_sum 7",
		     "nodewake_start_phase_duration_seconds_sum{phase=\"schedule\"} 1",
		     "nodewake_start_phase_duration_seconds_count{phase=\"create\"} 0",
		     "nodewake_start_phase_duration_seconds_count{phase=\"wait\"} 0");
}

/* Both of a pod's containers and the pod itself tell of its way to this node: it went once. */
static void what_was_before_all_containers_counts_once(void **state)
{
	static const char *const names[] = {"app", "side", ""};

	for (int i = 0; i < 3; i++) {
		struct record record = a_start(names[i]);

		snprintf(record.key, sizeof(record.key), "start-%d", i);
		record.start.phases[0].phase = PHASE_SCHEDULE;
		record.start.phases[1].phase = PHASE_ADMIT;
		metrics_record(*state, &record, RECORD_UNKNOWN);
	}
	ASSERT_LINES(*state, "nodewake_start_phase_duration_seconds_count{phase=\"schedule\"} 1",
		     "nodewake_start_phase_duration_seconds_count{phase=\"admit\"} 1",
		     "nodewake_start_phase_duration_seconds_count{phase=\"create\"} 2");
}

static void what_was_found_afterwards_is_counted_not_observed(void **state)
{
	struct record record = a_start("app");

	record.start.phases[2].reconstructed = true;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_starts_total{state=\"listening\"} 1",
		     "nodewake_start_duration_seconds_count 0",
		     "nodewake_start_phase_duration_seconds_count{phase=\"sandbox\"} 0");
}

/* Told as running, then listening, then again with its init containers: one start. */
static void each_counts_once(void **state)
{
	struct record record = a_start("app");

	record.final = false;
	record.start.state = START_RUNNING;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	metrics_record(*state, &record, RECORD_KNOWN);
	ASSERT_LINES(*state, "nodewake_starts_total{state=\"running\"} 0",
		     "nodewake_records_total{type=\"start\"} 0");
	record.final = true;
	record.start.state = START_LISTENING;
	metrics_record(*state, &record, RECORD_KNOWN);
	metrics_record(*state, &record, RECORD_KNOWN_FINAL);
	ASSERT_LINES(*state, "nodewake_starts_total{state=\"running\"} 0",
		     "nodewake_starts_total{state=\"listening\"} 1",
		     "nodewake_records_total{type=\"start\"} 1",
		     "nodewake_start_duration_seconds_count 1");
}

static void a_wait_counts_when_it_begins(void **state)
{
	struct record record = {.type = RECORD_WAIT, .wait.reason = "ImagePullBackOff"};

	ASSERT_LINES(*state, "nodewake_waits_total{reason=\"ImagePullBackOff\"} 0");
	metrics_record(*state, &record, RECORD_UNKNOWN);
	record.final = true;
	metrics_record(*state, &record, RECORD_KNOWN);
	metrics_record(*state, &record, RECORD_KNOWN_FINAL);
	ASSERT_LINES(*state, "nodewake_waits_total{reason=\"ImagePullBackOff\"} 1",
		     "nodewake_records_total{type=\"wait\"} 1");
}

static void an_oom_kill_names_its_victim(void **state)
{
	struct record record = {.type = RECORD_OOM,
				.final = true,
				.subject.container_id = "id",
				.oom = {.scope = SCOPE_CONTAINER, .victim_count = 2}};

	metrics_record(*state, &record, RECORD_UNKNOWN);
	record.oom.victims[1].init = true;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	*record.subject.container_id = '\0';
	record.oom.scope = SCOPE_NODE;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_oom_kills_total{scope=\"container\",victim=\"child\"} 1",
		     "nodewake_oom_kills_total{scope=\"container\",victim=\"init\"} 1",
		     "nodewake_oom_kills_total{scope=\"node\",victim=\"host\"} 1",
		     "nodewake_oom_kills_total{scope=\"pod\",victim=\"host\"} 0");
}

static void pulls_and_exits(void **state)
{
	struct record pull = {
		.type = RECORD_PULL, .final = true, .pull = {.span = {S, 4 * S}, .bytes = 1000}};
	struct record end = an_exit("app", S, false);

	metrics_record(*state, &pull, RECORD_UNKNOWN);
	/* one that was logged is no sample */
	pull.pull = (struct record_pull){.span = {S, 3 * S}, .reconstructed = true};
	metrics_record(*state, &pull, RECORD_UNKNOWN);
	pull.pull = (struct record_pull){.span = {S, 4 * S}, .bytes = 1000};
	pull.pull.failed = true;
	metrics_record(*state, &pull, RECORD_UNKNOWN);
	metrics_record(*state, &end, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_pulls_total{result=\"ok\"} 2",
		     "nodewake_pulls_total{result=\"failed\"} 1", "nodewake_pull_bytes_total 2000",
		     "nodewake_pull_duration_seconds_sum 3",
		     "nodewake_pull_duration_seconds_count 1",
		     "nodewake_exits_total{verdict=\"error\"} 1",
		     "nodewake_exits_total{verdict=\"oom-killed\"} 0");
}

/* A record of a newer version, or a damaged one, is no index into anything. */
static void unknown_values_do_no_harm(void **state)
{
	struct record record = a_start("app");

	record.start.state = 1000;
	record.start.phases[0].phase = 1000;
	record.start.phase_count = 1000;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	record = an_exit("app", S, false);
	record.exit.verdict = 1000;
	record.exit.failed.kind = 1000;
	record.exit.stop.cause = 1000;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	record = (struct record){.type = RECORD_OOM, .final = true, .oom = {.scope = 1000}};
	record.oom.victim_count = 1000;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	record.type = 1000;
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_records_total{type=\"oom\"} 1");
}

/* --- few labels ------------------------------------------------------------------------------- */

static void causes_are_bounded(void **state)
{
	struct record record = {.type = RECORD_GAP, .final = true, .gap.source = "kernel"};
	static const struct metrics_figures none;
	unsigned int series = 0;

	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(record.gap.cause, sizeof(record.gap.cause), "cause \"%u\"", i);
		metrics_record(*state, &record, RECORD_UNKNOWN);
	}
	TEXT_COPY(record.gap.source, "nonsense");
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_gaps_total{source=\"kernel\",cause=\"cause \\\"0\\\"\"} 1",
		     "nodewake_gaps_total{source=\"kernel\",cause=\"cause \\\"31\\\"\"} 1",
		     "nodewake_gaps_total{source=\"kernel\",cause=\"other\"} 968",
		     "nodewake_gaps_total{source=\"none\",cause=\"other\"} 1",
		     "nodewake_gaps_total{source=\"agent\",cause=\"other\"} 0");
	char *text = render(*state, &none, 0);

	for (const char *at = text; (at = strstr(at, "\nnodewake_gaps_total{")); at++)
		series++;
	assert_int_equal(series, 32 + SOURCE_KIND_COUNT);
	free(text);
}

static void reasons_are_bounded(void **state)
{
	struct record record = {.type = RECORD_WAIT};

	for (unsigned int i = 0; i < 100; i++) {
		snprintf(record.wait.reason, sizeof(record.wait.reason), "Reason%u", i);
		metrics_record(*state, &record, RECORD_UNKNOWN);
	}
	/* 8 are there from the start */
	ASSERT_LINES(*state, "nodewake_waits_total{reason=\"Reason23\"} 1",
		     "nodewake_waits_total{reason=\"other\"} 76",
		     "nodewake_waits_total{reason=\"CrashLoopBackOff\"} 0");
}

/* --- crash loops ------------------------------------------------------------------------------ */

/* Known for the first time in a later form, and after a restart from the store: in the gauge, not counted. */
static void the_gauge_takes_every_form(void **state)
{
	struct record record = an_exit("app", 100 * S, true);
	static const struct metrics_figures none;

	metrics_record(*state, &record, RECORD_KNOWN_FINAL);
	char *text = render(*state, &none, 200 * S);

	assert_lines(text,
		     (const char *const[]){"nodewake_crash_loops 1",
					   "nodewake_exits_total{verdict=\"error\"} 0", NULL});
	free(text);
}

/* --- the boot --------------------------------------------------------------------------------- */

static void assert_no_series(const struct metrics *metrics, const char *name)
{
	static const struct metrics_figures none;
	char *text = render(metrics, &none, 0), start[64];

	snprintf(start, sizeof(start), "\n%s", name);
	if (strstr(text, start))
		fail_msg("%.80s", strstr(text, start) + 1);
	free(text);
}

static struct record a_boot(void)
{
	return (struct record){
		.type = RECORD_BOOT,
		.boot = {.state = BOOT_WAKING,
			 .span = {1, 40 * S},
			 .firmware_ns = 6 * S,
			 .last_end = BOOT_END_POWER_LOSS,
			 .pods_expected = 9,
			 .pods_ready = 7,
			 .phase_count = 3,
			 .phases = {{.phase = BOOT_PHASE_FIRMWARE, .span = {0, 6 * S}},
				    {.phase = BOOT_PHASE_KERNEL, .span = {1, 2 * S + S / 4 + 1}},
				    {.phase = BOOT_PHASE_PODS,
				     .span = {2 * S + S / 4 + 1, 40 * S + 1}}}},
	};
}

static void a_boot_is_gauges(void **state)
{
	struct record record = a_boot();

	assert_no_series(*state, "nodewake_boot_s");
	assert_no_series(*state, "nodewake_boot_p");
	assert_no_series(*state, "nodewake_boot_last");
	metrics_record(*state, &record, RECORD_UNKNOWN);
	ASSERT_LINES(*state, "nodewake_boot_state{state=\"waking\"} 1",
		     "nodewake_boot_state{state=\"ready\"} 0",
		     "nodewake_boot_state{state=\"not-recovered\"} 0",
		     "nodewake_boot_pods_expected 9", "nodewake_boot_pods_ready 7",
		     "nodewake_boot_last_end{end=\"power-loss\"} 1",
		     "nodewake_boot_seconds{phase=\"kernel\"} 2.25",
		     "nodewake_records_total{type=\"boot\"} 0");
	assert_no_series(*state, "nodewake_boot_ready_seconds");
	assert_no_series(*state, "nodewake_boot_slower_than_usual");
	record.final = true;
	record.boot.state = BOOT_READY;
	record.boot.pods_ready = 9;
	record.boot.span.to_ns++;
	metrics_record(*state, &record, RECORD_KNOWN);
	ASSERT_LINES(*state, "nodewake_boot_state{state=\"waking\"} 0",
		     "nodewake_boot_state{state=\"ready\"} 1", "nodewake_boot_pods_ready 9",
		     "nodewake_boot_ready_seconds 46", "nodewake_boot_slower_than_usual 0",
		     "nodewake_boot_seconds{phase=\"firmware\"} 6",
		     "nodewake_boot_seconds{phase=\"pods\"} 37.75",
		     "nodewake_records_total{type=\"boot\"} 1");
}

/* After a restart of the agent: from the store, not counted again. */
static void a_slow_boot_is_a_gauge(void **state)
{
	struct record record = a_boot();
	struct boot_history earlier = {.count = 3, .total_ns = {20 * S, 20 * S, 20 * S}};

	record.final = true;
	record.boot.state = BOOT_READY;
	metrics_earlier(*state, &earlier);
	metrics_record(*state, &record, RECORD_KNOWN_FINAL);
	ASSERT_LINES(*state, "nodewake_boot_slower_than_usual 1",
		     "nodewake_records_total{type=\"boot\"} 0");
	record.boot.state = 1000; /* of another version */
	record.boot.last_end = 1000;
	record.boot.phase_count = 1000;
	metrics_record(*state, &record, RECORD_KNOWN_FINAL);
	assert_no_series(*state, "nodewake_boot_state{");
	assert_no_series(*state, "nodewake_boot_last_end{");
}

/* --- figures ---------------------------------------------------------------------------------- */

static void figures_are_written(void **state)
{
	struct metrics_figures figures = {
		.sources = {[SOURCE_KERNEL] = {true, true, 12},
			    [SOURCE_CONTAINERD] = {true, false, 34}},
		.kernel_lost = 5,
		.program_count = 1,
		.programs = {{"on_exec", 7, 1500}},
		.store_dropped = 6,
		.api_requests = {[KUBE_APPLY] = 9},
		.api_failures = 2,
		.cpu_ns = 1250 * NS_PER_MS,
		.boot_wall_ns = 1700000000 * S + 999,
		.started_wall_ns = 1700000100 * S + 10 * NS_PER_MS,
	};
	char *text = render(*state, &figures, 0);

	assert_lines(text,
		     (const char *const[]){"nodewake_source_up{source=\"kernel\"} 1",
					   "nodewake_source_up{source=\"containerd\"} 0",
					   "nodewake_source_events_total{source=\"kernel\"} 12",
					   "nodewake_source_events_total{source=\"containerd\"} 34",
					   "nodewake_kernel_lost_records_total 5",
					   "nodewake_bpf_runs_total{program=\"on_exec\"} 7",
					   "nodewake_bpf_run_seconds_total{program=\"on_exec\"} "
					   "0.0000015",
					   "nodewake_store_dropped_records_total 6",
					   "nodewake_outbox_events 0",
					   "nodewake_api_requests_total{verb=\"apply\"} 9",
					   "nodewake_api_requests_total{verb=\"get\"} 0",
					   "nodewake_api_failures_total 2",
					   "nodewake_boot_time_seconds 1700000000",
					   "process_cpu_seconds_total 1.25",
					   "process_start_time_seconds 1700000100.01", NULL});
	/* what is turned off has no series that an alert would take for a failure */
	assert_null(strstr(text, "source_up{source=\"kubernetes\"}"));
	assert_true(strncmp(text, "# HELP nodewake_build_info ", 27) == 0);
	assert_non_null(
		strstr(text, "\nnodewake_build_info{version=\"" NODEWAKE_VERSION "\"} 1\n"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_start_is_observed),
		TEST(stalls_add_up),
		TEST(a_pods_start_keeps_to_its_own_phases),
		TEST(what_was_before_all_containers_counts_once),
		TEST(what_was_found_afterwards_is_counted_not_observed),
		TEST(each_counts_once),
		TEST(a_wait_counts_when_it_begins),
		TEST(an_oom_kill_names_its_victim),
		TEST(pulls_and_exits),
		TEST(unknown_values_do_no_harm),
		TEST(causes_are_bounded),
		TEST(reasons_are_bounded),
		TEST(the_gauge_takes_every_form),
		TEST(a_boot_is_gauges),
		TEST(a_slow_boot_is_a_gauge),
		TEST(figures_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
