/* SPDX-License-Identifier: Apache-2.0 */
/* The longer ways of a critical path: earlier attempts, init containers, queues, and a boot that goes on. */
#include "unit/boot_fixture.h"

/* A container dies at a refused connection, is put off, and comes up at the second attempt. */
static void an_earlier_attempt_is_on_the_path(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0", .app_ns = 3 * S};
	char first[ID_SIZE], sandbox[ID_SIZE], second[] = "c9second";
	struct event named;
	struct world w;
	uint64_t died, up;

	(void)state;
	world_open(&w, &(struct node_plan){0});
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
	const struct record *record = world_play(&w, up + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, up + 500 * MS);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_WAIT, 10 * S);

	assert_string_equal(step->detail, "back-off after exit code 7");
	step = assert_step(record, 1, BOOT_STEP_POD, "app", PHASE_APP, 2900 * MS);
	assert_string_equal(step->detail, "ended: exit code 7");
	world_close(&w);
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
	world_open(&w, &(struct node_plan){0});
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
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_PEER, "wait-for-db", PHASE_INIT, 7600 * MS);

	assert_string_equal(step->detail, "8 refused connections to [fd00::1]:5432");
	world_close(&w);
}

/* The kubelet stops the pod's sandbox of before the boot first: the time of its CNI plugins. */
static void its_old_sandbox_is_taken_down(void **state)
{
	static const char old[] =
		"0d00000000000000000000000000000000000000000000000000000000000001";
	struct pod_plan pod = {.n = 1, .name = "web-0"};
	struct event nested;
	struct world w;
	uint64_t t, ready;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	t = w.script.begin_ns;
	ready = script_pod(&w.script, &pod, t + 9 * S);
	script_add(&w.script, ev_exec(ROLE_CNI, old, 2000, "/opt/cni/bin/loopback", "DEL", t + S));
	script_add(&w.script, ev_exit(ROLE_CNI, "", 2000, 0, 0, t + 1200 * MS));
	script_add(&w.script,
		   ev_exec(ROLE_CNI, old, 2001, "/opt/cni/bin/ptp", "DEL", t + 1200 * MS));
	nested = ev_exec(ROLE_CNI, old, 2002, "/opt/cni/bin/host-local", "DEL", t + 2 * S);
	nested.exec.parent_pid = 2001;
	script_add(&w.script, nested);
	/* another's */
	script_add(&w.script, ev_exec(ROLE_CNI, OTHER, 2003, "/opt/cni/bin/ptp", "DEL", t + 2 * S));
	script_add(&w.script, ev_exit(ROLE_CNI, "", 2002, 0, 0, t + 8100 * MS));
	script_add(&w.script, ev_exit(ROLE_CNI, "", 2001, 0, 0, t + 8200 * MS));
	script_add(&w.script, ev_exit(ROLE_CNI, "", 2003, 0, 0, t + 8900 * MS));
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_WAIT, 7200 * MS);

	assert_int_equal(step->span.from_ns, t + S);
	assert_string_equal(step->pod, "shop/web-0");
	assert_string_equal(
		step->detail,
		"its sandbox of before the boot was taken down: 7.0s in CNI plugin ptp");
	world_close(&w);
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
	world_open(&w, &(struct node_plan){0});
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
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	const struct boot_step *step =
		assert_step(record, 0, BOOT_STEP_POD, "app", PHASE_PULL, 20 * S);

	assert_string_equal(step->pod, "shop/small-0");
	assert_non_null(
		strstr(step->detail, "waited for the pull of registry.local/big1:1: 200 MB"));
	world_close(&w);
}

/* What is waited for now is on the path of a boot that goes on. */
static void the_path_of_a_waking_node(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_boot(2500 * MS));
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

/* It tries in vain and does not listen: the first try was before what its start record tells so far ends. */
static void tries_of_a_waking_pod(void **state)
{
	struct pod_plan pod = {.n = 1, .name = "web-0", .app_ns = 500 * S};
	struct world w;
	uint64_t exec;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	exec = script_pod(&w.script, &pod, w.script.begin_ns) - pod.app_ns;
	for (int i = 0; i < 40; i++)
		script_add(&w.script, ev_refused(&pod, "10.0.0.1", 5432,
						 exec - 5 * MS + (uint64_t)i * 500 * MS));
	const struct record *record = world_play(&w, exec + 20 * S);

	assert_int_equal(record->boot.state, BOOT_WAKING);
	assert_step(record, 0, BOOT_STEP_PEER, "app", PHASE_APP, record->boot.span.to_ns - exec);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_old_sandbox_is_taken_down),
		cmocka_unit_test(an_earlier_attempt_is_on_the_path),
		cmocka_unit_test(an_init_container_waits_for_a_peer),
		cmocka_unit_test(a_pull_waits_for_its_turn),
		cmocka_unit_test(the_path_of_a_waking_node),
		cmocka_unit_test(tries_of_a_waking_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
