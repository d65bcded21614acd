// SPDX-License-Identifier: Apache-2.0
/* One line of advice per start: each rule where its evidence is clear, silence where it isn't. */
#include "track/why/advice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

/* A start of one second of `create` and then this phase, from 2 s on. */
static struct record_start start_with(enum phase phase, uint64_t ns)
{
	return (struct record_start){
		.state = START_LISTENING,
		.span = {S, 2 * S + ns},
		.phase_count = 2,
		.phases = {{.phase = PHASE_CREATE, .span = {S, 2 * S}},
			   {.phase = phase, .span = {2 * S, 2 * S + ns}}},
	};
}

/* Of its app the rest is `other`. */
static struct record_start stalled(enum stall stall, uint64_t ns, uint64_t whole_ns)
{
	struct record_start start = start_with(PHASE_APP, whole_ns);

	start.why.stall_count = 1;
	start.why.stalls[0].phase = PHASE_APP;
	start.why.stalls[0].grade = STALLS_MEASURED;
	start.why.stalls[0].wall.ns[stall] = ns;
	start.why.stalls[0].wall.ns[STALL_OTHER] += whole_ns - ns;
	return start;
}

static void expect(struct record_start start, enum advice_rule rule, const char *text)
{
	strcpy(start.why.advice, "of an earlier form");
	advice_give(&start);
	assert_string_equal(start.why.advice, text);
	assert_int_equal(start.why.advice_rule, rule);
}

static void expect_silence(struct record_start start)
{
	expect(start, ADVICE_NONE, "");
}

static void cpu_limit(void **state)
{
	struct record_start start = stalled(STALL_THROTTLED, 24 * S, 34 * S);

	(void)state;
	expect(start, ADVICE_CPU_LIMIT, "raise the CPU limit: throttled 71 % of 34.0s");
	/* the cgroup's counters sum all CPUs' */
	start.why.stalls[0].grade = STALLS_COARSE;
	expect_silence(start);
	start.why.stalls[0].grade = STALLS_NONE;
	expect_silence(start);
	expect_silence(stalled(STALL_THROTTLED, 8 * S, 34 * S)); /* 24 % */
	expect(stalled(STALL_THROTTLED, 9 * S, 34 * S), ADVICE_CPU_LIMIT,
	       "raise the CPU limit: throttled 26 % of 34.0s");
}

static void nothing_small_or_of_a_small_share(void **state)
{
	struct record_start start = stalled(STALL_THROTTLED, 6 * S, 10 * S);

	(void)state;
	expect_silence(stalled(STALL_THROTTLED, 4900 * (S / 1000), 6 * S));
	expect(stalled(STALL_THROTTLED, 5 * S, 6 * S), ADVICE_CPU_LIMIT,
	       "raise the CPU limit: throttled 83 % of 6.00s");
	/* 6 s of a start of 31 s */
	start.span.to_ns = 32 * S;
	expect_silence(start);
	start.span.to_ns = 31 * S;
	expect(start, ADVICE_CPU_LIMIT, "raise the CPU limit: throttled 60 % of 10.0s");
	/* an hour in which no node was free is not the start's */
	start = stalled(STALL_THROTTLED, 6 * S, 10 * S);
	start.phases[2] = start.phases[1];
	start.phases[2].span = (struct span){3602 * S, 3612 * S};
	start.phases[1] = (struct phase_span){.phase = PHASE_SCHEDULE, .span = {2 * S, 3602 * S}};
	start.phase_count = 3;
	start.span.to_ns = 3612 * S;
	expect(start, ADVICE_CPU_LIMIT, "raise the CPU limit: throttled 60 % of 10.0s");
	start.phases[1].phase = PHASE_ADMIT;
	expect_silence(start);
}

static void what_a_program_does_by_itself_is_its_own(void **state)
{
	(void)state;
	expect_silence(stalled(STALL_CPU, 30 * S, 30 * S));
	expect_silence(stalled(STALL_SLEEP, 30 * S, 30 * S));
	expect_silence(stalled(STALL_LOCK, 30 * S, 30 * S));
	expect_silence(stalled(STALL_NETWORK, 30 * S, 30 * S));
	expect_silence(stalled(STALL_OTHER, 30 * S, 30 * S));
	expect_silence(start_with(PHASE_APP, 30 * S));
	expect_silence((struct record_start){0});
}

static struct record_start probed(enum probe_setting setting, bool startup, uint32_t value,
				  uint64_t cost_ns)
{
	struct record_start start = start_with(PHASE_PROBE, 28 * S);

	start.why.probe_delay_ns = 28 * S;
	start.why.probe_setting = setting;
	start.why.probe_is_startup = startup;
	start.why.probe_setting_value = value;
	start.why.probe_setting_ns = cost_ns;
	return start;
}

