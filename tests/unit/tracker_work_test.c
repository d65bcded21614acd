/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime and the kubelet did in a start, step by step. */
#include "unit/track_fixture.h"

#define T	 (1000 * S)
#define MEASURED 0
#define AT_MOST	 1

static void open_both(struct fixture *fixture)
{
	fixture_open(fixture, NULL);
	feed(fixture, ev_up(SOURCE_KERNEL, 1 * S));
	feed(fixture, ev_up(SOURCE_CONTAINERD, 1 * S));
}

static struct event ev_hook(uint32_t parent, uint32_t pid, const char *file, uint64_t at)
{
	struct event event = ev_exec(ROLE_HOOK, "", pid, file, "", at);

	event.exec.parent_pid = parent;
	return event;
}

static struct event ev_cloned(const char *id, uint32_t pid, uint64_t cloned, uint64_t at)
{
	struct event event = ev_exec(ROLE_ENTRYPOINT, id, pid, "/srv", "", at);

	event.exec.who.start_ns = cloned;
	return event;
}

static struct event ev_pod(uint64_t created, uint64_t scheduled)
{
	struct event event = {
		.type = EVENT_POD,
		.boot_ns = scheduled,
		.pod = {.created_ns = created, .scheduled_ns = scheduled, .arrived = true}};

	TEXT_COPY(event.pod.pod_uid, POD_UID);
	return event;
}

static struct event ev_trouble(const char *reason, const char *message, uint64_t first,
			       uint64_t last)
{
	struct event event = {.type = EVENT_POD_TROUBLE,
			      .boot_ns = last,
			      .pod_trouble = {.first_ns = first, .last_ns = last, .count = 1}};

	TEXT_COPY(event.pod_trouble.pod_uid, POD_UID);
	TEXT_COPY(event.pod_trouble.reason, reason);
	TEXT_COPY(event.pod_trouble.message, message);
	return event;
}

static struct event ev_volume(const char *name, uint64_t began, uint64_t at)
{
	struct event event = {.type = EVENT_WORK,
			      .boot_ns = at,
			      .work = {.kind = WORK_VOLUME, .began_ns = began}};

	TEXT_COPY(event.work.pod_uid, POD_UID);
	TEXT_COPY(event.work.name, name);
	return event;
}

/* The sandbox: network 100 ms, snapshot, shim, runc; ready at t + 600 ms. */
static void sandbox(struct fixture *f, uint64_t t)
{
	feed(f, ev_exec(ROLE_CNI, SANDBOX, 10, "/opt/cni/bin/bridge", "ADD", t));
	feed(f, ev_exit(ROLE_CNI, "", 10, 0, 0, t + 100 * MS));
	feed(f, ev_rootfs(SANDBOX, t + 150 * MS));
	feed(f, ev_identity(SANDBOX, SANDBOX, "", t + 160 * MS));
	feed(f, ev_exec(ROLE_SHIM, SANDBOX, 11, "/usr/bin/containerd-shim-runc-v2", "start",
			t + 200 * MS));
	feed(f, ev_exit(ROLE_SHIM, "", 11, 0, 0, t + 240 * MS));
	feed(f, ev_exec(ROLE_RUNTIME, SANDBOX, 12, "/usr/sbin/runc", "create", t + 300 * MS));
	feed(f, ev_cgroup(SANDBOX, 41, t + 320 * MS));
	feed(f, ev_exit(ROLE_RUNTIME, "", 12, 0, 0, t + 500 * MS));
	feed(f, ev_exec(ROLE_RUNTIME, SANDBOX, 13, "/usr/sbin/runc", "start", t + 550 * MS));
	feed(f, ev_cloned(SANDBOX, 20, t + 350 * MS, t + 600 * MS));
	feed(f, ev_exit(ROLE_RUNTIME, "", 13, 0, 0, t + 601 * MS));
}

/* A container in it, from its snapshot to its listen 400 ms later. */
static void container(struct fixture *f, const char *id, uint64_t cgroup, uint64_t t)
{
	uint32_t pid = (uint32_t)cgroup * 10;

	feed(f, ev_rootfs(id, t));
	feed(f, ev_identity(id, SANDBOX, id, t + 30 * MS));
	feed(f, ev_exec(ROLE_RUNTIME, id, pid, "/usr/sbin/runc", "create", t + 100 * MS));
	feed(f, ev_cgroup(id, cgroup, t + 110 * MS));
	feed(f, ev_exit(ROLE_RUNTIME, "", pid, 0, 0, t + 150 * MS));
	feed(f, ev_cloned(id, pid + 1, t + 120 * MS, t + 200 * MS));
	feed(f, ev_listen(id, 8080, t + 400 * MS));
}

