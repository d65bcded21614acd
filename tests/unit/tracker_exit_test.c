/* SPDX-License-Identifier: Apache-2.0 */
/* What an exit's record says beyond its verdict: the fault, the stop, a failed start, the loop, whose word is wrong. */
#include <signal.h>

#include "track/death/exit_word.h"
#include "unit/track_fixture.h"

#define HOST_CGROUP 7
#define OWN_CGROUP  42

static const uint64_t began = 10 * S, end = 15 * S;

/* A running container `web`; its init is pid 31. */
static void running(struct fixture *f)
{
	struct event events[POD_EVENTS];

	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	size_t n = pod_start(events, began);
	for (size_t i = 0; i < n; i++)
		feed(f, events[i]);
	pass(f, began + 2 * S);
}

static const struct record_exit *ended(struct fixture *f, struct event exit, uint32_t status,
				       const char *reason)
{
	feed(f, exit);
	feed(f, ev_task(WEB, TASK_EXIT, 31, status, end + MS));
	feed(f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, began, began, end + MS,
			  (int)status, reason));
	pass(f, end + 10 * S);
	const struct record *record = fixture_find(f, RECORD_EXIT, WEB);

	assert_non_null(record);
	assert_true(record->final);
	return &record->exit;
}

static struct signal_seen runtime(int signal, uint64_t at)
{
	struct signal_seen seen = {.boot_ns = at,
				   .signal = signal,
				   .sender = {900, 1},
				   .sender_cgroup_id = HOST_CGROUP,
				   .sender_comm = "runc"};

	return seen;
}

static void fault(void **state)
{
	struct fixture f;
	struct event exit = ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGSEGV, end);
	struct event core = {.type = EVENT_CORE, .boot_ns = end, .core.pid = 31};

	(void)state;
	running(&f);
	exit.exit.core_dumped = true;
	exit.exit.last[0] = (struct signal_seen){.boot_ns = end,
						 .signal = SIGSEGV,
						 .code = 1,
						 .from_kernel = true,
						 .address = 0xdead000,
						 .sender = {31, 1},
						 .sender_cgroup_id = OWN_CGROUP};
	TEXT_COPY(core.core.container_id, WEB);
	TEXT_COPY(core.core.path, "/var/core/web.1");
	feed(&f, ev_exec(ROLE_REEXEC, WEB, 31, "/srv-real", "", began + 400 * MS));
	feed(&f, core);
	const struct record_exit *told = ended(&f, exit, 139, "Error");

	assert_int_equal(told->verdict, EXIT_CRASHED);
	assert_int_equal(told->fault_address, 0xdead000);
	assert_int_equal(told->fault_code, 1);
	assert_int_equal(told->sender_pid, 0);
	assert_string_equal(told->core, "/var/core/web.1");
	assert_string_equal(told->file, "/srv-real");
	assert_int_equal(told->listen_ns, began + 700 * MS);
	assert_int_equal(told->listen_port, 8080);
	assert_false(told->cri_wrong);
	fixture_close(&f);
}

/* CRI's status comes when the exit was told for good without it. */
static void late_status(void **state)
{
	struct fixture f;

	(void)state;
	running(&f);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 3, 0, end));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 3, end + MS));
	pass(&f, end + 3 * S);
	const struct record *record = fixture_find(&f, RECORD_EXIT, WEB);

	assert_true(record->final);
	assert_string_equal(record->exit.reason, "");
	feed(&f,
	     ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, began, began, end + MS, 3, "Error"));
	pass(&f, end + 4 * S);
	record = fixture_find(&f, RECORD_EXIT, WEB);
	assert_true(record->final);
	assert_string_equal(record->exit.reason, "Error");
	fixture_close(&f);
}

