/* SPDX-License-Identifier: Apache-2.0 */
/* Starts: phases, order of arrival, init containers, restarts, failures, adoption. */
#include "unit/track_fixture.h"

static void both_up(struct fixture *fixture)
{
	feed(fixture, ev_up(SOURCE_KERNEL, 1 * S));
	feed(fixture, ev_up(SOURCE_CONTAINERD, 1 * S));
}

static const struct phase_span *phase_of(const struct record_start *start, enum phase phase)
{
	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == phase)
			return &start->phases[i];
	return NULL;
}

static void assert_phase(const struct record_start *start, enum phase phase, uint64_t from,
			 uint64_t to)
{
	const struct phase_span *span = phase_of(start, phase);

	assert_non_null(span);
	assert_int_equal(span->span.from_ns, from);
	assert_int_equal(span->span.to_ns, to);
}

static void assert_gapless(const struct record_start *start)
{
	uint64_t at = start->span.from_ns;

	for (uint32_t i = 0; i < start->phase_count; i++) {
		assert_int_equal(start->phases[i].span.from_ns, at);
		assert_true(start->phases[i].span.to_ns > at);
		at = start->phases[i].span.to_ns;
	}
	assert_int_equal(at, start->span.to_ns);
}

static void whole_pod(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t);
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	pass(&f, t + 5 * S);

	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	const struct record *record = fixture_last(&f, RECORD_START, 0);
	const struct record_start *start = &record->start;

	assert_true(record->final);
	assert_string_equal(record->key, WEB);
	assert_string_equal(record->subject.pod, "web-0");
	assert_string_equal(record->subject.container, "web");
	assert_int_equal(start->state, START_LISTENING);
	assert_int_equal(start->span.from_ns, t);
	assert_int_equal(start->span.to_ns, t + 700 * MS);
	assert_gapless(start);
	assert_phase(start, PHASE_SANDBOX, t, t + 120 * MS);
	assert_phase(start, PHASE_CREATE, t + 200 * MS, t + 230 * MS);
	assert_phase(start, PHASE_RUNTIME, t + 240 * MS, t + 300 * MS);
	assert_phase(start, PHASE_APP, t + 300 * MS, t + 700 * MS);
	assert_int_equal(start->plugin_count, 1);
	assert_string_equal(start->plugins[0].name, "bridge");
	assert_int_equal(start->network.to_ns - start->network.from_ns, 40 * MS);
	assert_int_equal(start->listen_port, 8080);
	assert_false(record_reconstructed(record));
	fixture_close(&f);
}

static bool from_kernel(const struct event *event)
{
	return event->type <= EVENT_OOM;
}

/* Merges the two sources' events at random; each keeps its own order. */
static void shuffle(struct event *events, size_t n)
{
	struct event streams[2][POD_EVENTS];
	size_t count[2] = {0}, taken[2] = {0};

	for (size_t i = 0; i < n; i++)
		streams[from_kernel(&events[i])][count[from_kernel(&events[i])]++] = events[i];
	for (size_t i = 0; i < n; i++) {
		int from = rand() % 2;

		if (taken[from] == count[from])
			from = !from;
		events[i] = streams[from][taken[from]++];
	}
}

/* Two sources on two connections: whichever is read first, the record is the same. */
static void any_order(void **state)
{
	struct record expected;
	uint64_t t = 10 * S;

	(void)state;
	srand(1);
	for (int round = 0; round < 500; round++) {
		struct fixture f;
		struct event events[POD_EVENTS];
		size_t n = pod_start(events, t);

		fixture_open(&f, NULL);
		both_up(&f);
		if (round)
			shuffle(events, n);
		for (size_t i = 0; i < n; i++)
			feed(&f, events[i]);
		pass(&f, t + 20 * S);
		const struct record *record = fixture_find(&f, RECORD_START, WEB);

		assert_non_null(record);
		assert_true(record->final);
		if (round == 0)
			expected = *record;
		else
			assert_memory_equal(&record->start, &expected.start,
					    sizeof(expected.start));
		assert_int_equal(fixture_count(&f, RECORD_START), 1);
		fixture_close(&f);
	}
}

static void session_is_no_start(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t);
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	pass(&f, t + 5 * S);
	size_t told = f.count;

	feed(&f, ev_exec(ROLE_SESSION, WEB, 99, "/bin/sh", "", t + 6 * S));
	feed(&f, ev_exit(ROLE_SESSION, WEB, 99, 1, 0, t + 7 * S));
	struct event task = ev_task(WEB, TASK_EXIT, 99, 1, t + 7 * S);
	TEXT_COPY(task.task.exec_id, "probe-1");
	feed(&f, task);
	pass(&f, t + 60 * S);
	assert_int_equal(f.count, told);
	fixture_close(&f);
}