static const struct start_why *why_of(const struct fixture *f, const char *id)
{
	const struct record *record = fixture_find(f, RECORD_START, id);

	assert_non_null(record);
	assert_true(record->final);
	return &record->start.why;
}

static const struct work_step *step_of(const struct start_why *why, enum phase phase,
				       const char *name)
{
	for (uint32_t i = 0; i < why->work_count; i++)
		if (why->work[i].phase == phase && strcmp(why->work[i].name, name) == 0)
			return &why->work[i];
	return NULL;
}

static void assert_step(const struct start_why *why, enum phase phase, enum work_kind kind,
			const char *name, uint64_t from, uint64_t to, bool nested, bool at_most)
{
	const struct work_step *step = step_of(why, phase, name);

	if (!step)
		fail_msg("no step '%s'", name);
	assert_int_equal(step->kind, kind);
	assert_int_equal(step->span.from_ns, from);
	assert_int_equal(step->span.to_ns, to);
	assert_int_equal(step->nested, nested);
	assert_int_equal(step->at_most, at_most);
	assert_int_equal(step->count, 1);
}

static void every_step_of_the_sandbox(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	pass(&f, T + 5 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_step(why, PHASE_SANDBOX, WORK_SNAPSHOT, "until its snapshot", T + 100 * MS,
		    T + 150 * MS, false, AT_MOST);
	assert_step(why, PHASE_SANDBOX, WORK_CONTAINERD, "from snapshot to shim", T + 150 * MS,
		    T + 200 * MS, false, MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_SHIM, "shim start", T + 200 * MS, T + 240 * MS, false,
		    MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_MOUNT, "shim: rootfs mounted", T + 240 * MS,
		    T + 300 * MS, false, AT_MOST);
	assert_step(why, PHASE_SANDBOX, WORK_RUNTIME, "runc create", T + 300 * MS, T + 500 * MS,
		    false, MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_RUNTIME, "until its cgroup", T + 300 * MS,
		    T + 320 * MS, true, MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_CGROUP, "cgroups joined", T + 320 * MS, T + 350 * MS,
		    true, MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_MOUNT, "namespaces, mounts, hooks", T + 350 * MS,
		    T + 500 * MS, true, MEASURED);
	assert_step(why, PHASE_SANDBOX, WORK_CONTAINERD, "from create to start", T + 500 * MS,
		    T + 550 * MS, false, MEASURED);
	/* it ends after the program has begun: the rest is not the phase's */
	assert_step(why, PHASE_SANDBOX, WORK_RUNTIME, "runc start", T + 550 * MS, T + 600 * MS,
		    false, MEASURED);
	fixture_close(&f);
}

/* The network after the snapshot, or not at all: its time is not containerd's. */
static void the_network_at_another_place(void **state)
{
	(void)state;
	for (int with = 0; with < 2; with++) {
		struct fixture f;

		open_both(&f);
		feed(&f, ev_rootfs(SANDBOX, T));
		feed(&f, ev_identity(SANDBOX, SANDBOX, "", T + 5 * MS));
		if (with) {
			feed(&f, ev_exec(ROLE_CNI, SANDBOX, 10, "/opt/cni/bin/bridge", "ADD",
					 T + 30 * MS));
			feed(&f, ev_exit(ROLE_CNI, "", 10, 0, 0, T + 2030 * MS));
		}
		feed(&f, ev_exec(ROLE_SHIM, SANDBOX, 11, "/usr/bin/containerd-shim-runc-v2",
				 "start", T + 2050 * MS));
		feed(&f, ev_cloned(SANDBOX, 20, T + 2100 * MS, T + 2200 * MS));
		container(&f, WEB, 42, T + 2300 * MS);
		pass(&f, T + 9 * S);
		const struct start_why *why = why_of(&f, WEB);

		if (with) {
			assert_step(why, PHASE_SANDBOX, WORK_CONTAINERD, "from snapshot to network",
				    T, T + 30 * MS, false, MEASURED);
			assert_step(why, PHASE_SANDBOX, WORK_CONTAINERD, "from network to shim",
				    T + 2030 * MS, T + 2050 * MS, false, MEASURED);
			assert_null(step_of(why, PHASE_SANDBOX, "from snapshot to shim"));
		} else {
			assert_step(why, PHASE_SANDBOX, WORK_CONTAINERD, "from snapshot to shim", T,
				    T + 2050 * MS, false, MEASURED);
		}
		fixture_close(&f);
	}
}

static void the_longest_stay_and_are_in_order(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	feed(&f, ev_pod(T - 9 * S, T - 8 * S));
	feed(&f, ev_volume("one", T - 7 * S, T - 6 * S));
	feed(&f, ev_volume("two", T - 7 * S, T - 5 * S));
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	pass(&f, T + 5 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_int_equal(why->work_count, START_WORK_MAX);
	for (uint32_t i = 1; i < why->work_count; i++)
		assert_true(why->work[i - 1].span.from_ns <= why->work[i].span.from_ns);
	assert_step(why, PHASE_WAIT, WORK_SNAPSHOT, "until its snapshot", T + 600 * MS,
		    T + 700 * MS, false, AT_MOST);
	assert_step(why, PHASE_WAIT, WORK_MOUNT, "shim: rootfs mounted", T + 730 * MS, T + 800 * MS,
		    false, AT_MOST);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "runc create", T + 800 * MS, T + 850 * MS,
		    false, MEASURED);
	assert_null(step_of(why, PHASE_RUNTIME, "until its cgroup")); /* 10 ms: the shortest */
	fixture_close(&f);
}

static void a_wrapper_before_the_runtime(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	feed(&f, ev_rootfs(WEB, T));
	feed(&f, ev_identity(WEB, SANDBOX, "web", T + 2 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/opt/bin/nvidia-container-runtime", "create",
			 T + 100 * MS));
	feed(&f, ev_hook(30, 31, "/bin/sleep", T + 110 * MS));
	feed(&f, ev_exit(ROLE_HOOK, "", 31, 0, 0, T + 3110 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", T + 3120 * MS));
	feed(&f, ev_cgroup(WEB, 42, T + 3140 * MS));
	feed(&f, ev_hook(30, 32, "/usr/bin/set-up", T + 3200 * MS));
	feed(&f, ev_exit(ROLE_HOOK, "", 32, 0, 0, T + 3300 * MS));
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 0, 0, T + 3400 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 34, "/opt/bin/nvidia-container-runtime", "start",
			 T + 3420 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 34, "/usr/sbin/runc", "start", T + 3424 * MS));
	feed(&f, ev_cloned(WEB, 33, T + 3150 * MS, T + 3500 * MS));
	feed(&f, ev_listen(WEB, 80, T + 3600 * MS));
	pass(&f, T + 9 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "runc create", T + 100 * MS, T + 3400 * MS,
		    false, MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "nvidia-container-runtime before runc",
		    T + 100 * MS, T + 3120 * MS, true, MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "sleep", T + 110 * MS, T + 3110 * MS, true,
		    MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "until its cgroup", T + 3120 * MS,
		    T + 3140 * MS, true, MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "set-up", T + 3200 * MS, T + 3300 * MS, true,
		    MEASURED);
	assert_string_equal(why->work[0].name, "shim: rootfs mounted"); /* no shim was executed */
	assert_string_equal(why->work[1].name, "runc create");
	fixture_close(&f);
}

/* A wrapper that waits for the runtime instead of becoming it. */
static void a_wrapper_around_the_runtime(void **state)
{
	struct fixture f;
	struct event inner = ev_exec(ROLE_RUNTIME, WEB, 31, "/usr/bin/crun", "create", T + 2 * S);

	(void)state;
	open_both(&f);
	inner.exec.parent_pid = 30;
	feed(&f, ev_rootfs(WEB, T));
	feed(&f, ev_identity(WEB, SANDBOX, "web", T + 2 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/opt/bin/wrap", "create", T + 100 * MS));
	feed(&f, inner);
	feed(&f, ev_exit(ROLE_RUNTIME, "", 31, 0, 0, T + 2100 * MS));
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 0, 0, T + 2200 * MS));
	feed(&f, ev_cloned(WEB, 33, T + 2050 * MS, T + 2500 * MS));
	feed(&f, ev_listen(WEB, 80, T + 2600 * MS));
	pass(&f, T + 9 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "wrap create", T + 100 * MS, T + 2200 * MS,
		    false, MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "crun create", T + 2 * S, T + 2100 * MS, true,
		    MEASURED);
	fixture_close(&f);
}

static void a_hook_in_a_loop_is_one_step(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	feed(&f, ev_rootfs(WEB, T));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", T + 100 * MS));
	for (uint32_t i = 0; i < 200; i++) {
		feed(&f, ev_hook(30, 1000 + i, "/bin/sleep", T + (110 + i * 10) * MS));
		feed(&f, ev_exit(ROLE_HOOK, "", 1000 + i, 0, 0, T + (119 + i * 10) * MS));
	}
	for (uint32_t i = 0; i < 200; i++) { /* the table has an end */
		char name[32];

		snprintf(name, sizeof(name), "/bin/hook-%u", i);
		feed(&f, ev_hook(30, 2000 + i, name, T + (3000 + i) * MS));
		feed(&f, ev_exit(ROLE_HOOK, "", 2000 + i, 0, 0, T + (3100 + i) * MS));
	}
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 0, 0, T + 4 * S));
	feed(&f, ev_cloned(WEB, 33, T + 105 * MS, T + 5 * S));
	feed(&f, ev_listen(WEB, 80, T + 6 * S));
	pass(&f, T + 19 * S);
	const struct work_step *step = step_of(why_of(&f, WEB), PHASE_RUNTIME, "sleep");

	assert_non_null(step);
	assert_int_equal(step->count, 200);
	assert_int_equal(step->span.from_ns, T + 110 * MS);
	assert_int_equal(step->span.to_ns, T + 2109 * MS);
	fixture_close(&f);
}

