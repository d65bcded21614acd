// SPDX-License-Identifier: Apache-2.0
/* What stood behind a stop: facts of Kubernetes before, during and after it, and when a death is final. */
#include <signal.h>

#include "unit/track_fixture.h"

#define T	 (100 * S)
#define APP_PID	 77
#define RUNC_PID 900

static void open_all(struct fixture *f, bool kubernetes)
{
	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	if (kubernetes)
		feed(f, ev_up(SOURCE_KUBERNETES, 1 * S));
}

static struct event ev_pod(uint64_t at)
{
	struct event event = {
		.type = EVENT_POD,
		.boot_ns = at,
		.pod = {.created_ns = T - 3 * S, .scheduled_ns = T - S, .spec_grace_s = 30},
	};

	TEXT_COPY(event.pod.pod_uid, POD_UID);
	TEXT_COPY(event.pod.pod, "web-0");
	TEXT_COPY(event.pod.pod_namespace, "shop");
	return event;
}

static struct event ev_deleted(uint64_t asked, uint32_t grace_s, uint64_t at)
{
	struct event event = ev_pod(at);

	event.pod.deleted_ns = asked + grace_s * S;
	event.pod.grace_s = grace_s;
	return event;
}

static struct event ev_told(const char *reason, const char *message, uint64_t first, uint64_t last)
{
	struct event event = {
		.type = EVENT_POD_TROUBLE,
		.boot_ns = last,
		.pod_trouble = {.of_stop = true, .first_ns = first, .last_ns = last, .count = 1},
	};

	TEXT_COPY(event.pod_trouble.pod_uid, POD_UID);
	TEXT_COPY(event.pod_trouble.container, "web");
	TEXT_COPY(event.pod_trouble.reason, reason);
	TEXT_COPY(event.pod_trouble.message, message);
	return event;
}

/* web-0's container runs at T. */
static void start(struct fixture *f, bool kubernetes)
{
	open_all(f, kubernetes);
	feed(f, ev_cgroup(SANDBOX, 1, T - 500 * MS));
	feed(f, ev_identity(SANDBOX, SANDBOX, "", T - 480 * MS));
	if (kubernetes)
		feed(f, ev_pod(T - 450 * MS));
	feed(f, ev_cgroup(WEB, 2, T - 100 * MS));
	feed(f, ev_exec(ROLE_ENTRYPOINT, WEB, APP_PID, "/app", "", T));
	feed(f, ev_identity(WEB, SANDBOX, "web", T + 10 * MS));
	feed(f, ev_listen(WEB, 80, T + 20 * MS));
	pass(f, T + 5 * S);
}

static struct signal_seen from_runc(int signal, uint64_t at)
{
	return (struct signal_seen){.boot_ns = at,
				    .signal = signal,
				    .sender = {.pid = RUNC_PID, .start_ns = at - MS},
				    .sender_cgroup_id = 999,
				    .sender_comm = "runc"};
}

/* term, kill: 0 it was not sent */
static void stop(struct fixture *f, uint64_t term, uint64_t kill, uint64_t at)
{
	struct event exit =
		ev_exit(ROLE_ENTRYPOINT, WEB, APP_PID, kill ? 0 : 143, kill ? SIGKILL : 0, at);
	int next = 0;

	if (kill)
		exit.exit.last[next++] = from_runc(SIGKILL, kill);
	if (term)
		exit.exit.last[next++] = from_runc(SIGTERM, term);
	feed(f, exit);
	feed(f, ev_task(WEB, TASK_EXIT, APP_PID, kill ? 137 : 143, at));
	feed(f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, T - 200 * MS, T, at,
			  kill ? 137 : 143, "Error"));
}

static const struct record *told(const struct fixture *f)
{
	const struct record *record = fixture_find(f, RECORD_EXIT, WEB);

	assert_non_null(record);
	return record;
}

