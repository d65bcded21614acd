/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths, OOM kills, crash loops, gaps and the resync after them. */
#include <signal.h>

#include "unit/track_fixture.h"

#define HOST_CGROUP 7
#define OWN_CGROUP  42

/* A running container `web`; its init is pid 31. */
static void running(struct fixture *f, uint64_t t)
{
	struct event events[POD_EVENTS];

	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	size_t n = pod_start(events, t);
	for (size_t i = 0; i < n; i++)
		feed(f, events[i]);
	pass(f, t + 2 * S);
}

static struct signal_seen sent(int signal, uint32_t pid, const char *comm, uint64_t cgroup)
{
	struct signal_seen seen = {
		.boot_ns = 1, .signal = signal, .sender = {pid, 1}, .sender_cgroup_id = cgroup};

	TEXT_COPY(seen.sender_comm, comm);
	return seen;
}

struct verdict_case {
	const char *what;
	int code, signal;
	struct signal_seen last[2];
	bool oom;
	enum exit_verdict expected;
	int expected_code;
	uint32_t expected_sender;
};

static void verdicts(void **state)
{
	const struct signal_seen fault = {.signal = SIGSEGV, .code = 1, .from_kernel = true};
	const struct signal_seen ignored_abort = {.signal = SIGABRT,
						  .ignored = true,
						  .sender = {31, 1},
						  .sender_cgroup_id = OWN_CGROUP};
	const struct signal_seen hlt = {.signal = SIGSEGV, .code = 128, .from_kernel = true};
	const struct verdict_case cases[] = {
		{"exit 0", 0, 0, {{0}}, false, EXIT_COMPLETED, 0, 0},
		{"exit 3", 3, 0, {{0}}, false, EXIT_ERROR, 3, 0},
		{"segv", 0, SIGSEGV, {fault}, false, EXIT_CRASHED, 139, 0},
		{"abort in pid 1", 0, SIGSEGV, {hlt, ignored_abort}, false, EXIT_CRASHED, 139, 31},
		{"abort of a child",
		 0,
		 SIGABRT,
		 {sent(SIGABRT, 31, "web", OWN_CGROUP)},
		 false,
		 EXIT_CRASHED,
		 134,
		 31},
		{"stopped",
		 0,
		 SIGKILL,
		 {sent(SIGKILL, 900, "runc", HOST_CGROUP)},
		 false,
		 EXIT_STOPPED,
		 137,
		 900},
		{"asked to stop",
		 0,
		 SIGTERM,
		 {sent(SIGTERM, 900, "runc", HOST_CGROUP)},
		 false,
		 EXIT_STOPPED,
		 143,
		 900},
		{"handles TERM, ends 0",
		 0,
		 0,
		 {sent(SIGTERM, 900, "runc", HOST_CGROUP)},
		 false,
		 EXIT_COMPLETED,
		 0,
		 900},
		{"handles TERM, ends 143",
		 143,
		 0,
		 {sent(SIGTERM, 900, "runc", HOST_CGROUP)},
		 false,
		 EXIT_STOPPED,
		 143,
		 900},
		{"ignores TERM, fails later",
		 1,
		 0,
		 {{.signal = SIGTERM,
		   .ignored = true,
		   .sender = {900, 1},
		   .sender_cgroup_id = HOST_CGROUP}},
		 false,
		 EXIT_ERROR,
		 1,
		 0},
		{"kill -9 on the host",
		 0,
		 SIGKILL,
		 {sent(SIGKILL, 901, "bash", HOST_CGROUP)},
		 false,
		 EXIT_KILLED,
		 137,
		 901},
		{"kill by its own",
		 0,
		 SIGKILL,
		 {sent(SIGKILL, 902, "sh", OWN_CGROUP)},
		 false,
		 EXIT_SELF_KILLED,
		 137,
		 902},
		{"runc inside the container",
		 0,
		 SIGKILL,
		 {sent(SIGKILL, 903, "runc", OWN_CGROUP)},
		 false,
		 EXIT_SELF_KILLED,
		 137,
		 903},
		{"segv sent from the host",
		 0,
		 SIGSEGV,
		 {sent(SIGSEGV, 904, "kill", HOST_CGROUP)},
		 false,
		 EXIT_KILLED,
		 139,
		 904},
		{"oom",
		 0,
		 SIGKILL,
		 {{.signal = SIGKILL, .from_kernel = true, .sender = {905, 1}}},
		 true,
		 EXIT_OOM_KILLED,
		 137,
		 0},
		{"nobody seen", 0, SIGKILL, {{0}}, false, EXIT_SIGNALED, 137, 0},
		{"seccomp", 0, SIGSYS, {{0}}, false, EXIT_CRASHED, 159, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct verdict_case *c = &cases[i];
		struct fixture f;
		uint64_t t = 10 * S;

		running(&f, t);
		struct event exit =
			ev_exit(ROLE_ENTRYPOINT, WEB, 31, c->code, c->signal, t + 5 * S);
		memcpy(exit.exit.last, c->last, sizeof(c->last));
		exit.exit.oom_victim = c->oom;
		feed(&f, exit);
		feed(&f, ev_task(WEB, TASK_EXIT, 31, (uint32_t)c->expected_code, t + 5 * S + MS));
		pass(&f, t + 20 * S);
		const struct record *record = fixture_find(&f, RECORD_EXIT, WEB);

		assert_non_null(record);
		if (record->exit.verdict != c->expected)
			fail_msg("%s: verdict %d, not %d", c->what, record->exit.verdict,
				 c->expected);
		assert_int_equal(record->exit.code, c->expected_code);
		assert_int_equal(record->exit.signal, c->signal);
		assert_int_equal(record->exit.sender_pid, c->expected_sender);
		assert_int_equal(record->exit.started_ns, t + 300 * MS);
		assert_true(record->final);
		fixture_close(&f);
	}
}

static void cri_status_completes(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, end = t + 5 * S;

	(void)state;
	running(&f, t);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 3, 0, end - MS));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 3, end));
	const struct record *record = fixture_find(&f, RECORD_EXIT, WEB);

	assert_non_null(record); /* told at once … */
	assert_false(record->final);
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, t, t, end, 3, "Error"));
	pass(&f, end + 100 * MS);
	record = fixture_find(&f, RECORD_EXIT, WEB);
	assert_true(record->final); /* … and completed */
	assert_string_equal(record->exit.reason, "Error");
	assert_int_equal(record->exit.finished_ns, end);
	fixture_close(&f);
}