/* runc kill, runc exec and what they execute, long after, are no part of the start. */
static void later_work_is_not_the_starts(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	struct start_why before = {0};

	pass(&f, T + 2 * S);
	before = *why_of(&f, WEB);
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 50, "/usr/sbin/runc", "exec", T + 3 * S));
	feed(&f, ev_hook(50, 51, "/bin/sleep", T + 3 * S));
	feed(&f, ev_hook(999, 52, "/bin/sleep", T + 3 * S)); /* its parent was not seen */
	feed(&f, ev_exit(ROLE_HOOK, "", 51, 0, 0, T + 4 * S));
	feed(&f, ev_exit(ROLE_RUNTIME, "", 50, 1, 0, T + 4 * S));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 421, 0, 0, T + 5 * S));
	pass(&f, T + 60 * S);
	assert_memory_equal(why_of(&f, WEB), &before, sizeof(before));
	fixture_close(&f);
}

/* A hook's exit code is the runtime's to judge. */
static void a_failed_hook_alone_fails_nothing(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	feed(&f, ev_rootfs(WEB, T));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", T + 100 * MS));
	feed(&f, ev_hook(30, 31, "/bin/probe-gpu", T + 110 * MS));
	feed(&f, ev_exit(ROLE_HOOK, "", 31, 1, 0, T + 150 * MS));
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 0, 0, T + 200 * MS));
	feed(&f, ev_cloned(WEB, 33, T + 105 * MS, T + 300 * MS));
	feed(&f, ev_listen(WEB, 80, T + 400 * MS));
	pass(&f, T + 9 * S);
	assert_int_equal(fixture_find(&f, RECORD_START, WEB)->start.state, START_LISTENING);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 0);
	fixture_close(&f);
}