static void assert_cause(const struct fixture *f, bool final, enum stop_cause cause,
			 const char *words)
{
	assert_int_equal(told(f)->final, final);
	assert_int_equal(told(f)->exit.stop.cause, cause);
	assert_string_equal(told(f)->exit.stop.told, words);
}

static void a_liveness_probe_is_told_by_events_later(void **state)
{
	struct fixture f;
	const char *seen = "Liveness probe failed: HTTP probe failed with statuscode: 500";
	const char *done = "Container web failed liveness probe, will be restarted";

	(void)state;
	start(&f, true);
	stop(&f, T + 20 * S, T + 50 * S, T + 50 * S + MS);
	pass(&f, T + 53 * S);
	assert_cause(&f, false, STOP_UNKNOWN, "");
	feed_late(&f, ev_told("Unhealthy", seen, T + 10 * S, T + 19 * S), T + 55 * S);
	feed_late(&f, ev_told("Killing", done, T + 19 * S, T + 19 * S), T + 55 * S);
	assert_cause(&f, true, STOP_LIVENESS, seen);
	assert_int_equal(told(&f)->exit.verdict, EXIT_STOPPED);
	assert_int_equal(told(&f)->exit.stop.grace_s, 30);
	assert_int_equal(told(&f)->exit.stop.term_ns, T + 20 * S);
	assert_int_equal(told(&f)->exit.stop.kill_ns, T + 50 * S);
	assert_true(told(&f)->exit.stop.overran);
	fixture_close(&f);
}

/* crun, where it can't trust its own file, and runc's copies; the kubelet, of a pod's cgroup. */
static void a_runtime_that_runs_a_copy_of_itself(void **state)
{
	static const char *const comms[] = {"memfd:crun_clon", "memfd:runc_clon", "crun",
					    "kubelet",	       "k3s-server",	  "memfd:evil",
					    "k3s-killall.sh"};

	(void)state;
	for (size_t i = 0; i < sizeof(comms) / sizeof(*comms); i++) {
		struct fixture f;
		struct event exit = ev_exit(ROLE_ENTRYPOINT, WEB, APP_PID, 143, 0, T + 20 * S);

		start(&f, false);
		exit.exit.last[0] = from_runc(SIGTERM, T + 20 * S - 50 * MS);
		TEXT_COPY(exit.exit.last[0].sender_comm, comms[i]);
		feed(&f, exit);
		feed(&f, ev_task(WEB, TASK_EXIT, APP_PID, 143, T + 20 * S));
		feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, T - 200 * MS, T,
				   T + 20 * S, 143, "Error"));
		pass(&f, T + 60 * S);
		assert_int_equal(told(&f)->exit.verdict, i >= 5 ? EXIT_ERROR : EXIT_STOPPED);
		fixture_close(&f);
	}
}

static void a_startup_probe_is_another_cause(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	stop(&f, T + 20 * S, 0, T + 20 * S + 50 * MS);
	feed(&f, ev_told("Killing", "Container web failed startup probe, will be restarted",
			 T + 20 * S - 400 * MS, T + 20 * S - 400 * MS));
	pass(&f, T + 22 * S);
	assert_cause(&f, true, STOP_STARTUP,
		     "Container web failed startup probe, will be restarted");
	assert_false(told(&f)->exit.stop.overran);
	fixture_close(&f);
}

