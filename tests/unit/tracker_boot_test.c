/* SPDX-License-Identifier: Apache-2.0 */
/* A boot's state: which pods are expected, when it is over, what is missing. */
#include "unit/boot_fixture.h"

static const struct node_plan kubernetes = {.kubernetes = true};
static const struct pod_plan web = {.n = 1, .name = "web-0"};
static const struct pod_plan db = {.n = 2, .name = "db-0", .app_ns = 4 * S};

static void waking_then_ready(void **state)
{
	struct world w;
	uint64_t told_ns = 0, ready;

	(void)state;
	world_open(&w, &kubernetes);
	script_pod(&w.script, &web, w.script.begin_ns);
	ready = script_pod(&w.script, &db, w.script.begin_ns);
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_int_equal(record->boot.pods_expected, 2);
	assert_int_equal(record->boot.pods_ready, 2);
	assert_int_equal(record->boot.missing_total, 0);
	assert_int_equal(record->boot.firmware_ns, 3 * S);
	assert_true(record->boot.measured);
	for (uint32_t i = 0; i < record->boot.phase_count; i++)
		assert_false(record->boot.phases[i].reconstructed);

	/* before that it was waking, told at most once a second, and nothing after the last word */
	for (size_t i = 0; i < w.fixture.count; i++) {
		const struct record *told = &w.fixture.told[i];

		if (told->type != RECORD_BOOT)
			continue;
		assert_true(told == record || !told->final);
		if (told->boot.state != BOOT_WAKING)
			continue;
		assert_true(told->boot_ns < ready);
		assert_true(!told_ns || told->boot_ns >= told_ns + 1 * S);
		told_ns = told->boot_ns;
	}
	assert_true(told_ns > 0);
	world_close(&w);
}

/* What began in this boot by somebody's wish is no part of it. */
static void fresh_pods_are_not_expected(void **state)
{
	struct world w;
	struct pod_plan fresh = {.n = 3, .name = "new-0", .fresh = true, .app_ns = 20 * S};
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	script_pod(&w.script, &fresh, w.script.begin_ns);
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_int_equal(record->boot.pods_expected, 1);
	world_close(&w);
}

static void deleted_while_waking(void **state)
{
	struct world w;
	struct event gone = {.type = EVENT_POD_GONE};
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	gone.boot_ns = ready + 20 * S;
	pod_uid(&db, gone.pod_gone.pod_uid);
	script_add(&w.script, gone);
	const struct record *record = world_play(&w, ready + 10 * S);

	assert_false(record->final);
	assert_int_equal(record->boot.state, BOOT_WAKING);
	assert_int_equal(record->boot.missing_total, 1);
	assert_string_equal(record->boot.missing[0].pod, "shop/db-0");
	script_play(&(struct script){.events = &gone, .count = 1}, &w.fixture, ready + 60 * S);
	record = boot_told(&w.fixture);
	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.pods_expected, 1);
	assert_int_equal(record->boot.span.to_ns, ready);
	world_close(&w);
}

static void completed_jobs_are_over(void **state)
{
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	script_add(&w.script, ev_pod_is(&db, "Succeeded", 0, w.script.runtime_ns + 1050 * MS));
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.pods_expected, 1);
	world_close(&w);
}

/* It runs, dies, runs: Ready for a moment is not back. */
static void a_crash_loop_is_not_ready(void **state)
{
	struct world w;
	char id[ID_SIZE];
	uint64_t ready, died;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	died = ready + 1 * S;
	container_id(&web, id);
	script_add(&w.script, ev_exit(ROLE_ENTRYPOINT, id, 1013, 3, 0, died));
	script_add(&w.script, ev_task(id, TASK_EXIT, 1013, 3, died + MS));
	script_add(&w.script, ev_pod_is(&web, "Running", 0, died + 20 * MS));
	script_add(&w.script, ev_container_is(&web, POD_CONTAINER_WAITING, "CrashLoopBackOff",
					      "back-off 10s restarting failed container", false,
					      died + 20 * MS));
	/* up again, for 5 s only: longer than a healthy pod has to last */
	script_add(&w.script, ev_pod_is(&web, "Running", died + 10 * S, died + 10 * S));
	script_add(&w.script, ev_pod_is(&web, "Running", 0, died + 15 * S));
	script_add(&w.script, ev_container_is(&web, POD_CONTAINER_WAITING, "CrashLoopBackOff",
					      "back-off 20s restarting failed container", false,
					      died + 15 * S));
	const struct record *record = world_play(&w, 599 * S);

	assert_false(record->final);
	assert_int_equal(record->boot.state, BOOT_WAKING);
	record = world_play(&w, 601 * S);
	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	assert_int_equal(record->boot.span.to_ns, 600 * S);
	assert_int_equal(record->boot.missing_total, 1);
	assert_int_equal(record->boot.missing_count, 1);
	assert_string_equal(record->boot.missing[0].pod, "shop/web-0");
	assert_string_equal(record->boot.missing[0].container, "app");
	assert_string_equal(record->boot.missing[0].reason, "CrashLoopBackOff");
	assert_string_equal(record->boot.missing[0].detail, "exit code 3");
	world_close(&w);
}

