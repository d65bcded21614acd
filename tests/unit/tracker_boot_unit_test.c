/* SPDX-License-Identifier: Apache-2.0 */
/* The units of a boot, the borders of its phases, and full tables. */
#include "unit/boot_fixture.h"

static const struct record_unit *unit_told(const struct fixture *f, const char *name)
{
	const struct record *record = fixture_find(f, RECORD_UNIT, name);

	assert_non_null(record);
	return &record->unit;
}

static void units_with_what_they_waited_for(void **state)
{
	struct world w;
	struct pod_plan pod = {.n = 1, .name = "web-0"};
	uint64_t ready;

	(void)state;
	world_open(&w, &(struct node_plan){.oneshot_ns = 5 * S});
	ready = script_pod(&w.script, &pod, w.script.begin_ns);
	world_play(&w, ready + 60 * S);
	const struct record_unit *unit = unit_told(&w.fixture, "containerd.service");

	assert_string_equal(unit->after, "slow-disk.service");
	assert_int_equal(unit->span.from_ns, 7510 * MS);
	assert_int_equal(unit->span.to_ns, 8310 * MS);
	unit = unit_told(&w.fixture, "slow-disk.service");
	assert_string_equal(unit->after, "");
	assert_int_equal(unit->span.to_ns, 7500 * MS);
	unit = unit_told(&w.fixture, "network-online.target");
	assert_string_equal(unit->after, "systemd-networkd-wait-online.service");
	assert_int_equal(fixture_count(&w.fixture, RECORD_UNIT), 6);
	for (size_t i = 0; i < 6; i++)
		assert_true(fixture_last(&w.fixture, RECORD_UNIT, i)->final);
	world_close(&w);
}

static void the_first_activation_counts(void **state)
{
	struct event failed = ev_unit("k3s.service", 5 * S, 0, 6 * S);
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	TEXT_COPY(failed.unit.result, "exit-code");
	feed(&f, ev_unit("containerd.service", 3 * S, 0, 0));
	pass(&f, 5 * S);
	assert_false(fixture_find(&f, RECORD_UNIT, "containerd.service")->final);
	feed(&f, ev_unit("containerd.service", 3 * S, 4 * S, 0));
	feed(&f, ev_unit("containerd.service", 50 * S, 51 * S, 0)); /* restarted */
	feed(&f, failed);
	pass(&f, 7 * S);
	assert_string_equal(unit_told(&f, "k3s.service")->result, "exit-code");
	feed(&f, ev_unit("k3s.service", 11 * S, 20 * S, 0)); /* it comes up at the second try */
	feed(&f, ev_unit("late.service", 700 * S, 701 * S, 0));
	pass(&f, 800 * S);
	assert_int_equal(unit_told(&f, "containerd.service")->span.from_ns, 3 * S);
	assert_int_equal(unit_told(&f, "containerd.service")->span.to_ns, 4 * S);
	assert_int_equal(unit_told(&f, "k3s.service")->span.from_ns, 5 * S);
	assert_int_equal(unit_told(&f, "k3s.service")->span.to_ns, 20 * S);
	assert_string_equal(unit_told(&f, "k3s.service")->result, "");
	assert_null(fixture_find(&f, RECORD_UNIT, "late.service"));
	fixture_close(&f);
}

static void full_tables_are_a_gap(void **state)
{
	struct fixture f;
	char name[32];

	(void)state;
	fixture_open(&f, NULL);
	for (unsigned int i = 0; i < 515; i++) {
		snprintf(name, sizeof(name), "unit-%u.service", i);
		feed(&f, ev_unit(name, 1 * S, 2 * S, 0));
	}
	pass(&f, 60 * S);
	const struct record *record = fixture_last(&f, RECORD_GAP, 0);

	assert_non_null(record);
	assert_int_equal(record->gap.count, 3);
	assert_string_equal(record->gap.cause, "more units or pods in a boot than the agent keeps");
	assert_int_equal(fixture_count(&f, RECORD_UNIT), 512);
	fixture_close(&f);
}

static void full_edges_are_a_gap(void **state)
{
	struct fixture f;
	char name[32], after[32];

	(void)state;
	fixture_open(&f, NULL);
	for (unsigned int i = 0; i < 4100; i++) {
		snprintf(name, sizeof(name), "unit-%u.service", i / 64);
		snprintf(after, sizeof(after), "before-%u.service", i % 64);
		feed(&f, ev_after(name, after, 1 * S));
		feed(&f, ev_after(name, after, 1 * S)); /* told twice, kept once */
	}
	pass(&f, 60 * S);
	assert_non_null(fixture_last(&f, RECORD_GAP, 0));
	assert_int_equal(fixture_last(&f, RECORD_GAP, 0)->gap.count, 2 * 4);
	fixture_close(&f);
}