/* Of another container, of the life before, of a time after it. */
static void what_is_not_of_this_stop(void **state)
{
	const char *done = "Container web failed liveness probe, will be restarted";
	struct event other = ev_told("Killing", done, T + 20 * S, T + 20 * S);
	struct fixture f;

	(void)state;
	start(&f, true);
	TEXT_COPY(other.pod_trouble.container, "side");
	stop(&f, T + 20 * S, 0, T + 20 * S + 50 * MS);
	feed(&f, other);
	feed(&f, ev_told("Killing", done, T - 60 * S, T - 30 * S));
	feed_late(&f,
		  ev_told("Killing", "Container web definition changed, will be restarted",
			  T + 25 * S, T + 25 * S),
		  T + 25 * S);
	/* a readiness probe stops nothing, and this failed long before */
	feed(&f, ev_told("Unhealthy", "Readiness probe failed: x", T + 19 * S, T + 20 * S));
	feed(&f, ev_told("Unhealthy", "Startup probe failed: x", T + 5 * S, T + 6 * S));
	feed(&f, ev_told("Killing", "Stopping container web", T + 20 * S, T + 20 * S));
	pass(&f, T + 49 * S);
	assert_cause(&f, false, STOP_UNKNOWN, "");
	pass(&f, T + 51 * S);
	assert_cause(&f, true, STOP_UNKNOWN, "");
	/* it came too late to be waited for: told once more */
	feed_late(&f,
		  ev_told("Killing", "Container web failed startup probe", T + 19 * S, T + 20 * S),
		  T + 52 * S);
	assert_cause(&f, true, STOP_STARTUP, "Startup probe failed: x");
	fixture_close(&f);
}

static void a_deletion_is_final_when_it_is_no_drain(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	feed(&f, ev_deleted(T + 20 * S, 10, T + 20 * S + 300 * MS));
	stop(&f, T + 20 * S + 400 * MS, 0, T + 20 * S + 450 * MS);
	pass(&f, T + 23 * S);
	assert_cause(&f, false, STOP_DELETION, "");
	pass(&f, T + 26 * S);
	assert_cause(&f, true, STOP_DELETION, "");
	assert_int_equal(told(&f)->exit.stop.grace_s, 10);
	assert_int_equal(told(&f)->exit.stop.hook_ns, 0);
	fixture_close(&f);
}

static struct event ev_node(uint64_t cordoned, bool tells, uint64_t at)
{
	return (struct event){.type = EVENT_NODE,
			      .boot_ns = at,
			      .node = {.cordoned_ns = cordoned, .tells_deletions = tells}};
}

static void a_drain_shows_at_the_node(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	feed(&f, ev_deleted(T + 20 * S, 10, T + 20 * S + 300 * MS));
	stop(&f, T + 20 * S + 400 * MS, 0, T + 20 * S + 450 * MS);
	feed(&f, ev_node(T + 19 * S, false, T + 21 * S));
	pass(&f, T + 22 * S);
	assert_cause(&f, true, STOP_DRAIN, "node.kubernetes.io/unschedulable");
	/* it stays what it was */
	feed(&f, ev_node(0, false, T + 30 * S));
	feed(&f, ev_deleted(T + 20 * S, 10, T + 31 * S));
	assert_cause(&f, true, STOP_DRAIN, "node.kubernetes.io/unschedulable");
	fixture_close(&f);
}

static void a_node_that_was_cordoned_long_ago_is_not_drained(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	feed(&f, ev_deleted(T + 120 * S, 10, T + 120 * S + 300 * MS));
	stop(&f, T + 120 * S + 400 * MS, 0, T + 120 * S + 450 * MS);
	feed(&f, ev_node(T + 50 * S, false, T + 121 * S));
	pass(&f, T + 130 * S);
	assert_cause(&f, true, STOP_DELETION, "");
	fixture_close(&f);
}

/* Since 1.26 nobody need look at the node, and nothing is waited for. */
static void the_condition_says_who_deleted(void **state)
{
	static const struct {
		const char *reason;
		enum stop_cause cause;
	} rows[] = {
		{"EvictionByEvictionAPI", STOP_DRAIN},
		{"DeletionByTaintManager", STOP_TAINT},
		{"PreemptionByScheduler", STOP_PREEMPTION},
		{"DeletionByPodGC", STOP_DELETION},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event deleted = ev_deleted(T + 20 * S, 10, T + 20 * S + 300 * MS);
		struct fixture f;

		start(&f, true);
		feed(&f, ev_node(0, true, T + 6 * S));
		TEXT_COPY(deleted.pod.disruption, rows[i].reason);
		feed(&f, deleted);
		stop(&f, T + 20 * S + 400 * MS, 0, T + 20 * S + 450 * MS);
		pass(&f, T + 22 * S);
		assert_cause(&f, true, rows[i].cause, rows[i].reason);
		fixture_close(&f);
	}
}