static void each_missing_pod_has_its_reason(void **state)
{
	static const char refused[] =
		"failed to pull and unpack image \"localhost:5000/app:1\": failed to resolve "
		"reference \"localhost:5000/app:1\": failed to do request: Head "
		"\"http://localhost:5000/v2/app/manifests/1\": dial tcp 127.0.0.1:5000: connect: "
		"connection refused";
	struct pod_plan slow = {.n = 4,
				.name = "slow-0",
				.app_ns = 1 * S,
				.probe_period_s = 10,
				.probe_ns = 9999 * S};
	struct pod_plan stuck = {.n = 5, .name = "stuck-0"}, old = {.n = 6, .name = "old-0"};
	struct pod_plan pull = {.n = 7, .name = "pull-0"};
	struct event pending;
	struct world w;
	uint64_t t;

	(void)state;
	world_open(&w, &kubernetes);
	t = w.script.begin_ns;
	script_old_pod(&w.script, &db);
	script_add(&w.script, ev_pod_is(&db, "Pending", 0, t));
	script_add(&w.script, ev_container_is(&db, POD_CONTAINER_WAITING, "ErrImagePull", refused,
					      false, t + 1 * S));
	script_add(&w.script, ev_container_is(&db, POD_CONTAINER_WAITING, "ImagePullBackOff",
					      "Back-off pulling image", false, t + 2 * S));
	script_old_pod(&w.script, &pull); /* the try before the last word of it */
	script_add(&w.script, ev_pod_is(&pull, "Pending", 0, t));
	script_add(&w.script, ev_container_is(&pull, POD_CONTAINER_WAITING, "ErrImagePull",
					      "no such image", false, t + 1 * S));
	script_pod(&w.script, &slow, t);
	script_old_pod(&w.script, &stuck);
	pending = ev_pod_is(&stuck, "Pending", 0, t);
	TEXT_COPY(pending.pod.message, "0/1 nodes are available: 1 Insufficient memory.");
	script_add(&w.script, pending);
	script_old_pod(&w.script, &old);
	const struct record *record = world_play(&w, 620 * S);
	const struct boot_missing *missing = record->boot.missing;

	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	assert_int_equal(record->boot.pods_expected, 5);
	assert_int_equal(record->boot.missing_total, 5);
	for (int i = 0; i < 5; i++) {
		if (strcmp(missing[i].pod, "shop/db-0") == 0) {
			assert_string_equal(missing[i].reason, "ImagePullBackOff");
			assert_non_null(strstr(missing[i].detail, "localhost:5000: "));
			assert_non_null(strstr(missing[i].detail,
					       "dial tcp 127.0.0.1:5000: connect: "
					       "connection refused"));
		} else if (strcmp(missing[i].pod, "shop/pull-0") == 0) {
			assert_string_equal(missing[i].reason, "ImagePullBackOff");
			assert_string_equal(missing[i].detail, "localhost:5000: no such image");
		} else if (strcmp(missing[i].pod, "shop/slow-0") == 0) {
			assert_string_equal(missing[i].reason, "probe failing");
			assert_string_equal(missing[i].container, "app");
			assert_non_null(strstr(missing[i].detail, "the probe asks every 10s"));
		} else if (strcmp(missing[i].pod, "shop/stuck-0") == 0) {
			assert_string_equal(missing[i].reason, "Pending");
			assert_string_equal(missing[i].detail,
					    "0/1 nodes are available: 1 Insufficient memory.");
		} else {
			assert_string_equal(missing[i].pod, "shop/old-0");
			assert_string_equal(missing[i].reason, "not started");
		}
	}
	world_close(&w);
}

static void ready_after_the_deadline(void **state)
{
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	ready = 700 * S;
	script_add(&w.script, ev_pod_is(&db, "Running", ready, ready));
	const struct record *record = world_play(&w, 650 * S);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	assert_int_equal(record->boot.pods_ready, 1);
	feed(&w.fixture, ev_pod_is(&db, "Running", ready, ready));
	pass(&w.fixture, ready + 60 * S);
	record = boot_told(&w.fixture);
	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	world_close(&w);
}

