// SPDX-License-Identifier: Apache-2.0
/* The top cause of a start, in words: the longest phase, and what took most of it. */
#include "model/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

/* sandbox from 1 s to 2 s, then this phase from 2 s on. */
static struct record_start start_with(enum phase phase, uint64_t ns)
{
	return (struct record_start){
		.span = {S, 2 * S + ns},
		.phase_count = 2,
		.phases = {{.phase = PHASE_CREATE, .span = {S, 2 * S}},
			   {.phase = phase, .span = {2 * S, 2 * S + ns}}},
	};
}

static void stall(struct record_start *start, enum phase phase, enum stall stall, uint64_t ns)
{
	start->why.stall_count = 1;
	start->why.stalls[0].phase = phase;
	start->why.stalls[0].grade = STALLS_MEASURED;
	start->why.stalls[0].wall.ns[stall] = ns;
}

static void assert_cause(const struct record_start *start, uint64_t ns, const char *expected)
{
	char text[CAUSE_SIZE];
	uint64_t found_ns = start_cause(start, text);

	assert_string_equal(text, expected);
	assert_int_equal(found_ns, ns);
}

static void nothing_known_is_the_phase_alone(void **state)
{
	struct record_start start = start_with(PHASE_APP, 10 * S);
	struct record_start empty = {0};

	(void)state;
	assert_cause(&empty, 0, "");
	assert_cause(&start, 10 * S, "app 10.0s");
	/* a third is needed */
	stall(&start, PHASE_APP, STALL_CPU, 3 * S);
	start.why.stalls[0].wall.ns[STALL_OTHER] = 7 * S;
	assert_cause(&start, 10 * S, "app 10.0s");
}