static void the_status_says_what_the_kubelet_did(void **state)
{
	static const struct {
		const char *reason, *message;
		enum stop_cause cause;
	} rows[] = {
		{"Evicted", "The node was low on resource: memory. ", STOP_EVICTION},
		{"DeadlineExceeded",
		 "Pod was active on the node longer than the specified deadline", STOP_DEADLINE},
		{"Shutdown", "Node is shutting, evicting pods", STOP_SHUTDOWN},
		{"Terminated", "Pod was terminated in response to imminent node shutdown.",
		 STOP_SHUTDOWN},
		{"Preempting", "Preempted in order to admit critical pod", STOP_PREEMPTION},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event pod = ev_pod(T + 22 * S);
		struct fixture f;

		start(&f, true);
		stop(&f, T + 20 * S, T + 20 * S + MS, T + 20 * S + 2 * MS);
		pass(&f, T + 21 * S);
		assert_cause(&f, false, STOP_UNKNOWN, "");
		TEXT_COPY(pod.pod.reason, rows[i].reason);
		TEXT_COPY(pod.pod.message, rows[i].message);
		feed(&f, pod);
		assert_cause(&f, true, rows[i].cause, rows[i].message);
		/* who clears it away afterwards is not the cause */
		feed(&f, ev_deleted(T + 23 * S, 0, T + 23 * S));
		pass(&f, T + 60 * S);
		assert_cause(&f, true, rows[i].cause, rows[i].message);
		fixture_close(&f);
	}
}

static struct event ev_pod_gone(uint64_t at)
{
	struct event event = {.type = EVENT_POD_GONE, .boot_ns = at};

	TEXT_COPY(event.pod_gone.pod_uid, POD_UID);
	return event;
}

static void without_a_grace_period_the_pod_is_gone_first(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	feed(&f, ev_pod_gone(T + 20 * S));
	stop(&f, T + 20 * S + 100 * MS, T + 22 * S, T + 22 * S + MS);
	pass(&f, T + 30 * S);
	assert_cause(&f, true, STOP_DELETION, "");
	fixture_close(&f);
}

static void a_static_pod_whose_file_goes_or_changes(void **state)
{
	struct event pod = ev_pod(T + 6 * S), next;
	struct fixture f;

	(void)state;
	start(&f, true);
	pod.pod.is_static = true;
	feed(&f, pod);
	stop(&f, T + 20 * S, 0, T + 20 * S + 50 * MS);
	pass(&f, T + 21 * S);
	assert_cause(&f, false, STOP_UNKNOWN, "");
	feed(&f, ev_pod_gone(T + 22 * S));
	assert_cause(&f, true, STOP_GONE, "");
	next = pod;
	next.boot_ns = T + 23 * S;
	TEXT_COPY(next.pod.pod_uid, "another");
	feed(&f, next);
	assert_cause(&f, true, STOP_CHANGED, "");
	fixture_close(&f);
}

static void a_hook_that_takes_its_time(void **state)
{
	struct event hook = {
		.type = EVENT_POD_CONTAINER,
		.boot_ns = T + 6 * S,
		.pod_container = {.has_pre_stop = true, .state = POD_CONTAINER_RUNNING}};
	struct fixture f;

	(void)state;
	start(&f, true);
	TEXT_COPY(hook.pod_container.pod_uid, POD_UID);
	TEXT_COPY(hook.pod_container.name, "web");
	feed(&f, hook);
	feed(&f, ev_deleted(T + 20 * S, 5, T + 20 * S + 300 * MS));
	stop(&f, T + 25 * S + 300 * MS, T + 27 * S + 300 * MS, T + 27 * S + 301 * MS);
	pass(&f, T + 40 * S);
	assert_cause(&f, true, STOP_DELETION, "");
	assert_int_equal(told(&f)->exit.stop.hook_ns, 5 * S);
	assert_true(told(&f)->exit.stop.overran);
	fixture_close(&f);
}