static void child_oom_survived(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, at = t + 5 * S;

	(void)state;
	running(&f, t);
	feed(&f, ev_oom(WEB, 77, 77, at));
	struct event exit = ev_exit(ROLE_MEMBER, WEB, 77, 0, SIGKILL, at + MS);
	exit.exit.oom_victim = true;
	feed(&f, exit);
	const struct record *record = fixture_last(&f, RECORD_OOM, 0);

	assert_non_null(record);
	assert_false(record->final);
	pass(&f, at + 4 * S);
	record = fixture_last(&f, RECORD_OOM, 0);
	assert_true(record->final);
	assert_true(record->oom.confirmed);
	assert_int_equal(record->oom.container_survived, SURVIVAL_YES);
	assert_int_equal(record->oom.scope, SCOPE_CONTAINER);
	assert_false(record->oom.victims[0].init);
	assert_string_equal(record->subject.pod, "web-0");
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 0);
	fixture_close(&f);
}

static void init_oom(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, at = t + 5 * S;

	(void)state;
	running(&f, t);
	feed(&f, ev_oom(WEB, 31, 31, at));
	struct event exit = ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGKILL, at + MS);
	exit.exit.oom_victim = true;
	feed(&f, exit);
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 137, at + 2 * MS));
	pass(&f, at + 5 * S);
	const struct record *oom = fixture_last(&f, RECORD_OOM, 0);

	assert_int_equal(oom->oom.container_survived, SURVIVAL_NO);
	assert_true(oom->oom.victims[0].init);
	assert_int_equal(fixture_find(&f, RECORD_EXIT, WEB)->exit.verdict, EXIT_OOM_KILLED);
	fixture_close(&f);
}

static void group_kill_is_one(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, at = t + 5 * S;

	(void)state;
	running(&f, t);
	for (uint32_t i = 0; i < 12; i++)
		feed(&f, ev_oom(WEB, 77 + i, 77, at + i * MS / 4));
	feed(&f, ev_oom(WEB, 200, 77, at + 500 * MS));	/* another kill by the same invoker */
	feed(&f, ev_oom(WEB, 300, 300, at + 500 * MS)); /* and by another */
	pass(&f, at + 5 * S);
	assert_int_equal(fixture_count(&f, RECORD_OOM), 3);
	const struct record *oom = fixture_last(&f, RECORD_OOM, 0);

	assert_int_equal(oom->oom.victim_total, 12);
	assert_int_equal(oom->oom.victim_count, OOM_VICTIMS_MAX);
	assert_false(oom->oom.confirmed);
	fixture_close(&f);
}