/* Ordered after a unit that came up later all the same (nobody had asked for it before): it was not waited for. */
static void what_came_up_later_was_not_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_unit("early.service", 2 * S, 3 * S, 0));
	feed(&f, ev_unit("containerd.service", 5 * S, 6 * S, 0));
	feed(&f, ev_unit("late.service", 7 * S, 8 * S, 0));
	feed(&f, ev_after("containerd.service", "early.service", 8 * S));
	feed(&f, ev_after("containerd.service", "late.service", 8 * S));
	pass(&f, 10 * S);
	assert_string_equal(unit_told(&f, "containerd.service")->after, "early.service");
	fixture_close(&f);
}

/* It begins after us: there was nothing to miss. */
static void awaited_is_no_gap(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_AWAITED, "not reachable", 5 * S));
	feed(&f, ev_source(SOURCE_KUBERNETES, SOURCE_AWAITED, "no answer", 6 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 15 * S));
	feed(&f, ev_up(SOURCE_KUBERNETES, 16 * S));
	pass(&f, 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_GAP), 0);
	fixture_close(&f);
}

/* What the boot report alone can do without is no gap. */
static void what_is_a_gap(void **state)
{
	const struct event others[] = {
		ev_source(SOURCE_SYSTEMD, SOURCE_LOST, "many units", 10 * S),
		ev_source(SOURCE_SYSTEMD, SOURCE_DOWN, "no answer", 10 * S),
		ev_source(SOURCE_JOURNAL, SOURCE_MISSING, "no journal", 10 * S),
	};
	struct event calls = ev_source(SOURCE_JOURNAL, SOURCE_LOST, "many calls", 12 * S);
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		feed(&f, others[i]);
	pass(&f, 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_GAP), 0);
	/* a start before the agent's begin misses its phases */
	calls.source.count = 3;
	calls.source.since_ns = 8 * S;
	feed_late(&f, calls, 61 * S);
	pass(&f, 100 * S);
	assert_int_equal(fixture_count(&f, RECORD_GAP), 1);
	const struct record *record = fixture_last(&f, RECORD_GAP, 0);

	assert_true(record->final);
	assert_string_equal(record->gap.source, "journal");
	assert_int_equal(record->gap.count, 3);
	assert_int_equal(record->gap.span.from_ns, 8 * S);
	assert_int_equal(record->gap.span.to_ns, 12 * S);
	fixture_close(&f);
}

/* Several sources tell of one milestone; the first time is nearest to the truth, whoever comes last. */
static void the_earliest_telling_counts(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_boot(2500 * MS));
	feed(&f, ev_unit("k3s.service", 3 * S, 0, 0));
	feed(&f, ev_milestone(MILESTONE_RUNTIME_READY, "", 6 * S));
	feed_late(&f, ev_milestone(MILESTONE_RUNTIME_READY, "k3s.service", 5 * S), 7 * S);
	feed_late(&f, ev_milestone(MILESTONE_RUNTIME_READY, "", 6500 * MS), 7 * S);
	pass(&f, 9 * S);
	assert_boot_phase(boot_told(&f), BOOT_PHASE_RUNTIME, 3 * S, 5 * S);
	fixture_close(&f);
}

/* A socket that is found answering late, a Node that is told Ready late: the pods show that they were before. */
static void milestones_after_what_needed_them(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0"};
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &(struct node_plan){.kubernetes = true});
	ready = script_pod(&w.script, &pod, w.script.begin_ns);
	for (size_t i = 0; i < w.script.count; i++) {
		struct event *event = &w.script.events[i];

		if (event->type != EVENT_MILESTONE)
			continue;
		if (event->milestone.what == MILESTONE_RUNTIME_READY)
			event->boot_ns = w.script.begin_ns + 100 * MS;
		if (event->milestone.what == MILESTONE_NODE_READY ||
		    event->milestone.what == MILESTONE_API_READY)
			event->boot_ns = ready + 1 * S;
	}
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_boot_phase(record, BOOT_PHASE_RUNTIME, 2810 * MS, w.script.begin_ns);
	assert_boot_phase(record, BOOT_PHASE_PODS, w.script.begin_ns, ready);
	world_close(&w);
}

/* Told ready while the API server's readiness was asked for too seldom: no phase ends after the next one. */
static void a_node_that_is_ready_before_the_api_server(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0"};
	struct world w;
	uint64_t ready, node_ns;

	(void)state;
	world_open(&w, &(struct node_plan){.kubernetes = true});
	node_ns = w.script.runtime_ns + 2 * S;
	ready = script_pod(&w.script, &pod, w.script.begin_ns);
	for (size_t i = 0; i < w.script.count; i++)
		if (w.script.events[i].type == EVENT_MILESTONE &&
		    w.script.events[i].milestone.what == MILESTONE_API_READY)
			w.script.events[i].boot_ns = node_ns + 300 * MS;
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_boot_phase(record, BOOT_PHASE_RUNTIME, 2810 * MS, node_ns);
	assert_boot_phase(record, BOOT_PHASE_PODS, node_ns, ready);
	world_close(&w);
}

