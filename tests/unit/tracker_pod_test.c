/* SPDX-License-Identifier: Apache-2.0 */
/* What Kubernetes adds: schedule, admit, probe, a pod's own start, what pods wait for. */
#include "unit/track_fixture.h"

#define T (100 * S)

static void open_all(struct fixture *f)
{
	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	feed(f, ev_up(SOURCE_KUBERNETES, 1 * S));
}

/* Created by its stamp at T - 3 s, bound before our eyes at T - 1 s. */
static struct event ev_pod(uint64_t ready_ns, uint64_t at)
{
	struct event event = {
		.type = EVENT_POD,
		.boot_ns = at,
		.pod = {.created_ns = T - 3 * S,
			.scheduled_ns = T - 1 * S,
			.arrived = true,
			.ready_ns = ready_ns,
			.ready_arrived = ready_ns != 0},
	};

	TEXT_COPY(event.pod.pod_uid, POD_UID);
	TEXT_COPY(event.pod.pod, "web-0");
	TEXT_COPY(event.pod.pod_namespace, "shop");
	return event;
}

static struct event ev_told(const char *id, bool probe, bool ready, uint64_t at)
{
	struct event event = {
		.type = EVENT_POD_CONTAINER,
		.boot_ns = at,
		.pod_container = {.has_probe = probe,
				  .probe_period_s = probe ? 10 : 0,
				  .ready = ready,
				  .ready_arrived = ready,
				  .state = POD_CONTAINER_RUNNING},
	};

	TEXT_COPY(event.pod_container.pod_uid, POD_UID);
	TEXT_COPY(event.pod_container.name, "web");
	TEXT_COPY(event.pod_container.container_id, id);
	return event;
}

static struct event ev_waiting(const char *reason, const char *message, uint64_t at)
{
	struct event event = ev_told("", false, false, at);

	event.pod_container.state = POD_CONTAINER_WAITING;
	TEXT_COPY(event.pod_container.reason, reason);
	TEXT_COPY(event.pod_container.message, message);
	return event;
}

static void start_pod(struct fixture *f)
{
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, T);

	feed(f, ev_pod(0, T - 1 * S));
	for (size_t i = 0; i < n; i++)
		feed(f, events[i]);
}

static void assert_phase(const struct record_start *start, uint32_t index, enum phase phase,
			 uint64_t from, uint64_t to)
{
	assert_true(index < start->phase_count);
	assert_int_equal(start->phases[index].phase, phase);
	assert_int_equal(start->phases[index].span.from_ns, from);
	assert_int_equal(start->phases[index].span.to_ns, to);
}

/* It listens at T + 700 ms; the probe passes at T + 9 s, and the pod is Ready. */
static void probe_ends_the_start(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f);
	start_pod(&f);
	pass(&f, T + 2 * S);
	feed(&f, ev_told(WEB, true, false, T + 2 * S));
	pass(&f, T + 8 * S);
	assert_false(fixture_find(&f, RECORD_START, WEB)->final);
	feed(&f, ev_told(WEB, true, true, T + 9 * S));
	feed(&f, ev_pod(T + 9 * S, T + 9 * S));
	pass(&f, T + 10 * S);

	const struct record *record = fixture_find(&f, RECORD_START, WEB);
	const struct record_start *start = &record->start;

	assert_true(record->final);
	assert_false(record_reconstructed(record));
	assert_int_equal(start->state, START_LISTENING);
	assert_phase(start, 0, PHASE_SCHEDULE, T - 3 * S, T - 1 * S);
	assert_true(start->phases[0].reconstructed);
	assert_phase(start, 1, PHASE_ADMIT, T - 1 * S, T);
	assert_false(start->phases[1].reconstructed);
	assert_phase(start, 2, PHASE_SANDBOX, T, T + 120 * MS);
	assert_phase(start, start->phase_count - 2, PHASE_APP, T + 300 * MS, T + 700 * MS);
	assert_phase(start, start->phase_count - 1, PHASE_PROBE, T + 700 * MS, T + 9 * S);
	assert_int_equal(start->ready_ns, T + 9 * S);
	assert_int_equal(start->probe_period_s, 10);

	record = fixture_find(&f, RECORD_START, "pod-" POD_UID);
	assert_non_null(record);
	assert_true(record->final);
	assert_string_equal(record->subject.pod, "web-0");
	assert_string_equal(record->subject.container, "");
	assert_int_equal(record->start.state, START_READY);
	assert_int_equal(record->start.span.from_ns, T - 3 * S);
	assert_int_equal(record->start.span.to_ns, T + 9 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 2);

	/* Ready again later is no start */
	feed(&f, ev_pod(0, T + 20 * S));
	feed(&f, ev_pod(T + 30 * S, T + 30 * S));
	pass(&f, T + 40 * S);
	assert_int_equal(fixture_find(&f, RECORD_START, "pod-" POD_UID)->start.span.to_ns,
			 T + 9 * S);
	fixture_close(&f);
}