static void probe_settings(void **state)
{
	(void)state;
	expect(probed(PROBE_INITIAL_DELAY, false, 30, 27 * S), ADVICE_PROBE_DELAY,
	       "initialDelaySeconds 30 cost 27.0s");
	expect(probed(PROBE_INITIAL_DELAY, true, 30, 27 * S), ADVICE_PROBE_DELAY,
	       "initialDelaySeconds 30 of the startup probe cost 27.0s");
	expect(probed(PROBE_PERIOD, false, 30, 24 * S), ADVICE_PROBE_PERIOD,
	       "probe period 30s cost 24.0s");
	expect(probed(PROBE_PERIOD, true, 30, 24 * S), ADVICE_PROBE_PERIOD,
	       "startup probe period 30s cost 24.0s");
	expect(probed(PROBE_SUCCESS_THRESHOLD, false, 3, 20 * S), ADVICE_PROBE_PERIOD,
	       "successThreshold 3 cost 20.0s");
	expect_silence(probed(PROBE_PERIOD, false, 30, 4 * S));
	expect_silence(probed(PROBE_SETTING_NONE, false, 0, 0));
}

static struct record_start pulled(uint64_t download_ns, uint64_t unpack_end_ns)
{
	struct record_start start = start_with(PHASE_PULL, 61 * S);

	start.pull_bytes = 4 * S;
	start.download = (struct span){2 * S, 2 * S + download_ns};
	start.unpack = (struct span){3 * S, unpack_end_ns};
	return start;
}

static void pulls(void **state)
{
	struct record_start start = pulled(58 * S, 63 * S);

	(void)state;
	expect(start, ADVICE_PULL, "pull 3.7GiB at 69 MB/s: pre-pull or mirror");
	start.pull_bytes = 0; /* found in a log: how much came is not known */
	expect_silence(start);
	expect(pulled(20 * S, 63 * S), ADVICE_UNPACK,
	       "unpack took 41.0s of a pull of 1min 1.0s: pre-pull or a smaller image");
	/* both at once, the unpacking the slower */
	start = pulled(40 * S, 63 * S);
	start.pull.download_ns = start.pull.fetch_ns = 40 * S;
	start.pull.unpack_ns = 55 * S;
	expect(start, ADVICE_UNPACK,
	       "unpack took 55.0s of a pull of 1min 1.0s: pre-pull or a smaller image");
	/* its turn came late */
	start = start_with(PHASE_WAIT, 20 * S);
	start.pull.queue = (struct span){3 * S, 22 * S};
	strcpy(start.pull.queued_behind, "big:1");
	expect(start, ADVICE_PULL,
	       "waited 19.0s for the pull of big:1: pre-pull, or let pulls run in parallel");
	/* neither is half of it: it waited for something else */
	expect_silence(pulled(20 * S, 40 * S));
}

static void cold_reads(void **state)
{
	struct record_start start = stalled(STALL_DISK, 22 * S, 24 * S);

	(void)state;
	expect_silence(start); /* what it waited for is not known */
	start.why.disk_bytes = 4 * S;
	start.why.file_count = 1;
	start.why.files[0] = (struct file_read){
		.path = "/models/llama-7b.gguf", .bytes = 4 * S, .span = {2 * S, 25 * S}};
	expect(start, ADVICE_DISK,
	       "read llama-7b.gguf, 3.7GiB cold at 174 MB/s: a faster disk, or keep it in memory");
	start.why.disk_bytes = 9 * S; /* one file among many */
	expect_silence(start);
	start.why.disk_bytes = 4 * S;
	start.why.stalls[0].grade = STALLS_PARTIAL;
	expect_silence(start);
	start.why.stalls[0].grade = STALLS_MEASURED;
	*start.why.files[0].path = '\0';
	expect_silence(start);
}

static struct record_start waited(enum peer_wait_kind kind, uint32_t count)
{
	struct record_start start = stalled(STALL_SLEEP, 9 * S, 10 * S);

	start.why.peer_count = 1;
	start.why.peers[0] = (struct peer_wait){
		.kind = kind,
		.address = "10.43.0.12",
		.port = 5432,
		.error = ECONNREFUSED,
		.count = count,
		.failed = kind == PEER_WAIT_SLOW ? 0 : count,
		.span = {2 * S, 11 * S},
		.wait_ns = 9 * S,
		.longest_ns = kind == PEER_WAIT_FAILED ? S / 1000 : 4 * S,
	};
	return start;
}

static void peers(void **state)
{
	struct record_start start = waited(PEER_WAIT_FAILED, 14);

	(void)state;
	expect(start, ADVICE_PEER,
	       "waited 9.00s for 10.43.0.12:5432: start it first or retry sooner");
	strcpy(start.why.peers[0].name, "data/db");
	expect(start, ADVICE_PEER, "waited 9.00s for data/db: start it first or retry sooner");
	expect_silence(waited(PEER_WAIT_FAILED, 1)); /* one failure is no wait */
	start = waited(PEER_WAIT_FAILED, 1);
	start.why.peers[0].longest_ns = 9 * S; /* but one that takes so long is */
	expect(start, ADVICE_PEER,
	       "waited 9.00s for 10.43.0.12:5432, no answer: check its address and network "
	       "policies");
	start = waited(PEER_WAIT_SLOW, 3);
	strcpy(start.why.peers[0].address, "fd00::1");
	expect(start, ADVICE_PEER,
	       "waited 9.00s for [fd00::1]:5432: it took up to 4.00s to accept");
	expect(waited(PEER_WAIT_DNS, 3), ADVICE_DNS,
	       "DNS server 10.43.0.12 cost 9.00s: 3 slow or failed of the questions to it");
	/* a thread beside retried, while the one that counts was busy */
	start = waited(PEER_WAIT_FAILED, 14);
	start.why.stalls[0].wall = (struct stall_times){.ns[STALL_CPU] = 10 * S};
	expect_silence(start);
	/* or that is not known */
	start.why.stall_count = 0;
	expect_silence(start);
}

