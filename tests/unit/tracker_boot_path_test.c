/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path of a boot: each planted slowness is its longest step, with its seconds. */
#include "unit/boot_fixture.h"

#define MB UINT64_C(1000000)

static const struct record *play(struct world *w, uint64_t ready_ns)
{
	const struct record *record = world_play(w, ready_ns + 60 * S);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready_ns);
	assert_true(record->boot.measured);
	return record;
}

static void network_online_held(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0"};

	(void)state;
	world_open(&w, &(struct node_plan){.wait_online_ns = 20 * S});
	const struct record *record = play(&w, script_pod(&w.script, &pod, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_UNIT, "systemd-networkd-wait-online.service",
			    PHASE_NONE, 20 * S);

	assert_string_equal(step->detail, "containerd.service waited for network-online.target");
	assert_boot_phase(record, BOOT_PHASE_FIRMWARE, 0, 3 * S);
	assert_boot_phase(record, BOOT_PHASE_KERNEL, 1, 1200 * MS);
	assert_boot_phase(record, BOOT_PHASE_INITRD, 1200 * MS, 2 * S);
	assert_boot_phase(record, BOOT_PHASE_USERSPACE, 2 * S, 22510 * MS);
	assert_boot_phase(record, BOOT_PHASE_RUNTIME, 22510 * MS, 23300 * MS);
	assert_boot_phase(record, BOOT_PHASE_PODS, 23300 * MS, record->boot.span.to_ns);
	world_close(&w);
}

/* Of two milestones before the pods the later one is the gate, whichever is told of first. */
static void the_network_was_ready_before_the_runtime(void **state)
{
	static const uint64_t ready_ns[] = {5 * S, 30 * S};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world w;
		struct pod_plan pod = {.n = 1, .name = "web-0"};
		struct event network = {.type = EVENT_MILESTONE,
					.boot_ns = ready_ns[i],
					.milestone.what = MILESTONE_NETWORK_READY};
		bool answers = false, networks = false; /* are on the way */

		world_open(&w, &(struct node_plan){.wait_online_ns = 20 * S});
		script_add(&w.script, network);
		const struct record *record = play(&w, script_pod(&w.script, &pod, 31 * S));

		for (uint32_t k = 0; k < record->boot.step_count; k++) {
			answers |= strcmp(record->boot.steps[k].name, "containerd.service") == 0;
			networks |= strcmp(record->boot.steps[k].name, "pod network ready") == 0;
		}
		assert_true(answers && networks == i);
		world_close(&w);
	}
}

static void oneshot_before_containerd(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0"};

	(void)state;
	world_open(&w, &(struct node_plan){.oneshot_ns = 15 * S});
	const struct record *record = play(&w, script_pod(&w.script, &pod, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_UNIT, "slow-disk.service", PHASE_NONE, 15 * S);

	assert_string_equal(step->detail, "containerd.service waited for it");
	world_close(&w);
}

static void big_image_over_a_slow_link(void **state)
{
	struct world w;
	struct pod_plan web = {.n = 1, .name = "web-0"};
	struct pod_plan big = {.n = 2, .name = "big-0", .pull_ns = 25 * S, .pull_bytes = 300 * MB};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &web, w.script.begin_ns);
	const struct record *record = play(&w, script_pod(&w.script, &big, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_PULL, 25 * S);

	assert_string_equal(step->pod, "shop/big-0");
	assert_string_equal(step->detail, "300 MB at 12 MB/s");
	world_close(&w);
}

static void pulls_share_the_link(void **state)
{
	struct world w;
	struct pod_plan one = {.n = 1, .name = "one-0", .pull_ns = 20 * S, .pull_bytes = 100 * MB};
	struct pod_plan two = {.n = 2, .name = "two-0", .pull_ns = 25 * S, .pull_bytes = 250 * MB};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &one, w.script.begin_ns);
	const struct record *record = play(&w, script_pod(&w.script, &two, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_PULL, 25 * S);

	assert_string_equal(step->pod, "shop/two-0");
	assert_string_equal(step->detail, "250 MB at 10 MB/s, shared with 1 pull");
	world_close(&w);
}

static void server_sleeps_before_it_listens(void **state)
{
	struct world w;
	struct pod_plan web = {.n = 1, .name = "web-0"};
	struct pod_plan lazy = {.n = 2, .name = "lazy-0", .app_ns = 12 * S};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &web, w.script.begin_ns);
	const struct record *record = play(&w, script_pod(&w.script, &lazy, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_APP, 12 * S);

	assert_string_equal(step->pod, "shop/lazy-0");
	world_close(&w);
}

/* The kernel tells what the threads did right before it tells the listen. */
static void add_before_listen(struct script *script, struct event event)
{
	for (size_t i = 0; i < script->count; i++)
		if (script->events[i].type == EVENT_LISTEN) {
			struct event listen = script->events[i];

			event.boot_ns = listen.boot_ns;
			script->events[i] = event;
			script_add(script, listen);
			return;
		}
	fail();
}

static void server_reads_a_model(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "llama-0", .app_ns = 20 * S};
	struct event stall = {.type = EVENT_STALL,
			      .stall = {.step = STALL_AT_LISTEN,
					.grade = STALLS_MEASURED,
					.path = {{[STALL_DISK] = 19 * S, [STALL_CPU] = S}},
					.thread_count = 1}};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	uint64_t ready = script_pod(&w.script, &pod, w.script.begin_ns);

	container_id(&pod, stall.stall.container_id);
	add_before_listen(&w.script, stall);
	const struct record *record = play(&w, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_APP, 20 * S);

	assert_string_equal(step->detail, "disk 19.0s");
	world_close(&w);
}