static void no_probe_nothing_to_wait_for(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f);
	start_pod(&f);
	feed(&f, ev_told(WEB, false, true, T + 1500 * MS));
	pass(&f, T + 1600 * MS);
	const struct record *record = fixture_find(&f, RECORD_START, WEB);

	assert_true(record->final);
	assert_int_equal(record->start.span.to_ns, T + 700 * MS);
	fixture_close(&f);
}

/* The kubelet never reports: the start is told all the same. */
static void silent_kubelet(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f);
	start_pod(&f);
	pass(&f, T + 5 * S);
	assert_false(fixture_find(&f, RECORD_START, WEB)->final);
	pass(&f, T + 12 * S);
	assert_true(fixture_find(&f, RECORD_START, WEB)->final);
	fixture_close(&f);
}

/* A probe over UDP or exec: the app phase ends when the container is ready. */
static void ready_without_listening(void **state)
{
	struct fixture f;
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, T);

	(void)state;
	open_all(&f);
	feed(&f, ev_pod(0, T - 1 * S));
	for (size_t i = 0; i < n; i++)
		if (events[i].type != EVENT_LISTEN)
			feed(&f, events[i]);
	feed(&f, ev_told(WEB, true, false, T + 2 * S));
	feed(&f, ev_told(WEB, true, true, T + 4 * S));
	pass(&f, T + 5 * S);
	const struct record *record = fixture_find(&f, RECORD_START, WEB);

	assert_true(record->final);
	assert_phase(&record->start, record->start.phase_count - 1, PHASE_APP, T + 300 * MS,
		     T + 4 * S);
	fixture_close(&f);
}

static void without_kubernetes_as_before(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f);
	feed(&f, ev_source(SOURCE_KUBERNETES, SOURCE_DOWN, "gone", T - 2 * S));
	start_pod(&f);
	feed(&f, ev_told(WEB, true, false, T + 1 * S));
	pass(&f, T + 2 * S);
	assert_true(fixture_find(&f, RECORD_START, WEB)->final);
	fixture_close(&f);
}

/* The first listing tells of pods that have long been Ready: no start of theirs was seen. */
static void listed_pods_have_no_start(void **state)
{
	struct fixture f;
	struct event event = ev_pod(T - 50 * S, T);

	(void)state;
	open_all(&f);
	event.pod.arrived = event.pod.ready_arrived = false;
	feed(&f, event);
	pass(&f, T + 10 * S);
	assert_int_equal(fixture_count(&f, RECORD_START), 0);
	fixture_close(&f);
}

static void failed_pull_is_one_wait(void **state)
{
	struct fixture f;

	(void)state;
	open_all(&f);
	feed(&f, ev_pod(0, T));
	feed(&f, ev_waiting("ContainerCreating", "", T + 1 * S));
	assert_int_equal(fixture_count(&f, RECORD_WAIT), 0);
	feed(&f, ev_waiting("ErrImagePull", "no such image", T + 2 * S));
	feed(&f, ev_waiting("ImagePullBackOff", "Back-off pulling image", T + 12 * S));
	feed(&f, ev_waiting("ErrImagePull", "still no such image", T + 30 * S));
	const struct record *record = fixture_last(&f, RECORD_WAIT, 0);

	assert_false(record->final);
	assert_string_equal(record->subject.pod, "web-0");
	assert_string_equal(record->subject.container, "web");
	assert_string_equal(record->wait.reason, "ImagePullBackOff");
	assert_string_equal(record->wait.message, "still no such image");
	assert_int_equal(record->wait.span.from_ns, T + 2 * S);
	feed(&f, ev_told(WEB, false, true, T + 40 * S));
	pass(&f, T + 60 * S);
	assert_false(fixture_last(&f, RECORD_WAIT, 0)->final);
	pass(&f, T + 80 * S);
	record = fixture_last(&f, RECORD_WAIT, 0);
	assert_true(record->final && record->wait.over);
	assert_int_equal(record->wait.span.to_ns, T + 40 * S);
	assert_int_equal(fixture_count(&f, RECORD_WAIT), 1);
	fixture_close(&f);
}