/* The first process of its pid namespace, the sandbox's, ended: the kernel kills what is left. */
static void namespace_ended(void **state)
{
	struct fixture f;
	struct event exit = ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGKILL, end);

	(void)state;
	running(&f);
	exit.exit.last[0] = (struct signal_seen){.boot_ns = end,
						 .signal = SIGKILL,
						 .from_kernel = true,
						 .sender = {20, 1},
						 .sender_cgroup_id = 41,
						 .sender_comm = "pause"};
	const struct record_exit *told = ended(&f, exit, 137, "Error");

	assert_int_equal(told->verdict, EXIT_KILLED);
	assert_string_equal(told->sender_comm, "pause");
	assert_int_equal(told->sender_pid, 20);
	assert_false(told->sender_inside);
	fixture_close(&f);
}

static void stops(void **state)
{
	const struct {
		struct signal_seen newest, before;
		int code, signal;
		uint64_t term_ns, kill_ns;
		bool overran;
		uint32_t grace_s;
	} cases[] = {
		{runtime(SIGTERM, end - 2 * S), {0}, 0, SIGTERM, end - 2 * S, 0, false, 0},
		{runtime(SIGTERM, end - 2 * S), {0}, 143, 0, end - 2 * S, 0, false, 0},
		{runtime(SIGKILL, end), runtime(SIGTERM, end - 3 * S - 20 * MS), 0, SIGKILL,
		 end - 3 * S - 20 * MS, end, true, 3},
		{runtime(SIGKILL, end), {0}, 0, SIGKILL, 0, end, false, 0},
		/* the kill came, and it ended by itself all the same */
		{runtime(SIGKILL, end), runtime(SIGTERM, end - 1 * S), 0, 0, end - 1 * S, end,
		 false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		struct event exit =
			ev_exit(ROLE_ENTRYPOINT, WEB, 31, cases[i].code, cases[i].signal, end);
		uint32_t status =
			(uint32_t)(cases[i].signal ? 128 + cases[i].signal : cases[i].code);

		running(&f);
		exit.exit.last[0] = cases[i].newest;
		exit.exit.last[1] = cases[i].before;
		const struct record_exit *told = ended(&f, exit, status, "Error");

		assert_int_equal(told->stop.term_ns, cases[i].term_ns);
		assert_int_equal(told->stop.kill_ns, cases[i].kill_ns);
		assert_int_equal(told->stop.overran, cases[i].overran);
		assert_int_equal(told->stop.grace_s, cases[i].grace_s);
		fixture_close(&f);
	}
}

/* The program ran, and its loader found no library: what the log says is told with the exit. */
static void loader(void **state)
{
	struct fixture f;
	struct event failed = {.type = EVENT_START_FAILED, .boot_ns = end + 2 * S};

	(void)state;
	running(&f);
	failed.start_failed.failed.kind = FAILURE_LIBRARY;
	TEXT_COPY(failed.start_failed.container_id, OTHER);
	feed(&f, failed); /* of nobody that is known */
	feed(&f, ev_rootfs(OTHER, began));
	feed(&f, ev_identity(OTHER, SANDBOX, "web", began + MS));
	feed(&f, ev_cgroup(OTHER, 43, began + 2 * MS));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, OTHER, 50, "/app", "", began + 3 * MS));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, OTHER, 50, 127, 0, end));
	feed(&f, ev_task(OTHER, TASK_EXIT, 50, 127, end));
	pass(&f, end + 10 * S);
	assert_int_equal(fixture_find(&f, RECORD_EXIT, OTHER)->exit.failed.kind, FAILURE_NONE);
	TEXT_COPY(failed.start_failed.failed.what, "libpq.so.5");
	feed(&f, failed); /* learnt when it had been told */
	const struct record_exit *told = &fixture_find(&f, RECORD_EXIT, OTHER)->exit;

	assert_int_equal(told->verdict, EXIT_ERROR);
	assert_int_equal(told->failed.kind, FAILURE_LIBRARY);
	assert_string_equal(told->failed.what, "libpq.so.5");
	fixture_close(&f);
}