static void cni_plugins(void **state)
{
	struct record_start start = start_with(PHASE_SANDBOX, 9 * S);

	(void)state;
	start.plugin_count = 1;
	start.plugins[0] = (struct plugin_span){.name = "slow-cni", .span = {2 * S, 10 * S}};
	expect(start, ADVICE_CNI, "CNI plugin slow-cni took 8.00s: see its log");
	start.plugins[0].code = 1; /* it failed, which is worse than slow */
	expect_silence(start);
	start.plugins[0].code = 0;
	start.phases[1].span.to_ns = start.span.to_ns = 22 * S; /* 8 s of 20 */
	expect_silence(start);
}

static void volumes(void **state)
{
	struct record_start start = start_with(PHASE_ADMIT, 9 * S);

	(void)state;
	start.why.work_count = 1;
	start.why.work[0] = (struct work_step){
		.kind = WORK_VOLUME, .phase = PHASE_ADMIT, .name = "data", .span = {2 * S, 10 * S}};
	expect(start, ADVICE_VOLUME, "volume data took 8.00s: see its driver");
	*start.why.work[0].name = '\0';
	expect(start, ADVICE_VOLUME, "volume took 8.00s: see its driver");
	start.why.work[0].at_most = true; /* so long or less */
	expect_silence(start);
	start.why.work[0].at_most = false;
	start.why.work[0].kind = WORK_MOUNT;
	expect_silence(start);
}

static void cpus_that_others_have(void **state)
{
	struct record_start start = stalled(STALL_RUN_QUEUE, 8 * S, 10 * S);

	(void)state;
	start.why.competing = 7;
	expect(start, ADVICE_COMPETING,
	       "7 other containers were starting: waited 8.00s for a CPU, start fewer at once");
	start.why.competing = 2;
	expect(start, ADVICE_CPU_BUSY,
	       "the node's CPUs were busy: waited 8.00s for one, 80 % of 10.0s");
	start.why.stalls[0].grade = STALLS_PARTIAL;
	expect_silence(start);
}

static void memory(void **state)
{
	struct record_start start = start_with(PHASE_APP, 20 * S);

	(void)state;
	start.why.pressure = (struct start_pressure){
		.measured = true,
		.span = {2 * S, 22 * S},
		.memory_total_bytes = UINT64_C(8) << 30,
		.memory_available_bytes = UINT64_C(100) << 20,
	};
	expect_silence(start); /* little is left, and nobody waited for it */
	start.why.pressure.node.memory_some_ns = 20 * S;
	expect_silence(start);
	start.why.pressure.node.memory_full_ns = 9 * S;
	expect(start, ADVICE_MEMORY,
	       "the node was short of memory: all stalled for it for 9.00s of 20.0s, "
	       "100MiB of 8GiB were left");
	start.why.pressure.measured = false;
	expect_silence(start);
}

static void the_greatest_saving_wins(void **state)
{
	struct record_start start = stalled(STALL_THROTTLED, 12 * S, 20 * S);

	(void)state;
	start.phases[2] = (struct phase_span){.phase = PHASE_PROBE, .span = {22 * S, 37 * S}};
	start.phase_count = 3;
	start.span.to_ns = 37 * S;
	start.why.probe_delay_ns = 15 * S;
	start.why.probe_setting = PROBE_PERIOD;
	start.why.probe_setting_value = 20;
	start.why.probe_setting_ns = 15 * S;
	expect(start, ADVICE_PROBE_PERIOD, "probe period 20s cost 15.0s");
	start.why.probe_setting_ns = 11 * S;
	expect(start, ADVICE_CPU_LIMIT, "raise the CPU limit: throttled 60 % of 20.0s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_limit),
		cmocka_unit_test(nothing_small_or_of_a_small_share),
		cmocka_unit_test(what_a_program_does_by_itself_is_its_own),
		cmocka_unit_test(probe_settings),
		cmocka_unit_test(pulls),
		cmocka_unit_test(cold_reads),
		cmocka_unit_test(peers),
		cmocka_unit_test(cni_plugins),
		cmocka_unit_test(volumes),
		cmocka_unit_test(cpus_that_others_have),
		cmocka_unit_test(memory),
		cmocka_unit_test(the_greatest_saving_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