static void short_lived(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t) - 1; /* it never listens */
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, 0, t + 301 * MS));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 0, t + 303 * MS));
	feed(&f, ev_gone(WEB, t + 310 * MS));
	pass(&f, t + 60 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 1);
	const struct record *start = fixture_last(&f, RECORD_START, 0);
	const struct record *exit = fixture_last(&f, RECORD_EXIT, 0);

	assert_int_equal(start->start.state, START_EXITED);
	assert_int_equal(start->start.span.to_ns, t + 300 * MS);
	assert_true(start->final && exit->final);
	assert_int_equal(exit->exit.verdict, EXIT_COMPLETED);
	assert_int_equal(exit->exit.finished_ns, t + 303 * MS);
	assert_int_equal(exit->exit.kernel_ns, t + 301 * MS);
	fixture_close(&f);
}

static void silent_worker(void **state)
{
	struct fixture f;
	struct tracker_settings settings = {.start_window_ns = 30 * S};
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, &settings);
	both_up(&f);
	size_t n = pod_start(events, t) - 1;
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	pass(&f, t + 5 * S);
	const struct record *start = fixture_last(&f, RECORD_START, 0);

	assert_non_null(start);
	assert_false(start->final);
	assert_int_equal(start->start.state, START_RUNNING);
	pass(&f, t + 40 * S);
	start = fixture_last(&f, RECORD_START, 0);
	assert_true(start->final);
	assert_int_equal(start->start.state, START_SILENT);
	fixture_close(&f);
}

static void init_container(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S, u = t + 2 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t) - 1;
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, 0, t + 1 * S));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 0, t + 1 * S));
	pass(&f, u);
	assert_false(fixture_last(&f, RECORD_START, 0)->start.init_container);

	feed(&f, ev_rootfs(OTHER, u));
	feed(&f, ev_identity(OTHER, SANDBOX, "app", u + 10 * MS));
	feed(&f, ev_exec(ROLE_RUNTIME, OTHER, 50, "/usr/sbin/runc", "create", u + 20 * MS));
	feed(&f, ev_cgroup(OTHER, 43, u + 25 * MS));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, OTHER, 51, "/app", "", u + 50 * MS));
	feed(&f, ev_listen(OTHER, 80, u + 60 * MS));
	pass(&f, u + 5 * S);

	const struct record *app = fixture_find(&f, RECORD_START, OTHER);
	assert_non_null(app);
	assert_gapless(&app->start);
	assert_phase(&app->start, PHASE_SANDBOX, t, t + 120 * MS);
	assert_phase(&app->start, PHASE_INIT, t + 120 * MS, t + 1 * S);
	assert_false(app->start.init_container);
	assert_true(fixture_find(&f, RECORD_START, WEB)->start.init_container);
	fixture_close(&f);
}

/* A sidecar that ends well, but after the next container was begun, held nobody up. */
static void later_success_is_no_init(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S, u = t + 2 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t) - 1;
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	feed(&f, ev_rootfs(OTHER, u));
	feed(&f, ev_identity(OTHER, SANDBOX, "app", u + 10 * MS));
	feed(&f, ev_cgroup(OTHER, 43, u + 25 * MS));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, 0, u + 30 * MS));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 0, u + 30 * MS));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, OTHER, 51, "/app", "", u + 50 * MS));
	feed(&f, ev_listen(OTHER, 80, u + 60 * MS));
	pass(&f, u + 5 * S);
	assert_null(phase_of(&fixture_find(&f, RECORD_START, OTHER)->start, PHASE_INIT));
	assert_false(fixture_find(&f, RECORD_START, WEB)->start.init_container);
	fixture_close(&f);
}

/* runc start succeeds, then the kernel refuses the program: an exit code of 1, and no exec. */
static void exec_refused(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	pod_start(events, t);
	for (size_t i = 0; i < 12; i++) /* up to the end of runc create */
		feed(&f, events[i]);
	feed(&f, events[13]); /* task start */
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 1, t + 310 * MS));
	pass(&f, t + 10 * S);
	assert_int_equal(fixture_find(&f, RECORD_EXIT, WEB)->exit.verdict, EXIT_START_FAILED);
	fixture_close(&f);
}

static void restart_begins_anew(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S, u = t + 20 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	size_t n = pod_start(events, t);
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 3, 0, t + 2 * S));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 3, t + 2 * S));
	pass(&f, u);
	feed(&f, ev_rootfs(OTHER, u));
	struct event again = ev_identity(OTHER, SANDBOX, "web", u + 10 * MS);
	again.container.attempt = 1;
	feed(&f, again);
	feed(&f, ev_cgroup(OTHER, 43, u + 20 * MS));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, OTHER, 51, "/srv", "", u + 50 * MS));
	feed(&f, ev_listen(OTHER, 80, u + 60 * MS));
	pass(&f, u + 5 * S);
	const struct record *start = fixture_find(&f, RECORD_START, OTHER);

	assert_int_equal(start->start.span.from_ns, u);
	assert_int_equal(start->subject.attempt, 1);
	assert_null(phase_of(&start->start, PHASE_SANDBOX));
	assert_null(phase_of(&start->start, PHASE_INIT));
	fixture_close(&f);
}