static void whose_limit(void **state)
{
	static const struct {
		const char *id, *path;
		bool by_limit;
		enum limit_scope expected;
	} cases[] = {
		{WEB, "/kubepods/burstable/pod" POD_UID "/" WEB, true, SCOPE_CONTAINER},
		{WEB, "/kubepods/burstable/pod" POD_UID "/" WEB "/nested", true, SCOPE_CONTAINER},
		{WEB, "/kubepods.slice/kubepods-pod0f.slice/cri-containerd-" WEB ".scope", true,
		 SCOPE_CONTAINER},
		{WEB, "/kubepods/burstable/pod" POD_UID, true, SCOPE_POD},
		{WEB, "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f_1.slice",
		 true, SCOPE_POD},
		{WEB, "/kubepods.slice", true, SCOPE_CGROUP},
		{"", "/system.slice/postgres.service", true, SCOPE_CGROUP},
		{WEB, "", false, SCOPE_NODE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		struct event oom = ev_oom(cases[i].id, 77, 77, 20 * S);

		running(&f, 10 * S);
		TEXT_COPY(oom.oom.limit_path, cases[i].path);
		oom.oom.by_limit = cases[i].by_limit;
		feed(&f, oom);
		pass(&f, 25 * S);
		assert_int_equal(fixture_last(&f, RECORD_OOM, 0)->oom.scope, cases[i].expected);
		fixture_close(&f);
	}
}

static void crash_loop(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	for (uint32_t i = 0; i < 5; i++) {
		char id[ID_SIZE];

		snprintf(id, sizeof(id), "%064u", i + 1);
		feed(&f, ev_rootfs(id, t));
		struct event identity = ev_identity(id, SANDBOX, "web", t + MS);
		identity.container.attempt = i;
		feed(&f, identity);
		feed(&f, ev_cgroup(id, 100 + i, t + 2 * MS));
		feed(&f, ev_exec(ROLE_ENTRYPOINT, id, 50 + i, "/srv", "", t + 3 * MS));
		feed(&f, ev_exit(ROLE_ENTRYPOINT, id, 50 + i, 1, 0, t + 100 * MS));
		feed(&f, ev_task(id, TASK_EXIT, 50 + i, 1, t + 101 * MS));
		pass(&f, t + 10 * S);
		const struct record *exit = fixture_find(&f, RECORD_EXIT, id);

		assert_int_equal(exit->exit.deaths, i + 1);
		assert_int_equal(exit->exit.looping, i >= 2);
		assert_int_equal(exit->subject.attempt, i);
		t += 60 * S;
	}
	fixture_close(&f);
}

/* containerd is away; a container dies; the listing that follows tells when. */
static void death_in_a_gap(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, down = t + 5 * S, died = t + 7 * S, up = t + 20 * S;

	(void)state;
	running(&f, t);
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_DOWN, "connection lost", down));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 3, 0, died - MS));
	pass(&f, up);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 0);
	feed(&f, ev_up(SOURCE_CONTAINERD, up));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", up));
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, t, t, died, 3, "Error"));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", up));
	pass(&f, up + 5 * S);
	const struct record *exit = fixture_find(&f, RECORD_EXIT, WEB);

	assert_int_equal(exit->exit.finished_ns, died);
	assert_int_equal(exit->exit.code, 3);
	assert_true(exit->final);
	assert_int_equal(fixture_count(&f, RECORD_GAP), 1);
	const struct record *gap = fixture_last(&f, RECORD_GAP, 0);

	assert_true(gap->final);
	assert_string_equal(gap->gap.source, "containerd");
	assert_int_equal(gap->gap.span.from_ns, down);
	assert_int_equal(gap->gap.span.to_ns, up);
	fixture_close(&f);
}