/* That the one that was missing is deleted later does not make the boot a good one. */
static void deleted_after_the_deadline(void **state)
{
	struct event gone = {.type = EVENT_POD_GONE, .boot_ns = 900 * S};
	struct world w;

	(void)state;
	world_open(&w, &kubernetes);
	script_pod(&w.script, &web, w.script.begin_ns);
	script_old_pod(&w.script, &db);
	pod_uid(&db, gone.pod_gone.pod_uid);
	script_add(&w.script, gone);
	const struct record *record = world_play(&w, 1000 * S);

	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	world_close(&w);
}

static void without_kubernetes(void **state)
{
	struct world w;
	uint64_t ready;
	char old[ID_SIZE];

	(void)state;
	world_open(&w, &(struct node_plan){0});
	ready = script_pod(&w.script, &db, w.script.begin_ns);
	script_old_pod(&w.script, &web);
	const struct record *record = world_play(&w, ready + 60 * S);

	/* containerd knows of web-0 from before: it does not come */
	assert_int_equal(record->boot.state, BOOT_WAKING);
	assert_int_equal(record->boot.pods_expected, 2);
	assert_int_equal(record->boot.pods_ready, 1);
	assert_string_equal(record->boot.missing[0].reason, "not started");
	snprintf(old, sizeof(old), "0d%062u", web.n);
	feed(&w.fixture, ev_gone(old, ready + 61 * S));
	pass(&w.fixture, ready + 80 * S);
	record = boot_told(&w.fixture);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_true(record->final);
	world_close(&w);
}

/* Its CRI client makes up new uids: the name tells that it is the same. */
static void back_under_another_uid(void **state)
{
	struct pod_plan reborn = {.n = 9, .name = "web-0", .fresh = true};
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_old_pod(&w.script, &web);
	ready = script_pod(&w.script, &reborn, w.script.begin_ns);
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.pods_expected, 1);
	assert_int_equal(record->boot.span.to_ns, ready);
	world_close(&w);
}

/* The condition kept its old stamp, but the containers of this boot are ready: the kubelet never said otherwise. */
static void an_old_stamp_of_a_ready_pod(void **state)
{
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	for (size_t i = 0; i < w.script.count; i++) /* 1: from before the boot */
		if (w.script.events[i].type == EVENT_POD)
			w.script.events[i].pod.ready_ns = 1;
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	world_close(&w);
}

/* Nothing is known of before: what comes up in the boot's time counts; the second comes 20 s after the first. */
static void first_boot_without_kubernetes(void **state)
{
	struct pod_plan first = {.n = 1, .name = "web-0", .fresh = true};
	struct pod_plan second = {.n = 2, .name = "db-0", .fresh = true};
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &(struct node_plan){0});
	script_pod(&w.script, &first, w.script.begin_ns);
	ready = script_pod(&w.script, &second, w.script.begin_ns + 20 * S);
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_int_equal(record->boot.pods_expected, 2);
	world_close(&w);
}

/* The runtime never comes up. */
static void the_runtime_fails(void **state)
{
	struct event failed = ev_unit("k3s.service", 5 * S, 0, 6 * S);
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	TEXT_COPY(failed.unit.result, "exit-code");
	feed(&f, ev_boot(3 * S));
	feed(&f, ev_source(SOURCE_KUBERNETES, SOURCE_DOWN, "no answer", 4 * S));
	feed(&f, failed);
	pass(&f, 601 * S);
	const struct record *record = boot_told(&f);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_NOT_RECOVERED);
	assert_int_equal(record->boot.pods_expected, 0);
	assert_string_equal(
		assert_step(record, 0, BOOT_STEP_UNIT, "k3s.service", PHASE_NONE, 595 * S)->detail,
		"failed: exit-code");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waking_then_ready),
		cmocka_unit_test(fresh_pods_are_not_expected),
		cmocka_unit_test(deleted_while_waking),
		cmocka_unit_test(completed_jobs_are_over),
		cmocka_unit_test(a_crash_loop_is_not_ready),
		cmocka_unit_test(each_missing_pod_has_its_reason),
		cmocka_unit_test(ready_after_the_deadline),
		cmocka_unit_test(deleted_after_the_deadline),
		cmocka_unit_test(without_kubernetes),
		cmocka_unit_test(back_under_another_uid),
		cmocka_unit_test(an_old_stamp_of_a_ready_pod),
		cmocka_unit_test(first_boot_without_kubernetes),
		cmocka_unit_test(the_runtime_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