/* Kubernetes' own word comes with the pod's status, after the death. */
static void the_word_of_kubernetes(void **state)
{
	struct event last = {.type = EVENT_POD_CONTAINER,
			     .boot_ns = T + 30 * S,
			     .pod_container = {.state = POD_CONTAINER_RUNNING,
					       .last_reason = "Error",
					       .last_exit_code = 3}};
	struct fixture f;

	(void)state;
	start(&f, true);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, APP_PID, 3, 0, T + 20 * S));
	feed(&f, ev_task(WEB, TASK_EXIT, APP_PID, 3, T + 20 * S));
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, T - 200 * MS, T, T + 20 * S, 3,
			   "Error"));
	pass(&f, T + 22 * S);
	/* what ended by itself waits for nothing */
	assert_cause(&f, true, STOP_UNKNOWN, "");
	assert_string_equal(told(&f)->exit.kubernetes_reason, "");
	TEXT_COPY(last.pod_container.pod_uid, POD_UID);
	TEXT_COPY(last.pod_container.name, "web");
	TEXT_COPY(last.pod_container.container_id, OTHER);
	TEXT_COPY(last.pod_container.last_container_id, WEB);
	feed(&f, last);
	assert_true(told(&f)->final);
	assert_string_equal(told(&f)->exit.kubernetes_reason, "Error");
	assert_int_equal(told(&f)->exit.kubernetes_code, 3);
	size_t count = f.count;

	feed(&f, last);
	assert_int_equal(f.count, count); /* it is told once */
	fixture_close(&f);
}

static void without_kubernetes_nothing_is_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, false);
	stop(&f, T + 20 * S, 0, T + 20 * S + 50 * MS);
	pass(&f, T + 22 * S);
	assert_cause(&f, true, STOP_UNKNOWN, "");
	assert_int_equal(fixture_count(&f, RECORD_WAIT), 0);
	fixture_close(&f);
}

/* Pods that give way to others are a loss, and told as one. */
static void more_pods_than_there_is_room_for(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f, true);
	for (unsigned int i = 0; i < 1026; i++) {
		struct event pod = ev_pod(T + i * MS);

		snprintf(pod.pod.pod_uid, sizeof(pod.pod.pod_uid),
			 "%08x-0000-4000-8000-000000000000", i);
		feed(&f, pod);
	}
	pass(&f, T + 600 * S);
	const struct record *gap = fixture_last(&f, RECORD_GAP, 0);

	assert_non_null(gap);
	assert_string_equal(gap->gap.cause,
			    "more pods than the agent keeps reasons of their stops for");
	assert_int_equal(gap->gap.count, 2);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_liveness_probe_is_told_by_events_later),
		cmocka_unit_test(a_runtime_that_runs_a_copy_of_itself),
		cmocka_unit_test(a_startup_probe_is_another_cause),
		cmocka_unit_test(what_is_not_of_this_stop),
		cmocka_unit_test(a_deletion_is_final_when_it_is_no_drain),
		cmocka_unit_test(a_drain_shows_at_the_node),
		cmocka_unit_test(a_node_that_was_cordoned_long_ago_is_not_drained),
		cmocka_unit_test(the_condition_says_who_deleted),
		cmocka_unit_test(the_status_says_what_the_kubelet_did),
		cmocka_unit_test(without_a_grace_period_the_pod_is_gone_first),
		cmocka_unit_test(a_static_pod_whose_file_goes_or_changes),
		cmocka_unit_test(a_hook_that_takes_its_time),
		cmocka_unit_test(the_word_of_kubernetes),
		cmocka_unit_test(without_kubernetes_nothing_is_waited_for),
		cmocka_unit_test(more_pods_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