static void crash_loop_is_one_wait(void **state)
{
	struct fixture f;
	uint64_t at = T;

	(void)state;
	open_all(&f);
	feed(&f, ev_pod(0, T));
	for (int i = 0; i < 5; i++, at += 60 * S) {
		feed(&f, ev_waiting("CrashLoopBackOff", "back-off 1m20s restarting failed", at));
		feed(&f, ev_told(WEB, false, true, at + 50 * S));
		pass(&f, at + 59 * S);
	}
	const struct record *record = fixture_last(&f, RECORD_WAIT, 0);

	assert_int_equal(fixture_count(&f, RECORD_WAIT), 1);
	assert_int_equal(record->wait.count, 5);
	assert_int_equal(record->wait.next_retry_ns, at - 60 * S + 80 * S);
	struct event gone = {.type = EVENT_POD_GONE, .boot_ns = at};

	TEXT_COPY(gone.pod_gone.pod_uid, POD_UID);
	feed(&f, gone);
	assert_true(fixture_last(&f, RECORD_WAIT, 0)->final);
	fixture_close(&f);
}

static void trouble_of_others(void **state)
{
	struct fixture f;
	struct event trouble = {
		.type = EVENT_POD_TROUBLE,
		.boot_ns = T + 9 * S,
		.pod_trouble = {.first_ns = T + 2 * S, .last_ns = T + 8 * S, .count = 3},
	};

	(void)state;
	open_all(&f);
	feed(&f, ev_pod(0, T));
	TEXT_COPY(trouble.pod_trouble.pod_uid, POD_UID);
	TEXT_COPY(trouble.pod_trouble.reason, "FailedMount");
	TEXT_COPY(trouble.pod_trouble.message, "secret \"db\" not found");
	TEXT_COPY(trouble.pod_trouble.component, "kubelet");
	feed(&f, trouble);
	const struct record *record = fixture_last(&f, RECORD_WAIT, 0);

	assert_string_equal(record->wait.component, "kubelet");
	assert_int_equal(record->wait.count, 3);
	assert_int_equal(record->wait.span.from_ns, T + 2 * S);
	pass(&f, T + 300 * S);
	record = fixture_last(&f, RECORD_WAIT, 0);
	assert_true(record->final);
	assert_int_equal(record->wait.span.to_ns, T + 8 * S);
	fixture_close(&f);
}

static void many_waits_are_bounded(void **state)
{
	struct fixture f;
	size_t open = 0;

	(void)state;
	open_all(&f);
	for (int i = 0; i < 600; i++) {
		struct event event = ev_waiting("CreateContainerError", "x", T + (uint64_t)i);

		snprintf(event.pod_container.pod_uid, POD_UID_SIZE, "uid-%d", i);
		feed(&f, event);
	}
	for (size_t i = 0; i < 600; i++)
		open += !fixture_last(&f, RECORD_WAIT, i)->final;
	assert_int_equal(open, 512);
	fixture_close(&f);
}

/* CRI does not list a sandbox before it is ready; then the image is pulled for a minute. */
static void listed_while_it_was_made(void **state)
{
	struct fixture f;
	uint64_t t = 10 * S, listed = t + 5 * S, pulled = t + 60 * S;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(&f, ev_up(SOURCE_CONTAINERD, 1 * S));
	feed(&f, ev_rootfs(SANDBOX, t));
	feed(&f, ev_identity(SANDBOX, SANDBOX, "", t + 60 * MS));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", listed));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", listed + MS));
	pass(&f, listed + S);
	feed(&f, ev_exec(ROLE_ENTRYPOINT, SANDBOX, 20, "/pause", "", t + 8 * S));
	pass(&f, pulled);
	feed(&f, ev_rootfs(WEB, pulled));
	feed(&f, ev_identity(WEB, SANDBOX, "web", pulled + MS));
	feed(&f, ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", pulled + 2 * MS));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, WEB, 31, "/srv", "", pulled + 3 * MS));
	feed(&f, ev_listen(WEB, 8080, pulled + 4 * MS));
	pass(&f, pulled + 5 * S);
	const struct record_start *start = &fixture_last(&f, RECORD_START, 0)->start;

	assert_int_equal(start->phases[0].phase, PHASE_SANDBOX);
	assert_int_equal(start->span.from_ns, t);
	assert_int_equal(start->phases[0].span.to_ns, t + 8 * S);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_while_it_was_made),
		cmocka_unit_test(probe_ends_the_start),
		cmocka_unit_test(no_probe_nothing_to_wait_for),
		cmocka_unit_test(silent_kubelet),
		cmocka_unit_test(ready_without_listening),
		cmocka_unit_test(without_kubernetes_as_before),
		cmocka_unit_test(listed_pods_have_no_start),
		cmocka_unit_test(failed_pull_is_one_wait),
		cmocka_unit_test(crash_loop_is_one_wait),
		cmocka_unit_test(trouble_of_others),
		cmocka_unit_test(many_waits_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