/* crun clones the first process before its cgroup is made: what is not in runc's order is not told. */
static void another_order_is_left_out(void **state)
{
	struct fixture f;

	(void)state;
	open_both(&f);
	feed(&f, ev_rootfs(WEB, T));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/bin/crun", "create", T + 100 * MS));
	feed(&f, ev_cgroup(WEB, 42, T + 150 * MS));
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 0, 0, T + 200 * MS));
	feed(&f, ev_cloned(WEB, 33, T + 120 * MS, T + 300 * MS));
	feed(&f, ev_listen(WEB, 80, T + 400 * MS));
	pass(&f, T + 9 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "crun create", T + 100 * MS, T + 200 * MS,
		    false, MEASURED);
	assert_step(why, PHASE_RUNTIME, WORK_RUNTIME, "until its cgroup", T + 100 * MS,
		    T + 150 * MS, true, MEASURED);
	assert_null(step_of(why, PHASE_RUNTIME, "namespaces, mounts, hooks"));
	fixture_close(&f);
}

static void volumes_and_devices(void **state)
{
	struct fixture f;
	uint64_t created = T - 30 * S, bound = T - 20 * S;

	(void)state;
	open_both(&f);
	feed(&f, ev_pod(created, bound));
	feed(&f, ev_trouble("FailedScheduling",
			    "0/3 nodes are available: 2 Insufficient cpu, 1 Insufficient "
			    "nvidia.com/gpu.",
			    created + 1 * S, created + 1 * S));
	feed(&f, ev_trouble("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.",
			    created, created));
	feed(&f, ev_trouble("FailedMount",
			    "MountVolume.SetUp failed for volume \"key\" : secret \"db-key\" not "
			    "found",
			    bound + 1 * S, bound + 9 * S));
	feed(&f, ev_trouble("FailedMount",
			    "Unable to attach or mount volumes: unmounted volumes=[data key], "
			    "unattached volumes=[data key]: timed out waiting for the condition",
			    bound + 3 * S, bound + 3 * S));
	feed(&f, ev_volume("pvc-1", 0, bound + 12 * S));
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	pass(&f, T + 15 * S);
	const struct start_why *why = why_of(&f, WEB);

	assert_step(why, PHASE_SCHEDULE, WORK_DEVICE, "nvidia.com/gpu", created + 1 * S, bound,
		    false, AT_MOST);
	assert_null(step_of(why, PHASE_SCHEDULE, "cpu"));
	assert_step(why, PHASE_ADMIT, WORK_VOLUME, "key", bound + 1 * S, T, false, AT_MOST);
	assert_step(why, PHASE_ADMIT, WORK_VOLUME, "data key", bound, T, false, AT_MOST);
	assert_step(why, PHASE_ADMIT, WORK_VOLUME, "pvc-1", bound, bound + 12 * S, false, AT_MOST);
	fixture_close(&f);
}