static void words(void **state)
{
	static const struct {
		enum exit_verdict verdict;
		int32_t kernel_code;
		const char *reason;
		int32_t code;
		bool wrong;
	} cases[] = {
		{EXIT_COMPLETED, 0, "Completed", 0, false},
		{EXIT_ERROR, 3, "Error", 3, false},
		{EXIT_CRASHED, 139, "Error", 139, false},
		{EXIT_OOM_KILLED, 137, "OOMKilled", 137, false},
		{EXIT_OOM_KILLED, 137, "Error", 137, true}, /* the OOM event came too late */
		{EXIT_COMPLETED, 0, "OOMKilled", 0, true},  /* a child was the victim */
		{EXIT_ERROR, 1, "OOMKilled", 1, true},
		{EXIT_STOPPED, 137, "OOMKilled", 137, true},
		{EXIT_ERROR, 3, "Unknown", 255, true}, /* containerd had lost the shim */
		{EXIT_KILLED, 137, "ContainerStatusUnknown", 137, true},
		{EXIT_CRASHED, 139, "Completed", 0, true},
		{EXIT_CRASHED, 139, "Error", 255, true},
		{EXIT_ERROR, 3, "StartError", 128, true},
		{EXIT_START_FAILED, 1, "StartError", 128, false},
		{EXIT_START_FAILED, 1, "Error", 1, false},
		{EXIT_ERROR, 3, "", 0, false}, /* nothing was said */
		{EXIT_STOPPED, 143, "Evicted", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_exit exit = {.verdict = cases[i].verdict, .kernel_ns = end};

		if (exit_word_wrong(&exit, cases[i].kernel_code, cases[i].reason, cases[i].code) !=
		    cases[i].wrong)
			fail_msg("%zu: %s", i, cases[i].reason);
		exit.kernel_ns = 0; /* nobody saw it: there is nothing to hold against the word */
		assert_false(exit_word_wrong(&exit, cases[i].kernel_code, cases[i].reason,
					     cases[i].code));
	}
}

/* Another attempt of the same container of the pod; it lived for age_ns. */
static const struct record *dies(struct fixture *f, uint32_t attempt, uint64_t t, uint64_t age_ns,
				 int code, int signal)
{
	char id[ID_SIZE];
	uint32_t pid = 50 + attempt;
	uint32_t status = (uint32_t)(signal ? 128 + signal : code);

	snprintf(id, sizeof(id), "%064u", attempt + 1);
	feed(f, ev_rootfs(id, t));
	struct event identity = ev_identity(id, SANDBOX, "web", t + MS);
	identity.container.attempt = attempt;
	feed(f, identity);
	feed(f, ev_cgroup(id, 100 + attempt, t + 2 * MS));
	feed(f, ev_exec(ROLE_ENTRYPOINT, id, pid, "/srv", "", t + 3 * MS));
	pass(f, t + 3 * MS + age_ns);
	feed(f, ev_exit(ROLE_ENTRYPOINT, id, pid, code, signal, t + 3 * MS + age_ns));
	feed(f, ev_task(id, TASK_EXIT, pid, status, t + 3 * MS + age_ns));
	pass(f, t + age_ns + 5 * S);
	return fixture_find(f, RECORD_EXIT, id);
}

static void patterns(void **state)
{
	static const struct {
		struct {
			uint64_t age_ns;
			int code, signal;
		} deaths[4];
		uint32_t count;
		enum loop_pattern pattern;
		const char *first;
	} cases[] = {
		{{{3 * S, 1, 0}}, 1, LOOP_NONE, ""},
		{{{3 * S, 1, 0}, {3100 * MS, 1, 0}, {2900 * MS, 1, 0}},
		 3,
		 LOOP_SAME,
		 "exit 1 after 3.00s"},
		{{{2 * S, 0, SIGSEGV}, {60 * S, 0, SIGSEGV}, {9 * S, 0, SIGSEGV}},
		 3,
		 LOOP_CODE,
		 "SIGSEGV after 2.00s"},
		{{{10 * S, 1, 0}, {20 * S, 1, 0}, {40 * S, 1, 0}},
		 3,
		 LOOP_GROWING,
		 "exit 1 after 10.0s"},
		{{{10 * S, 1, 0}, {10 * S, 2, 0}, {10 * S, 1, 0}},
		 3,
		 LOOP_MIXED,
		 "exit 1 after 10.0s"},
		{{{10 * S, 1, 0}, {10 * S, 0, 0}, {10 * S, 2, 0}}, 3, LOOP_NONE, ""}, /* success */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		const struct record *last = NULL;

		fixture_open(&f, NULL);
		feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
		feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
		for (uint32_t j = 0; j < cases[i].count; j++)
			last = dies(&f, j, (10 + 120 * j) * S, cases[i].deaths[j].age_ns,
				    cases[i].deaths[j].code, cases[i].deaths[j].signal);
		assert_non_null(last);
		if (last->exit.loop.pattern != cases[i].pattern)
			fail_msg("%zu: pattern %d", i, last->exit.loop.pattern);
		assert_string_equal(last->exit.loop.first, cases[i].first);
		fixture_close(&f);
	}
}

static void next_retry(void **state)
{
	struct fixture f;
	struct event waiting = {.type = EVENT_POD_CONTAINER, .boot_ns = 80 * S};
	struct event_pod_container *told = &waiting.pod_container;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	dies(&f, 0, 10 * S, 3 * S, 1, 0);
	const struct record *last = dies(&f, 1, 60 * S, 3 * S, 1, 0);
	uint64_t finished_ns = last->exit.finished_ns;

	assert_int_equal(last->exit.loop.shortest_ns, 3 * S);
	assert_int_equal(last->exit.loop.count, 2);
	assert_int_equal(last->exit.loop.first_ns, 13 * S + 3 * MS);
	assert_int_equal(last->exit.loop.retry_ns, 0);
	told->state = POD_CONTAINER_WAITING;
	TEXT_COPY(told->pod_uid, POD_UID);
	TEXT_COPY(told->name, "web");
	TEXT_COPY(told->container_id, last->key);
	TEXT_COPY(told->reason, "CrashLoopBackOff");
	TEXT_COPY(told->message, "back-off 1m20s restarting failed container=web pod=web-0");
	feed(&f, waiting);
	last = fixture_find(&f, RECORD_EXIT, told->container_id);
	assert_int_equal(last->exit.loop.retry_ns, finished_ns + 80 * S);
	size_t count = f.count;

	waiting.boot_ns += 5 * S;
	feed(&f, waiting); /* nothing new */
	pass(&f, waiting.boot_ns + S);
	for (size_t i = count; i < f.count; i++)
		assert_int_not_equal(f.told[i].type, RECORD_EXIT);
	fixture_close(&f);
}

/* The agent had no CPU time for containerd: what that says comes long after the kernel has told of the cgroup's end. */
static void containerd_long_after(void **state)
{
	struct event gone = {.type = EVENT_CGROUP_GONE, .boot_ns = 6 * S};
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	feed(&f, ev_cgroup(WEB, OWN_CGROUP, 4 * S));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, WEB, 31, "/app", "", 5 * S));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGSEGV, 6 * S));
	gone.cgroup.cgroup_id = OWN_CGROUP;
	feed(&f, gone);
	pass(&f, 30 * S);
	feed_late(&f, ev_task(WEB, TASK_EXIT, 31, 139, 6 * S), 31 * S);
	feed_late(
		&f,
		ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, 4 * S, 5 * S, 6 * S, 139, "Error"),
		31 * S);
	pass(&f, 45 * S);
	const struct record *record = fixture_find(&f, RECORD_EXIT, WEB);

	assert_string_equal(record->subject.container, "web");
	assert_int_equal(record->exit.verdict, EXIT_CRASHED);
	assert_int_equal(record->exit.signal, SIGSEGV);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 1);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_status),
		cmocka_unit_test(fault),
		cmocka_unit_test(namespace_ended),
		cmocka_unit_test(stops),
		cmocka_unit_test(loader),
		cmocka_unit_test(words),
		cmocka_unit_test(patterns),
		cmocka_unit_test(next_retry),
		cmocka_unit_test(containerd_long_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
