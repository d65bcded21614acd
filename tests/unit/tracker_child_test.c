/* SPDX-License-Identifier: Apache-2.0 */
/* Children that die while their container goes on. */
#include <signal.h>

#include "unit/track_fixture.h"

#define HOST_CGROUP 7
#define OWN_CGROUP  42

static const uint64_t began = 10 * S, at = 20 * S;

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

static struct event child(const char *comm, uint32_t pid, int signal, uint64_t t, uint32_t count)
{
	struct event event = ev_exit(ROLE_MEMBER, WEB, pid, 0, signal, t);

	event.exit.who.start_ns = t - 300 * MS;
	event.exit.cgroup_id = OWN_CGROUP;
	event.exit.count = count;
	TEXT_COPY(event.exit.comm, comm);
	TEXT_COPY(event.exit.file, "worker-bin");
	TEXT_COPY(event.exit.parent_comm, "web");
	event.exit.last[0] = (struct signal_seen){.boot_ns = t,
						  .signal = signal,
						  .code = 1,
						  .from_kernel = true,
						  .address = 0x10,
						  .sender = {pid, 1},
						  .sender_cgroup_id = OWN_CGROUP};
	return event;
}

static const struct record *last_of(const struct fixture *f, const char *comm)
{
	for (size_t i = 0; i < fixture_count(f, RECORD_CHILD); i++) {
		const struct record *record = fixture_last(f, RECORD_CHILD, i);

		if (strcmp(record->child.comm, comm) == 0)
			return record;
	}
	return NULL;
}

/* After a restart: deaths are read before containerd has said whose container it is. */
static void named_late(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, at));
	feed_late(&f, child("worker", 77, SIGSEGV, at - 10 * S, 5), at);
	pass(&f, at + 4 * S);
	assert_false(last_of(&f, "worker")->final);
	feed(&f, ev_identity(WEB, SANDBOX, "web", at + 4 * S));
	pass(&f, at + 6 * S);
	assert_true(last_of(&f, "worker")->final);
	assert_string_equal(last_of(&f, "worker")->subject.container, "web");
	/* it is gone by then */
	struct event late = child("late", 79, SIGSEGV, at + 7 * S, 3),
		     gone = ev_cgroup(SANDBOX, 9, at + 8 * S);

	TEXT_COPY(late.exit.container_id, SANDBOX);
	gone.type = EVENT_CGROUP_GONE;
	feed(&f, late);
	feed(&f, gone);
	assert_false(last_of(&f, "late")->final);
	feed(&f, ev_identity(SANDBOX, SANDBOX, "pause", at + 9 * S));
	assert_true(last_of(&f, "late")->final);
	assert_string_equal(last_of(&f, "late")->subject.pod, "web-0");
	/* nobody says so for long */
	struct event other = child("other", 78, SIGSEGV, at + 10 * S, 1);

	TEXT_COPY(other.exit.container_id, OTHER);
	feed(&f, other);
	pass(&f, at + 19 * S);
	assert_false(last_of(&f, "other")->final);
	pass(&f, at + 22 * S);
	assert_true(last_of(&f, "other")->final);
	fixture_close(&f);
}

static void one(void **state)
{
	struct fixture f;

	(void)state;
	running(&f);
	feed(&f, child("worker", 77, SIGSEGV, at, 1));
	const struct record *record = last_of(&f, "worker");

	assert_non_null(record); /* at once … */
	assert_false(record->final);
	assert_int_equal(record->child.container_survived, SURVIVAL_UNKNOWN);
	pass(&f, at + 5 * S);
	record = last_of(&f, "worker");
	assert_true(record->final); /* … and when it shows that the container goes on */
	assert_int_equal(record->child.container_survived, SURVIVAL_YES);
	assert_int_equal(record->child.verdict, EXIT_CRASHED);
	assert_int_equal(record->child.fault_address, 0x10);
	assert_int_equal(record->child.fault_code, 1);
	assert_int_equal(record->child.sender_pid, 0);
	assert_int_equal(record->child.age_ns, 300 * MS);
	assert_int_equal(record->child.count, 1);
	assert_int_equal(record->child.interval_ns, 0);
	assert_string_equal(record->child.file, "worker-bin");
	assert_string_equal(record->child.parent_comm, "web");
	assert_string_equal(record->subject.pod, "web-0");
	assert_string_equal(record->key, WEB "-worker");
	assert_int_equal(fixture_count(&f, RECORD_EXIT), 0);
	fixture_close(&f);
}

static void again_and_again(void **state)
{
	struct fixture f;

	(void)state;
	running(&f);
	for (uint32_t i = 0; i < 60; i++) {
		uint64_t t = at + i * S;

		feed(&f, child("worker", 100 + i, i < 50 ? SIGSEGV : SIGBUS, t, 1));
		pass(&f, t + 900 * MS);
	}
	const struct record *record = last_of(&f, "worker");

	assert_true(record->child.looping);
	assert_int_equal(record->child.interval_ns, 1 * S);
	pass(&f, at + 120 * S);
	record = last_of(&f, "worker");
	assert_int_equal(record->child.count, 60);
	assert_int_equal(record->child.same, 10);
	assert_int_equal(record->child.first_ns, at);
	assert_int_equal(record->child.last_ns, at + 59 * S);
	assert_int_equal(fixture_count(&f, RECORD_CHILD), 1);
	size_t told = 0;

	for (size_t i = 0; i < f.count; i++)
		told += f.told[i].type == RECORD_CHILD;
	assert_in_range(told, 6, 9); /* not once each */
	fixture_close(&f);
}