/* Units that are ordered in a circle and take no time must not go on for ever. */
static void units_in_a_circle(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_boot(2500 * MS));
	feed(&f, ev_unit("a.target", 3 * S, 3 * S, 0));
	feed(&f, ev_unit("b.target", 3 * S, 3 * S, 0));
	feed(&f, ev_unit("containerd.service", 3 * S, 4 * S, 0));
	feed(&f, ev_after("containerd.service", "a.target", 3 * S));
	feed(&f, ev_after("a.target", "b.target", 3 * S));
	feed(&f, ev_after("b.target", "a.target", 3 * S));
	pass(&f, 5 * S);
	const struct record *record = boot_told(&f);

	assert_int_equal(record->boot.state, BOOT_WAKING);
	assert_step(record, 1, BOOT_STEP_MILESTONE, "kernel", PHASE_NONE, 2 * S);
	fixture_close(&f);
}

/* K3s has the runtime inside: its unit is what the pods waited for, though a containerd is there too. */
static void k3s_is_the_runtime(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 2400 * MS));
	feed(&f, ev_boot(2500 * MS));
	feed(&f, ev_unit("containerd.service", 3 * S, 4 * S, 0));
	feed(&f, ev_unit("wait-online.service", 3 * S, 15 * S, 0));
	feed(&f, ev_unit("network-online.target", 15 * S, 15 * S, 0));
	feed(&f, ev_after("network-online.target", "wait-online.service", 15 * S));
	feed(&f, ev_after("k3s.service", "network-online.target", 15 * S));
	feed(&f, ev_milestone(MILESTONE_KUBELET_STARTED, "k3s.service", 15100 * MS));
	feed(&f, ev_unit("k3s.service", 15 * S, 0, 0));
	feed(&f, ev_milestone(MILESTONE_RUNTIME_STARTED, "k3s.service", 18 * S));
	feed(&f, ev_milestone(MILESTONE_RUNTIME_READY, "k3s.service", 19 * S));
	feed(&f, ev_milestone(MILESTONE_API_READY, "", 26 * S));
	feed(&f, ev_up(SOURCE_KUBERNETES, 26100 * MS));
	feed(&f, ev_milestone(MILESTONE_NODE_READY, "", 28 * S));
	pass(&f, 60 * S);
	const struct record *record = boot_told(&f);

	/* no pods: the node is what comes back */
	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, 28 * S);
	assert_true(record->boot.measured);
	assert_boot_phase(record, BOOT_PHASE_USERSPACE, 2 * S, 15 * S);
	assert_boot_phase(record, BOOT_PHASE_RUNTIME, 15 * S, 26 * S);
	assert_boot_phase(record, BOOT_PHASE_NODE, 26 * S, 28 * S);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_UNIT, "wait-online.service", PHASE_NONE, 12 * S);

	assert_string_equal(step->detail, "k3s.service waited for network-online.target");
	assert_step(record, 1, BOOT_STEP_MILESTONE, "API server ready", PHASE_NONE, 7 * S);
	assert_step(record, 2, BOOT_STEP_UNIT, "k3s.service", PHASE_NONE, 3 * S);
	fixture_close(&f);
}

/* The kubelet waits for a unit that containerd does not wait for: userspace goes on until the kubelet begins. */
static void the_kubelet_waits_alone(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_boot(2500 * MS));
	feed(&f, ev_unit("containerd.service", 3 * S, 4 * S, 0));
	feed(&f, ev_milestone(MILESTONE_RUNTIME_STARTED, "containerd.service", 3 * S));
	feed(&f, ev_milestone(MILESTONE_RUNTIME_READY, "", 3900 * MS));
	feed(&f, ev_unit("mount.service", 3 * S, 0, 33 * S));
	feed(&f, ev_after("kubelet.service", "mount.service", 33 * S));
	feed(&f, ev_after("kubelet.service", "containerd.service", 33 * S));
	feed(&f, ev_unit("kubelet.service", 33 * S, 33 * S, 0));
	feed(&f, ev_milestone(MILESTONE_KUBELET_STARTED, "kubelet.service", 33 * S));
	pass(&f, 36 * S);
	const struct record *record = boot_told(&f);

	assert_boot_phase(record, BOOT_PHASE_USERSPACE, 2 * S, 33 * S);
	assert_step(record, 0, BOOT_STEP_UNIT, "mount.service", PHASE_NONE, 30 * S);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_gap),
		cmocka_unit_test(units_with_what_they_waited_for),
		cmocka_unit_test(the_first_activation_counts),
		cmocka_unit_test(full_tables_are_a_gap),
		cmocka_unit_test(full_edges_are_a_gap),
		cmocka_unit_test(awaited_is_no_gap),
		cmocka_unit_test(what_came_up_later_was_not_waited_for),
		cmocka_unit_test(the_earliest_telling_counts),
		cmocka_unit_test(milestones_after_what_needed_them),
		cmocka_unit_test(a_node_that_is_ready_before_the_api_server),
		cmocka_unit_test(units_in_a_circle),
		cmocka_unit_test(k3s_is_the_runtime),
		cmocka_unit_test(the_kubelet_waits_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
