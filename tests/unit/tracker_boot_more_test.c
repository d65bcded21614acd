/* SPDX-License-Identifier: Apache-2.0 */
/* Units of a boot, full tables, and the longer ways of a critical path: attempts, init containers, queues. */
#include "unit/boot_fixture.h"

struct world {
	struct fixture fixture;
	struct script script;
};

static void begin(struct world *w, const struct node_plan *plan)
{
	fixture_open(&w->fixture, NULL);
	script_open(&w->script);
	script_node(&w->script, plan);
}

static const struct record *play(struct world *w, uint64_t until_ns)
{
	script_play(&w->script, &w->fixture, until_ns);
	return boot_told(&w->fixture);
}

static void end(struct world *w)
{
	script_close(&w->script);
	fixture_close(&w->fixture);
}

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
	begin(&w, &(struct node_plan){.oneshot_ns = 5 * S});
	ready = script_pod(&w.script, &pod, w.script.begin_ns);
	play(&w, ready + 60 * S);
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
	end(&w);
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

/* Units that are ordered in a circle and take no time must not go on for ever. */
static void units_in_a_circle(void **state)
{
	struct event boot = {.type = EVENT_BOOT, .boot_ns = 2500 * MS};
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	boot.boot.userspace_ns = 2 * S;
	feed(&f, boot);
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
	struct event boot = {.type = EVENT_BOOT, .boot_ns = 2500 * MS};
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	boot.boot.userspace_ns = 2 * S;
	feed(&f, ev_up(SOURCE_KERNEL, 2400 * MS));
	feed(&f, boot);
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
	struct event boot = {.type = EVENT_BOOT, .boot_ns = 2500 * MS};
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	boot.boot.userspace_ns = 2 * S;
	feed(&f, boot);
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

/* A container dies at a refused connection, is put off, and comes up at the second attempt. */
static void an_earlier_attempt_is_on_the_path(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0", .app_ns = 3 * S};
	char first[ID_SIZE], sandbox[ID_SIZE], second[] = "c9second";
	struct event named;
	struct world w;
	uint64_t died, up;

	(void)state;
	begin(&w, &(struct node_plan){0});
	died = script_pod(&w.script, &pod, w.script.begin_ns) - 100 * MS;
	container_id(&pod, first);
	sandbox_id(&pod, sandbox);
	for (size_t i = 0; i < w.script.count; i++) /* it does not come to listen */
		if (w.script.events[i].type == EVENT_LISTEN)
			w.script.events[i].type = EVENT_NONE;
	script_add(&w.script, ev_exit(ROLE_ENTRYPOINT, first, 1013, 7, 0, died));
	script_add(&w.script, ev_task(first, TASK_EXIT, 1013, 7, died + MS));
	up = died + 10 * S;
	named = ev_identity(second, sandbox, "app", up);
	TEXT_COPY(named.container.pod, pod.name);
	pod_uid(&pod, named.container.pod_uid);
	named.container.attempt = 1;
	script_add(&w.script, ev_rootfs(second, up));
	script_add(&w.script, named);
	script_add(&w.script, ev_cgroup(second, 900, up + 20 * MS));
	pod_uid(&pod, w.script.events[w.script.count - 1].cgroup.pod_uid);
	script_add(&w.script, ev_exec(ROLE_ENTRYPOINT, second, 2000, "/srv", "", up + 80 * MS));
	script_add(&w.script, ev_listen(second, 8080, up + 500 * MS));
	const struct record *record = play(&w, up + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, up + 500 * MS);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_WAIT, 10 * S);

	assert_string_equal(step->detail, "back-off after exit code 7");
	step = assert_step(record, 1, BOOT_STEP_POD, "app", PHASE_APP, 2900 * MS);
	assert_string_equal(step->detail, "ended: exit code 7");
	end(&w);
}