/* It is not listed any more, and nobody saw how it ended. */
static void lost_in_a_gap(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, up = t + 20 * S;

	(void)state;
	running(&f, t);
	feed(&f, ev_source(SOURCE_KERNEL, SOURCE_DOWN, "test", t + 4 * S));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_DOWN, "connection lost", t + 5 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, up));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", up));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", up));
	pass(&f, up + 20 * S);
	const struct record *exit = fixture_find(&f, RECORD_EXIT, WEB);

	assert_non_null(exit);
	assert_int_equal(exit->exit.verdict, EXIT_LOST);
	assert_true(record_reconstructed(exit));
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 1);
	fixture_close(&f);
}

static void listed_again_lives_on(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	running(&f, t);
	for (uint64_t again = t + 3 * S; again < t + 200 * S; again += 60 * S) {
		feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", again));
		feed(&f, ev_status(SANDBOX, SANDBOX, "", CONTAINER_RUNNING, t, t, 0, 0, ""));
		feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_RUNNING, t, t, 0, 0, ""));
		feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", again));
		pass(&f, again + 30 * S);
	}
	/* as store/event_log.h has it of what it knows */
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", t + 240 * S));
	feed(&f, ev_status(SANDBOX, "", "", CONTAINER_UNKNOWN, 0, 0, 0, 0, ""));
	feed(&f, ev_status(WEB, "", "", CONTAINER_UNKNOWN, 0, 0, 0, 0, ""));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", t + 240 * S));
	pass(&f, t + 249 * S);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 0);
	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	feed(&f, ev_oom(WEB, 77, 77, t + 250 * S));
	pass(&f, t + 262 * S);
	assert_int_equal(fixture_last(&f, RECORD_OOM, 0)->oom.container_survived, SURVIVAL_YES);
	assert_string_equal(fixture_last(&f, RECORD_OOM, 0)->subject.container, "web");
	fixture_close(&f);
}

static void losses_are_counted(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	for (uint64_t i = 0; i < 5; i++) {
		struct event lost =
			ev_source(SOURCE_KERNEL, SOURCE_LOST, "ring full", (10 + i) * S);

		lost.source.count = 100;
		feed(&f, lost);
	}
	pass(&f, 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_GAP), 1);
	assert_int_equal(fixture_last(&f, RECORD_GAP, 0)->gap.count, 500);
	assert_true(fixture_last(&f, RECORD_GAP, 0)->final);
	fixture_close(&f);
}

static void bounded(void **state)
{
	struct fixture f;
	struct tracker_settings settings = {.containers_max = 100};
	struct tracker_stats stats;

	(void)state;
	fixture_open(&f, &settings);
	for (uint32_t i = 0; i < 1000; i++) {
		char id[ID_SIZE];

		snprintf(id, sizeof(id), "%064u", i + 1);
		feed(&f, ev_cgroup(id, i + 1, (10 + i) * MS));
	}
	pass(&f, 60 * S);
	tracker_stats(f.tracker, &stats);
	assert_int_equal(stats.containers, 100);
	assert_int_equal(stats.evicted, 900);
	assert_int_equal(fixture_last(&f, RECORD_GAP, 0)->gap.count, 900);
	fixture_close(&f);
}

/* A pod's sandbox ends with its pod: no record; killed by itself: one. */
static void sandbox_death(void **state)
{
	for (int killed = 0; killed < 2; killed++) {
		struct fixture f;
		uint64_t t = 10 * S;

		(void)state;
		running(&f, t);
		struct event exit = ev_exit(ROLE_ENTRYPOINT, SANDBOX, 20, 0, SIGKILL, t + 5 * S);
		exit.exit.last[0] = sent(SIGKILL, 900, killed ? "bash" : "runc", HOST_CGROUP);
		feed(&f, exit);
		feed(&f, ev_task(SANDBOX, TASK_EXIT, 20, 137, t + 5 * S));
		feed(&f, ev_gone(SANDBOX, t + 6 * S));
		pass(&f, t + 60 * S);
		assert_int_equal(fixture_count(&f, RECORD_EXIT), killed);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),	      cmocka_unit_test(cri_status_completes),
		cmocka_unit_test(child_oom_survived), cmocka_unit_test(init_oom),
		cmocka_unit_test(group_kill_is_one),  cmocka_unit_test(whose_limit),
		cmocka_unit_test(crash_loop),	      cmocka_unit_test(death_in_a_gap),
		cmocka_unit_test(lost_in_a_gap),      cmocka_unit_test(listed_again_lives_on),

		cmocka_unit_test(losses_are_counted), cmocka_unit_test(bounded),
		cmocka_unit_test(sandbox_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