/* Ten tries, one each second, then it gets through. */
static void dependency_refuses(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "shop-0", .app_ns = 10800 * MS};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	uint64_t ready = script_pod(&w.script, &pod, w.script.begin_ns);
	uint64_t exec = ready - pod.app_ns;

	for (int i = 0; i < 10; i++)
		script_add(&w.script,
			   ev_refused(&pod, "10.0.0.1", 5432, exec + 300 * MS + (uint64_t)i * S));
	const struct record *record = play(&w, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_PEER, "app", PHASE_APP, 10 * S);

	assert_string_equal(step->pod, "shop/shop-0");
	assert_string_equal(step->detail, "10 refused connections to 10.0.0.1:5432");
	world_close(&w);
}

static void probe_asks_seldom(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1,
			       .name = "web-0",
			       .app_ns = 50 * MS,
			       .probe_ns = 29500 * MS,
			       .probe_period_s = 30};
	char expected[CAUSE_SIZE];

	(void)state;
	world_open(&w, &(struct node_plan){.kubernetes = true});
	uint64_t ready = script_pod(&w.script, &pod, w.script.begin_ns);
	const struct record *record = play(&w, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_PROBE, 29500 * MS);

	/* since power-on: 4 s of firmware and loader came before the boot clock's 0 */
	snprintf(expected, sizeof(expected), "probe asks every 30s, it listened at +%.1fs",
		 (double)(4 * S + ready - pod.probe_ns) / 1e9);
	assert_string_equal(step->detail, expected);
	assert_boot_phase(record, BOOT_PHASE_NODE, w.script.runtime_ns + 1 * S,
			  w.script.runtime_ns + 2 * S);
	world_close(&w);
}

static void slow_network_plugin(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0", .network_ns = 8 * S};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	const struct record *record = play(&w, script_pod(&w.script, &pod, w.script.begin_ns));
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_SANDBOX, 8 * S);

	assert_string_equal(step->detail, "8.0s in CNI plugin slow-cni");
	world_close(&w);
}

/* Two causes in one boot keep their order and their seconds. */
static void two_causes_in_order(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0", .network_ns = 8 * S, .app_ns = 12 * S};

	(void)state;
	world_open(&w, &(struct node_plan){.oneshot_ns = 15 * S});
	const struct record *record = play(&w, script_pod(&w.script, &pod, w.script.begin_ns));

	assert_step(record, 0, BOOT_STEP_UNIT, "slow-disk.service", PHASE_NONE, 15 * S);
	assert_step(record, 1, BOOT_STEP_POD, "app", PHASE_APP, 12 * S);
	assert_step(record, 2, BOOT_STEP_POD, "app", PHASE_SANDBOX, 8 * S);
	world_close(&w);
}

/* Nobody tells why the pod came so late: that is said, not guessed. */
static void time_without_an_explanation(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0"};

	(void)state;
	world_open(&w, &(struct node_plan){0});
	const struct record *record =
		play(&w, script_pod(&w.script, &pod, w.script.begin_ns + 9 * S));

	assert_step(record, 0, BOOT_STEP_IDLE, "", PHASE_NONE, 9270 * MS);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(network_online_held),
		cmocka_unit_test(the_network_was_ready_before_the_runtime),
		cmocka_unit_test(oneshot_before_containerd),
		cmocka_unit_test(big_image_over_a_slow_link),
		cmocka_unit_test(pulls_share_the_link),
		cmocka_unit_test(server_sleeps_before_it_listens),
		cmocka_unit_test(server_reads_a_model),
		cmocka_unit_test(dependency_refuses),
		cmocka_unit_test(probe_asks_seldom),
		cmocka_unit_test(slow_network_plugin),
		cmocka_unit_test(two_causes_in_order),
		cmocka_unit_test(time_without_an_explanation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