/* An init container that waits for the database, as many do. */
static void an_init_container_waits_for_a_peer(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0"};
	struct pod_plan as_init = {.n = 77, .name = "web-0"};
	char init[ID_SIZE], sandbox[ID_SIZE];
	struct event named;
	struct world w;
	uint64_t t, done, ready;

	(void)state;
	begin(&w, &(struct node_plan){0});
	t = w.script.begin_ns;
	ready = script_pod(&w.script, &pod, t) + 8 * S;
	/* what comes after the sandbox is 8 s later */
	for (size_t i = 0; i < w.script.count; i++) {
		struct event *event = &w.script.events[i];

		if (event->boot_ns > t + 130 * MS)
			event->boot_ns += 8 * S;
		if (event->type == EVENT_CONTAINER && event->boot_ns > t + 130 * MS)
			event->container.created_ns = event->boot_ns;
	}
	container_id(&as_init, init);
	sandbox_id(&pod, sandbox);
	named = ev_identity(init, sandbox, "wait-for-db", t + 150 * MS);
	TEXT_COPY(named.container.pod, pod.name);
	pod_uid(&pod, named.container.pod_uid);
	script_add(&w.script, ev_rootfs(init, t + 140 * MS));
	script_add(&w.script, named);
	script_add(&w.script, ev_cgroup(init, 900, t + 160 * MS));
	pod_uid(&pod, w.script.events[w.script.count - 1].cgroup.pod_uid);
	script_add(&w.script, ev_exec(ROLE_ENTRYPOINT, init, 2000, "/wait", "", t + 200 * MS));
	for (int i = 0; i < 8; i++)
		script_add(&w.script, ev_refused(&as_init, "fd00::1", 5432,
						 t + 210 * MS + (uint64_t)i * 950 * MS));
	done = t + 8 * S;
	script_add(&w.script, ev_exit(ROLE_ENTRYPOINT, init, 2000, 0, 0, done));
	script_add(&w.script, ev_task(init, TASK_EXIT, 2000, 0, done));
	const struct record *record = play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_PEER, "wait-for-db", PHASE_INIT, 7600 * MS);

	assert_string_equal(step->detail, "8 refused connections to [fd00::1]:5432");
	end(&w);
}

/* Its own pull had to wait for another pod's: the kubelet pulls one image after another. */
static void a_pull_waits_for_its_turn(void **state)
{
	struct pod_plan big = {
		.n = 1, .name = "big-0", .pull_ns = 20 * S, .pull_bytes = UINT64_C(200000000)};
	struct pod_plan small = {
		.n = 2, .name = "small-0", .pull_ns = 1 * S, .pull_bytes = 5000000, .fresh = true};
	struct world w;
	uint64_t t, ready;
	size_t from;

	(void)state;
	begin(&w, &(struct node_plan){0});
	t = w.script.begin_ns;
	script_pod(&w.script, &big, t);
	from = w.script.count;
	ready = script_pod(&w.script, &small, t) + 20 * S;
	for (size_t i = from; i < w.script.count; i++) {
		struct event *event = &w.script.events[i];

		if (event->boot_ns <= t + 125 * MS)
			continue;
		event->boot_ns += 20 * S;
		event->ingest.started_ns += event->type == EVENT_INGEST ? 20 * S : 0;
		event->layer.committed_ns += event->type == EVENT_LAYER ? 20 * S : 0;
		event->image.resolved_ns += event->type == EVENT_IMAGE ? 20 * S : 0;
		event->container.created_ns += event->type == EVENT_CONTAINER ? 20 * S : 0;
	}
	script_old_pod(&w.script, &small);
	const struct record *record = play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_PULL, 20 * S);

	assert_string_equal(step->pod, "shop/small-0");
	assert_non_null(
		strstr(step->detail, "waited for the pull of registry.local/big1:1: 200 MB"));
	end(&w);
}

/* What is waited for now is on the path of a boot that goes on. */
static void the_path_of_a_waking_node(void **state)
{
	struct event boot = {.type = EVENT_BOOT, .boot_ns = 2500 * MS};
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	boot.boot.userspace_ns = 2 * S;
	feed(&f, boot);
	feed(&f, ev_unit("systemd-networkd-wait-online.service", 3 * S, 0, 0));
	feed(&f, ev_unit("other.service", 20 * S, 21 * S, 0));
	pass(&f, 22 * S);
	const struct record *record = boot_told(&f);

	assert_false(record->final);
	assert_int_equal(record->boot.state, BOOT_WAKING);
	assert_step(record, 0, BOOT_STEP_UNIT, "systemd-networkd-wait-online.service", PHASE_NONE,
		    record->boot.span.to_ns - 3 * S);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_with_what_they_waited_for),
		cmocka_unit_test(the_first_activation_counts),
		cmocka_unit_test(full_tables_are_a_gap),
		cmocka_unit_test(units_in_a_circle),
		cmocka_unit_test(k3s_is_the_runtime),
		cmocka_unit_test(the_kubelet_waits_alone),
		cmocka_unit_test(an_earlier_attempt_is_on_the_path),
		cmocka_unit_test(an_init_container_waits_for_a_peer),
		cmocka_unit_test(a_pull_waits_for_its_turn),
		cmocka_unit_test(the_path_of_a_waking_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