/* The kernel folds: what it counted is counted here, and in the exit of the container. */
static void storm(void **state)
{
	struct fixture f;

	(void)state;
	running(&f);
	feed(&f, child("worker", 100, SIGSEGV, at, 1));
	feed(&f, child("worker", 101, SIGSEGV, at + 250 * MS, 99));
	feed(&f, child("other", 102, SIGABRT, at + 250 * MS, 1));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 1, 0, at + 400 * MS));
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 1, at + 401 * MS));
	pass(&f, at + 20 * S);
	assert_int_equal(last_of(&f, "worker")->child.count, 100);
	assert_int_equal(last_of(&f, "worker")->child.container_survived, SURVIVAL_NO);
	assert_true(last_of(&f, "worker")->final);
	assert_int_equal(fixture_count(&f, RECORD_CHILD), 2);
	assert_int_equal(fixture_find(&f, RECORD_EXIT, WEB)->exit.child_deaths, 101);
	fixture_close(&f);
}

/* Of those that were there before the agent, the kernel's part does not know the runtime. */
static void who_sent_it(void **state)
{
	static const struct {
		const char *comm;
		uint64_t cgroup;
		bool told;
		enum exit_verdict verdict;
	} cases[] = {
		{"bash", HOST_CGROUP, true, EXIT_KILLED},
		{"sh", OWN_CGROUP, true, EXIT_SELF_KILLED},
		{"runc", HOST_CGROUP, false, 0},
		{"containerd-shim", HOST_CGROUP, false, 0},
		{"earlyoom", HOST_CGROUP, false, 0}, /* told as an OOM kill */
		{"earlyoom", OWN_CGROUP, true, EXIT_SELF_KILLED},
		{"runc", OWN_CGROUP, true, EXIT_SELF_KILLED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		struct event event = child("worker", 77, SIGKILL, at, 1);
		struct signal_seen *seen = &event.exit.last[0];

		running(&f);
		*seen = (struct signal_seen){.boot_ns = at,
					     .signal = SIGKILL,
					     .sender = {900, 1},
					     .sender_cgroup_id = cases[i].cgroup};
		TEXT_COPY(seen->sender_comm, cases[i].comm);
		feed(&f, event);
		const struct record *record = last_of(&f, "worker");

		assert_int_equal(record != NULL, cases[i].told);
		if (record) {
			assert_int_equal(record->child.verdict, cases[i].verdict);
			assert_int_equal(record->child.sender_pid, 900);
			assert_string_equal(record->child.sender_comm, cases[i].comm);
			assert_int_equal(record->child.sender_inside,
					 cases[i].cgroup == OWN_CGROUP);
		}
		fixture_close(&f);
	}
}

/* An OOM kill is told as one; an exit with a code, an exec session's and the first process's end are not this. */
static void not_these(void **state)
{
	struct fixture f;
	struct event victim = child("worker", 77, SIGKILL, at, 1);
	struct event code = child("worker", 78, 0, at, 0);
	struct event session = child("worker", 79, SIGSEGV, at, 0);
	struct event init = child("web", 31, SIGSEGV, at, 0);

	(void)state;
	running(&f);
	victim.exit.oom_victim = true;
	code.exit.code = 1;
	session.exit.role = ROLE_SESSION;
	feed(&f, victim);
	feed(&f, code);
	feed(&f, session);
	feed(&f, init);
	pass(&f, at + 5 * S);
	assert_int_equal(fixture_count(&f, RECORD_CHILD), 0);
	fixture_close(&f);
}

static void names_are_bounded_and_told_apart(void **state)
{
	struct fixture f;

	(void)state;
	running(&f);
	feed(&f, child("a b", 77, SIGSEGV, at, 1));
	feed(&f, child("a\tb", 78, SIGSEGV, at, 1));
	feed(&f, child("fifteen-chars-x", 79, SIGSEGV, at, 1));
	assert_int_equal(fixture_count(&f, RECORD_CHILD), 3);
	for (uint32_t i = 0; i < 1100; i++) {
		char comm[COMM_SIZE];

		snprintf(comm, sizeof(comm), "w%u", i);
		feed(&f, child(comm, 1000 + i, SIGSEGV, at + i * MS, 1));
	}
	pass(&f, at + 20 * S);
	assert_int_equal(fixture_count(&f, RECORD_CHILD),
			 1103); /* each was told before it gave way */
	fixture_close(&f);
}

/* The container is gone: what was not told so far is, and its end says how many there were. */
static void goes_with_its_cgroup(void **state)
{
	struct fixture f;
	struct event gone = ev_cgroup(WEB, OWN_CGROUP, at + 5 * S);

	(void)state;
	running(&f);
	feed(&f, child("worker", 77, SIGSEGV, at, 1));
	pass(&f, at + 3 * S);
	feed(&f, child("worker", 78, SIGSEGV, at + 4 * S, 1));
	assert_int_equal(last_of(&f, "worker")->child.count, 1);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, 0, at + 4500 * MS));
	gone.type = EVENT_CGROUP_GONE;
	feed(&f, gone);
	assert_int_equal(last_of(&f, "worker")->child.count, 2);
	assert_int_equal(last_of(&f, "worker")->child.container_survived, SURVIVAL_NO);
	assert_true(last_of(&f, "worker")->final);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_late),
		cmocka_unit_test(one),
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(storm),
		cmocka_unit_test(who_sent_it),
		cmocka_unit_test(not_these),
		cmocka_unit_test(names_are_bounded_and_told_apart),
		cmocka_unit_test(goes_with_its_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