/* The failure comes from the API, the success from the log. */
static void a_volume_that_was_mounted_in_the_end(void **state)
{
	struct fixture f;
	uint64_t bound = T - 20 * S;

	(void)state;
	open_both(&f);
	feed(&f, ev_volume("key", bound + 2 * S, bound + 16 * S));
	feed(&f, ev_pod(bound - 1 * S, bound));
	feed(&f, ev_trouble("FailedMount", "MountVolume.SetUp failed for volume \"key\" : no",
			    bound + 1 * S, bound + 9 * S));
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%d", i);
		feed(&f, ev_volume(name, bound, bound + 1 * S));
	}
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	pass(&f, T + 15 * S);
	assert_step(why_of(&f, WEB), PHASE_ADMIT, WORK_VOLUME, "key", bound + 1 * S, bound + 16 * S,
		    false, MEASURED);
	fixture_close(&f);
}

/* Each try is a `mount` of its own. */
static void a_mount_that_was_tried_again(void **state)
{
	struct fixture f;
	uint64_t bound = T - 20 * S;

	(void)state;
	open_both(&f);
	feed(&f, ev_pod(bound - 1 * S, bound));
	for (uint32_t i = 0; i < 3; i++)
		feed(&f, ev_volume("nfs", bound + i * 5 * S, bound + (i * 5 + 2) * S));
	sandbox(&f, T);
	container(&f, WEB, 42, T + 700 * MS);
	pass(&f, T + 15 * S);
	const struct work_step *step = step_of(why_of(&f, WEB), PHASE_ADMIT, "nfs");

	assert_non_null(step);
	assert_int_equal(step->count, 3);
	assert_int_equal(step->span.to_ns, bound + 12 * S);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_of_the_sandbox),
		cmocka_unit_test(the_network_at_another_place),
		cmocka_unit_test(the_longest_stay_and_are_in_order),
		cmocka_unit_test(a_wrapper_before_the_runtime),
		cmocka_unit_test(a_wrapper_around_the_runtime),
		cmocka_unit_test(a_hook_in_a_loop_is_one_step),
		cmocka_unit_test(later_work_is_not_the_starts),
		cmocka_unit_test(a_failed_hook_alone_fails_nothing),
		cmocka_unit_test(another_order_is_left_out),
		cmocka_unit_test(volumes_and_devices),
		cmocka_unit_test(a_volume_that_was_mounted_in_the_end),
		cmocka_unit_test(a_mount_that_was_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