static void each_stall_has_its_words(void **state)
{
	static const struct {
		enum stall stall;
		const char *text;
	} cases[] = {
		{STALL_CPU, "app 10.0s: on CPU 9.00s"},
		{STALL_RUN_QUEUE, "app 10.0s: waited 9.00s for a CPU"},
		{STALL_THROTTLED, "app 10.0s: throttled 9.00s (90 %) by its CPU limit"},
		{STALL_DISK, "app 10.0s: disk 9.00s"},
		{STALL_NETWORK, "app 10.0s: network 9.00s"},
		{STALL_LOCK, "app 10.0s: waited 9.00s for locks"},
		{STALL_SLEEP, "app 10.0s: slept 9.00s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_start start = start_with(PHASE_APP, 10 * S);

		stall(&start, PHASE_APP, cases[i].stall, 9 * S);
		start.why.stalls[0].wall.ns[STALL_OTHER] = S;
		assert_cause(&start, 9 * S, cases[i].text);
	}
}

static void a_disk_names_its_file(void **state)
{
	struct record_start start = start_with(PHASE_APP, 24 * S);

	(void)state;
	start.why.file_count = 1;
	start.why.files[0] = (struct file_read){
		.path = "/models/llama-7b.gguf", .bytes = 4 * S, .span = {2 * S, 22 * S}};
	assert_cause(&start, 20 * S, "app 24.0s: read llama-7b.gguf 3.7GiB at 200 MB/s");
	stall(&start, PHASE_APP, STALL_DISK, 22 * S);
	assert_cause(&start, 22 * S,
		     "app 24.0s: disk 22.0s, read llama-7b.gguf 3.7GiB at 200 MB/s");
}

static void waiting_for_a_peer_is_no_sleep(void **state)
{
	struct record_start start = start_with(PHASE_APP, 10 * S);

	(void)state;
	start.why.peer_count = 1;
	start.why.peers[0] = (struct peer_wait){.kind = PEER_WAIT_FAILED,
						.address = "10.43.0.12",
						.port = 5432,
						.error = ECONNREFUSED,
						.count = 14,
						.failed = 14,
						.span = {2 * S, 11 * S}};
	assert_cause(&start, 9 * S,
		     "app 10.0s: waited 9.00s for 10.43.0.12:5432, 14 refused connections");
	stall(&start, PHASE_APP, STALL_SLEEP, 9 * S + S / 2);
	assert_cause(&start, 9 * S,
		     "app 10.0s: waited 9.00s for 10.43.0.12:5432, 14 refused connections");
	/* a thread beside retried: the one that counts read from disk */
	stall(&start, PHASE_APP, STALL_SLEEP, S);
	stall(&start, PHASE_APP, STALL_DISK, 9 * S);
	assert_cause(&start, 9 * S, "app 10.0s: disk 9.00s");
}

static void a_slow_peer_and_slow_dns_count_their_waits(void **state)
{
	struct record_start start = start_with(PHASE_APP, 10 * S);

	(void)state;
	start.why.peer_count = 1;
	start.why.peers[0] = (struct peer_wait){.kind = PEER_WAIT_DNS,
						.address = "10.43.0.10",
						.port = 53,
						.count = 3,
						.span = {2 * S, 11 * S},
						.wait_ns = 6 * S};
	assert_cause(&start, 6 * S, "app 10.0s: waited 6.00s for DNS, server 10.43.0.10:53");
	start.why.peers[0].kind = PEER_WAIT_SLOW;
	strcpy(start.why.peers[0].address, "fd00::1");
	strcpy(start.why.peers[0].name, "data/db");
	assert_cause(&start, 6 * S, "app 10.0s: waited 6.00s for [fd00::1]:53 (data/db)");
}

static void a_plugin_has_its_own_time(void **state)
{
	struct record_start start = start_with(PHASE_SANDBOX, 8 * S);

	(void)state;
	start.plugin_count = 2;
	start.plugins[0] = (struct plugin_span){.name = "bridge", .span = {2 * S, 9 * S}};
	start.plugins[1] =
		(struct plugin_span){.name = "slow-ipam", .span = {3 * S, 9 * S}, .nested = true};
	assert_cause(&start, 6 * S, "sandbox 8.00s: CNI plugin slow-ipam 6.00s");
	start.plugin_count = 1;
	assert_cause(&start, 7 * S, "sandbox 8.00s: CNI plugin bridge 7.00s");
}

static void work_by_its_name(void **state)
{
	struct record_start start = start_with(PHASE_RUNTIME, 9 * S);

	(void)state;
	start.why.work_count = 1;
	start.why.work[0] = (struct work_step){.kind = WORK_VOLUME,
					       .phase = PHASE_RUNTIME,
					       .name = "data",
					       .span = {2 * S, 10 * S}};
	assert_cause(&start, 8 * S, "runtime 9.00s: volume data 8.00s");
	start.why.work[0].at_most = true;
	assert_cause(&start, 8 * S, "runtime 9.00s: volume data at most 8.00s");
	*start.why.work[0].name = '\0';
	start.why.work[0].kind = WORK_SHIM;
	assert_cause(&start, 8 * S, "runtime 9.00s: shim at most 8.00s");
	/* what is inside a step is not the step's own */
	start.why.work_count = 3;
	start.why.work[0] = (struct work_step){.kind = WORK_RUNTIME,
					       .phase = PHASE_RUNTIME,
					       .name = "runc create",
					       .span = {2 * S, 10 * S}};
	start.why.work[1] = (struct work_step){.kind = WORK_RUNTIME,
					       .phase = PHASE_RUNTIME,
					       .name = "a-hook",
					       .span = {3 * S, 10 * S},
					       .nested = true};
	start.why.work[2] = (struct work_step){.kind = WORK_RUNTIME,
					       .phase = PHASE_RUNTIME,
					       .name = "runc start",
					       .span = {10 * S, 11 * S}};
	assert_cause(&start, 7 * S, "runtime 9.00s: a-hook 7.00s");
	start.why.work[1].span.from_ns = 9 * S;
	assert_cause(&start, 7 * S, "runtime 9.00s: runc create 7.00s");
}

static void of_several_waits_each_has_its_own(void **state)
{
	struct record_start start = start_with(PHASE_WAIT, 4 * S);

	(void)state;
	start.phases[0].phase = PHASE_WAIT;
	start.why.work_count = 1;
	start.why.work[0] = (struct work_step){.kind = WORK_SNAPSHOT,
					       .phase = PHASE_WAIT,
					       .name = "until its snapshot",
					       .span = {S, 2 * S}};
	assert_cause(&start, 4 * S, "wait 4.00s");
	start.why.work[0].span = (struct span){2 * S, 5 * S};
	assert_cause(&start, 3 * S, "wait 4.00s: until its snapshot 3.00s");
}

static void a_pull_is_download_or_the_unpacking_behind_it(void **state)
{
	struct record_start start = start_with(PHASE_PULL, 61 * S);

	(void)state;
	start.pull_bytes = 4 * S;
	start.download = (struct span){2 * S, 60 * S};
	start.unpack = (struct span){10 * S, 63 * S};
	assert_cause(&start, 58 * S, "pull 1min 1.0s: download 58.0s, 3.7GiB at 69 MB/s");
	start.download.to_ns = 22 * S;
	assert_cause(&start, 41 * S, "pull 1min 1.0s: unpack 41.0s");
	/* both at once, the unpacking the slower, by the anatomy */
	start.download.to_ns = 42 * S;
	start.pull.download_ns = start.pull.fetch_ns = 40 * S;
	start.pull.unpack_ns = 55 * S;
	start.pull.unpacked_bytes = 11 * S;
	assert_cause(&start, 55 * S, "pull 1min 1.0s: unpack 55.0s, 10GiB at 200 MB/s");
	/* another pull fetched the big layer */
	start.pull.unpack_ns = 10 * S;
	start.pull.fetch_ns = 5 * S;
	start.pull.waited = (struct span){3 * S, 38 * S};
	strcpy(start.pull.shared_with, "base:1");
	assert_cause(&start, 35 * S, "pull 1min 1.0s: waited 35.0s for a layer of base:1");
	/* the registry took its time to answer */
	start.pull.waited = (struct span){0};
	start.download = start.unpack = (struct span){55 * S, 60 * S};
	start.pull.resolve = (struct span){2 * S, 55 * S};
	assert_cause(&start, 53 * S, "pull 1min 1.0s: resolve 53.0s");
}

static void a_probe_names_the_setting(void **state)
{
	struct record_start start = start_with(PHASE_PROBE, 30 * S);

	(void)state;
	start.why.probe_delay_ns = 30 * S;
	assert_cause(&start, 30 * S, "probe 30.0s: not asked for 30.0s");
	start.why.probe_setting = PROBE_INITIAL_DELAY;
	start.why.probe_setting_value = 30;
	start.why.probe_setting_ns = 29 * S;
	assert_cause(&start, 30 * S, "probe 30.0s: initialDelaySeconds 30 cost 29.0s");
	start.why.probe_is_startup = true;
	start.why.probe_setting = PROBE_PERIOD;
	assert_cause(&start, 30 * S, "probe 30.0s: startup probe period 30s cost 29.0s");
	/* it was still busy */
	start.why.probe_delay_ns = 2 * S;
	stall(&start, PHASE_PROBE, STALL_DISK, 28 * S);
	assert_cause(&start, 28 * S, "probe 30.0s: disk 28.0s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_is_the_phase_alone),
		cmocka_unit_test(each_stall_has_its_words),
		cmocka_unit_test(a_disk_names_its_file),
		cmocka_unit_test(waiting_for_a_peer_is_no_sleep),
		cmocka_unit_test(a_slow_peer_and_slow_dns_count_their_waits),
		cmocka_unit_test(a_plugin_has_its_own_time),
		cmocka_unit_test(work_by_its_name),
		cmocka_unit_test(of_several_waits_each_has_its_own),
		cmocka_unit_test(a_pull_is_download_or_the_unpacking_behind_it),
		cmocka_unit_test(a_probe_names_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