static void failed_start(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	pod_start(events, t);
	for (size_t i = 0; i < 11; i++) /* up to the container's cgroup */
		feed(&f, events[i]);
	feed(&f, ev_exit(ROLE_RUNTIME, "", 30, 1, 0, t + 300 * MS));
	pass(&f, t + 400 * MS);
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, t + 230 * MS, 0, t + 310 * MS,
			   128, "StartError"));
	pass(&f, t + 10 * S);
	const struct record *start = fixture_find(&f, RECORD_START, WEB);
	const struct record *exit = fixture_find(&f, RECORD_EXIT, WEB);

	assert_non_null(start);
	assert_non_null(exit);
	assert_int_equal(start->start.state, START_FAILED);
	assert_gapless(&start->start);
	assert_int_equal(exit->exit.verdict, EXIT_START_FAILED);
	assert_int_equal(exit->exit.code, 128);
	assert_string_equal(exit->exit.reason, "StartError");
	assert_true(exit->final);
	fixture_close(&f);
}

static void adopted(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 100 * S));
	struct event seeded = ev_cgroup(WEB, 42, 100 * S);
	seeded.flags = EVENT_RECONSTRUCTED;
	feed(&f, seeded);
	feed(&f, ev_up(SOURCE_CONTAINERD, 101 * S));
	feed(&f, ev_status(SANDBOX, SANDBOX, "", CONTAINER_RUNNING, 50 * S, 0, 0, 0, ""));
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_RUNNING, 52 * S, 53 * S, 0, 0, ""));
	pass(&f, 110 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	const struct record *start = fixture_find(&f, RECORD_START, WEB);

	assert_true(start->final);
	assert_true(record_reconstructed(start));
	assert_int_equal(start->start.span.from_ns, 50 * S); /* CRI's created_at of the sandbox */
	assert_int_equal(start->start.span.to_ns, 53 * S);
	assert_gapless(&start->start);
	fixture_close(&f);
}

/* Names come late: the record is told without them and again with them. */
static void late_identity(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	feed(&f, ev_cgroup(WEB, 42, t));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, WEB, 31, "/srv", "", t + 10 * MS));
	feed(&f, ev_listen(WEB, 80, t + 20 * MS));
	pass(&f, t + 1 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 0);
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", t - 10 * MS));
	pass(&f, t + 5 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	assert_string_equal(fixture_last(&f, RECORD_START, 0)->subject.pod, "");
	feed(&f, ev_identity(WEB, SANDBOX, "web", t + 6 * S));
	pass(&f, t + 9 * S);
	assert_string_equal(fixture_last(&f, RECORD_START, 0)->subject.pod, "web-0");
	assert_int_equal(fixture_count(&f, RECORD_START), 1);
	fixture_close(&f);
}

/*
 * The daemon was stopped while one container after the other lived and was removed: all that the
 * kernel kept is read first, then what containerd kept.
 */
static void backlog(void **state)
{
	static const char *const ids[] = {WEB, OTHER};
	uint64_t t = 10 * S, seen = 100 * S;
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	both_up(&f);
	feed(&f, ev_identity(SANDBOX, SANDBOX, "", t));
	for (size_t i = 0; i < 2; i++) {
		uint64_t born = t + i * 40 * S;
		uint32_t pid = 31 + (uint32_t)i;

		feed_late(&f, ev_cgroup(ids[i], 42 + i, born), seen);
		feed_late(&f, ev_exec(ROLE_ENTRYPOINT, ids[i], pid, "/srv", "", born + MS), seen);
		feed_late(&f, ev_exit(ROLE_ENTRYPOINT, ids[i], pid, 3, 0, born + S), seen);
		feed_late(&f,
			  (struct event){.type = EVENT_CGROUP_GONE,
					 .boot_ns = born + 2 * S,
					 .cgroup.cgroup_id = 42 + i},
			  seen);
	}
	pass(&f, seen);
	for (size_t i = 0; i < 2; i++) {
		uint64_t born = t + i * 40 * S;

		feed_late(&f, ev_rootfs(ids[i], born - MS), seen + MS);
		feed_late(&f, ev_task(ids[i], TASK_EXIT, 31 + (uint32_t)i, 3, born + S), seen + MS);
		feed_late(&f, ev_gone(ids[i], born + 2 * S), seen + MS);
	}
	pass(&f, seen + 20 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 2);
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct record *start = fixture_find(&f, RECORD_START, ids[i]);
		const struct record *exit = fixture_find(&f, RECORD_EXIT, ids[i]);

		assert_true(start->final && exit->final);
		assert_string_equal(start->subject.pod, "web-0");
		assert_string_equal(exit->subject.pod, "web-0");
		assert_int_equal(start->start.span.from_ns, t + i * 40 * S - MS);
		assert_int_equal(exit->exit.code, 3);
	}
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_pod),
		cmocka_unit_test(any_order),
		cmocka_unit_test(session_is_no_start),
		cmocka_unit_test(later_success_is_no_init),
		cmocka_unit_test(exec_refused),
		cmocka_unit_test(short_lived),
		cmocka_unit_test(silent_worker),
		cmocka_unit_test(init_container),
		cmocka_unit_test(restart_begins_anew),
		cmocka_unit_test(failed_start),
		cmocka_unit_test(adopted),
		cmocka_unit_test(late_identity),
		cmocka_unit_test(backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
