// SPDX-License-Identifier: Apache-2.0
/* Starts that were over before the agent watched, with the calls that containerd logged of them. */
#include "unit/track_fixture.h"

/* The agent begins at 100 s and finds a pod that was made from 45 s on: CRI stamps each thing when it is done. */
static void begin(struct fixture *f)
{
	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 100 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 100 * S));
}

static struct event runs(const char *id, uint64_t created, uint64_t started)
{
	return ev_status(id, SANDBOX, "web", CONTAINER_RUNNING, created, started, 0, 0, "");
}

static void find_sandbox(struct fixture *f, uint64_t created)
{
	feed_late(f, ev_status(SANDBOX, SANDBOX, "", CONTAINER_RUNNING, created, 0, 0, 0, ""),
		  101 * S);
}

static void find_pod(struct fixture *f)
{
	find_sandbox(f, 50 * S);
	feed_late(f, runs(WEB, 51900 * MS, 53 * S), 101 * S);
}

static void read_log(struct fixture *f, uint64_t seen)
{
	feed_late(f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 45 * S, 50100 * MS), seen);
	feed_late(f, ev_call(CRI_CREATE_CONTAINER, WEB, 51 * S, 52 * S), seen + 40 * MS);
	feed_late(f, ev_call(CRI_START_CONTAINER, WEB, 52500 * MS, 53100 * MS), seen + 80 * MS);
}

static const struct record *start_of(const struct fixture *f, const char *id)
{
	const struct record *record = fixture_find(f, RECORD_START, id);

	assert_non_null(record);
	assert_true(record->final);
	assert_int_equal(record->boot_ns, record->start.span.to_ns);
	return record;
}

struct want {
	enum phase phase;
	uint64_t from_ns, to_ns;
	bool measured;
};

static void assert_phases(const struct record *record, const struct want *want, uint32_t count)
{
	const struct record_start *start = &record->start;

	assert_int_equal(start->phase_count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(start->phases[i].phase, want[i].phase);
		assert_int_equal(start->phases[i].span.from_ns, want[i].from_ns);
		assert_int_equal(start->phases[i].span.to_ns, want[i].to_ns);
		assert_int_equal(start->phases[i].reconstructed, !want[i].measured);
	}
	assert_int_equal(start->span.from_ns, want[0].from_ns);
	assert_int_equal(start->span.to_ns, want[count - 1].to_ns);
}

static const struct want whole[] = {
	{PHASE_SANDBOX, 45 * S, 50100 * MS, false}, {PHASE_WAIT, 50100 * MS, 51 * S, false},
	{PHASE_CREATE, 51 * S, 52 * S, false},	    {PHASE_WAIT, 52 * S, 52500 * MS, false},
	{PHASE_RUNTIME, 52500 * MS, 53 * S, false},
};

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof(*(array))))

static void the_log_first(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	read_log(&f, 100500 * MS);
	find_pod(&f);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, WEB), whole, COUNT(whole));
	assert_int_equal(f.count, 1); /* told once */
	fixture_close(&f);
}

static void the_list_first(void **state)
{
	const struct want found[] = {{PHASE_WAIT, 50 * S, 51900 * MS, false},
				     {PHASE_RUNTIME, 51900 * MS, 53 * S, false}};
	struct fixture f;

	(void)state;
	begin(&f);
	find_pod(&f);
	pass(&f, 104 * S);
	assert_phases(start_of(&f, WEB), found, COUNT(found));
	assert_int_equal(f.count, 1);
	/* one call comes after the other: told again when they are all there */
	read_log(&f, 105 * S);
	pass(&f, 110 * S);
	assert_int_equal(f.count, 2);
	assert_phases(start_of(&f, WEB), whole, COUNT(whole));
	pass(&f, 200 * S);
	assert_int_equal(f.count, 2);
	fixture_close(&f);
}

#define IMAGE	 "registry.test:5000/big:1"
#define IMAGE_ID "sha256:91a683f8a335695aefee36bd8dd4cc0dc322bf7d799a70a08171c5597fdf6876"
#define REPO_ID	 "registry.test:5000/big@" IMAGE_ID

/* CRI's list names an image by its id, its status by its tag and the repository's digest. */
static void find_pod_of(struct fixture *f, const char *image, const char *image_id)
{
	struct event web = runs(WEB, 51900 * MS, 53 * S);

	TEXT_COPY(web.container.image, image);
	TEXT_COPY(web.container.image_id, image_id);
	find_pod(f);
	feed_late(f, web, 101 * S);
}

static const struct want pulled[] = {
	{PHASE_SANDBOX, 45 * S, 46 * S, false},	     {PHASE_WAIT, 46 * S, 46100 * MS, false},
	{PHASE_PULL, 46100 * MS, 50900 * MS, false}, {PHASE_WAIT, 50900 * MS, 51 * S, false},
	{PHASE_CREATE, 51 * S, 52 * S, false},	     {PHASE_WAIT, 52 * S, 52500 * MS, false},
	{PHASE_RUNTIME, 52500 * MS, 53 * S, false},
};

static void read_pull(struct fixture *f, uint64_t seen)
{
	read_log(f, seen);
	feed_late(f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 45 * S, 46 * S), seen + 90 * MS);
	feed_late(f, ev_pulled(IMAGE, IMAGE_ID, 46100 * MS, 50900 * MS), seen + 100 * MS);
	/* pods that came later */
	feed_late(f, ev_pulled(IMAGE, IMAGE_ID, 50950 * MS, 50960 * MS), seen + 110 * MS);
	feed_late(f, ev_pulled(IMAGE, IMAGE_ID, 70 * S, 71 * S), seen + 120 * MS);
}

static void its_image_was_pulled(void **state)
{
	static const char *const images[][2] = {
		{IMAGE, IMAGE_ID}, {IMAGE_ID, IMAGE_ID}, {IMAGE, REPO_ID}, {IMAGE, ""}};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(images); i++) {
		begin(&f); /* the log first */
		read_pull(&f, 100500 * MS);
		find_pod_of(&f, images[i][0], images[i][1]);
		pass(&f, 110 * S);
		assert_phases(start_of(&f, WEB), pulled, COUNT(pulled));
		assert_int_equal(start_of(&f, WEB)->start.pull_bytes, 0);
		assert_int_equal(fixture_count(&f, RECORD_PULL), 1);
		assert_int_equal(f.count, 2);
		fixture_close(&f);

		begin(&f); /* the list first */
		find_pod_of(&f, images[i][0], images[i][1]);
		pass(&f, 104 * S);
		read_log(&f, 104 * S);
		feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 45 * S, 46 * S), 104 * S);
		pass(&f, 106 * S);
		assert_int_equal(f.count, 2);
		feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 46100 * MS, 50900 * MS), 106 * S);
		pass(&f, 110 * S);
		assert_phases(start_of(&f, WEB), pulled, COUNT(pulled));
		assert_int_equal(f.count, 4);
		/* another pod's */
		feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 70 * S, 71 * S), 111 * S);
		feed_late(&f, ev_pulled("r.io/a:1", REPO_ID, 46 * S, 50 * S), 111 * S);
		pass(&f, 120 * S);
		assert_int_equal(f.count, 5);
		fixture_close(&f);
	}
}

/* The kubelet had it pulled for another pod first: it is waited for from the sandbox on. */
static void its_image_came_for_another(void **state)
{
	const struct want want[] = {{PHASE_SANDBOX, 45 * S, 46 * S, false},
				    {PHASE_PULL, 46 * S, 50900 * MS, false}};
	struct fixture f;

	(void)state;
	begin(&f);
	read_log(&f, 100500 * MS);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 45 * S, 46 * S), 101 * S);
	feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, 20 * S, 50900 * MS), 101 * S);
	find_pod_of(&f, IMAGE, IMAGE_ID);
	pass(&f, 110 * S);
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct phase_span *phase = &start_of(&f, WEB)->start.phases[i];

		assert_int_equal(phase->phase, want[i].phase);
		assert_int_equal(phase->span.from_ns, want[i].from_ns);
		assert_int_equal(phase->span.to_ns, want[i].to_ns);
	}
	fixture_close(&f);
}

static void its_image_was_there(void **state)
{
	const uint64_t times[][2] = {{20, 40}, {60, 70}, {50, 53}};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		begin(&f);
		read_log(&f, 100500 * MS);
		find_pod_of(&f, IMAGE, IMAGE_ID);
		feed_late(&f, ev_pulled(IMAGE, IMAGE_ID, times[i][0] * S, times[i][1] * S),
			  102 * S);
		pass(&f, 110 * S);
		assert_phases(start_of(&f, WEB), whole, COUNT(whole));
		fixture_close(&f);
	}
}

/* Without a journal nothing waits. */
static void no_log(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	find_pod(&f);
	pass(&f, 102 * S);
	start_of(&f, WEB);
	fixture_close(&f);
}

static void only_the_container_was_logged(void **state)
{
	const struct want want[] = {
		{PHASE_WAIT, 50 * S, 51 * S, false},
		{PHASE_CREATE, 51 * S, 52 * S, false},
		{PHASE_WAIT, 52 * S, 52500 * MS, false},
		{PHASE_RUNTIME, 52500 * MS, 53 * S, false},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	find_pod(&f);
	feed_late(&f, ev_call(CRI_CREATE_CONTAINER, WEB, 51 * S, 52 * S), 101 * S);
	feed_late(&f, ev_call(CRI_START_CONTAINER, WEB, 52500 * MS, 53100 * MS), 101 * S);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, WEB), want, COUNT(want));
	fixture_close(&f);
}

/* Seen from its runtime on: the calls tell what was before, and nothing that was seen changes. */
static void it_came_in_the_midst(void **state)
{
	uint64_t t = 10 * S;
	const struct want want[] = {
		{PHASE_SANDBOX, t - 300 * MS, t + 120 * MS, false},
		{PHASE_WAIT, t + 120 * MS, t + 200 * MS, false},
		{PHASE_CREATE, t + 200 * MS, t + 230 * MS, true},
		{PHASE_WAIT, t + 230 * MS, t + 240 * MS, true},
		{PHASE_RUNTIME, t + 240 * MS, t + 300 * MS, true},
		{PHASE_APP, t + 300 * MS, t + 700 * MS, true},
	};
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, t);
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, t));
	feed(&f, ev_up(SOURCE_CONTAINERD, t));
	for (size_t i = 2; i < n; i++) /* its network was ready by then */
		feed(&f, events[i]);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, t - 300 * MS, t + 125 * MS), t + 5 * S);
	pass(&f, t + 10 * S);
	assert_phases(start_of(&f, WEB), want, COUNT(want));
	fixture_close(&f);
}

static void a_restart_has_no_sandbox(void **state)
{
	const struct want want[] = {{PHASE_CREATE, 70 * S, 70500 * MS, false},
				    {PHASE_WAIT, 70500 * MS, 71 * S, false},
				    {PHASE_RUNTIME, 71 * S, 71800 * MS, false}};
	struct event again = runs(OTHER, 70400 * MS, 71800 * MS);
	struct fixture f;

	(void)state;
	again.container.attempt = 1;
	begin(&f);
	read_log(&f, 100500 * MS);
	feed_late(&f, ev_call(CRI_CREATE_CONTAINER, OTHER, 70 * S, 70500 * MS), 101 * S);
	feed_late(&f, ev_call(CRI_START_CONTAINER, OTHER, 71 * S, 71900 * MS), 101 * S);
	find_pod(&f);
	feed_late(&f,
		  ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, 51900 * MS, 53 * S, 60 * S, 1,
			    "Error"),
		  101 * S);
	feed_late(&f, again, 101 * S);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, OTHER), want, COUNT(want));
	assert_phases(start_of(&f, WEB), whole, COUNT(whole));
	fixture_close(&f);
}

/* The kubelet counts on over a reboot: not its first attempt, but the first in this sandbox. */
static void a_later_attempt_in_a_new_sandbox(void **state)
{
	struct event web = runs(WEB, 51900 * MS, 53 * S);
	struct fixture f;

	(void)state;
	web.container.attempt = 3;
	begin(&f);
	read_log(&f, 100500 * MS);
	find_sandbox(&f, 50 * S);
	feed_late(&f, web, 101 * S);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, WEB), whole, COUNT(whole));
	fixture_close(&f);
}

static void behind_an_init_container(void **state)
{
	const struct want want[] = {
		{PHASE_SANDBOX, 45 * S, 46 * S, false},	 {PHASE_INIT, 46 * S, 49 * S, false},
		{PHASE_WAIT, 49 * S, 51 * S, false},	 {PHASE_CREATE, 51 * S, 52 * S, false},
		{PHASE_WAIT, 52 * S, 52500 * MS, false}, {PHASE_RUNTIME, 52500 * MS, 53 * S, false},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	find_pod(&f);
	feed_late(&f,
		  ev_status(OTHER, SANDBOX, "migrate", CONTAINER_EXITED, 47 * S, 48 * S, 49 * S, 0,
			    "Completed"),
		  101 * S);
	pass(&f, 105 * S);
	read_log(&f, 105 * S);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 45 * S, 46 * S), 105 * S);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, WEB), want, COUNT(want));
	assert_true(start_of(&f, OTHER)->start.init_container);
	assert_int_equal(start_of(&f, OTHER)->start.phases[0].phase, PHASE_SANDBOX);
	fixture_close(&f);
}

static void a_start_that_failed(void **state)
{
	const struct want want[] = {
		{PHASE_CREATE, 51 * S, 52 * S, false},
		{PHASE_WAIT, 52 * S, 52500 * MS, false},
		{PHASE_RUNTIME, 52500 * MS, 53 * S, false},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	feed_late(&f,
		  ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, 51900 * MS, 0, 53 * S, 128,
			    "StartError"),
		  101 * S);
	read_log(&f, 101 * S);
	pass(&f, 110 * S);
	assert_int_equal(start_of(&f, WEB)->start.state, START_FAILED);
	assert_phases(start_of(&f, WEB), want, COUNT(want));
	fixture_close(&f);
}

/* CRI's stamps are half a minute off; the journal tells by the boot clock. */
static void the_wall_clock_was_set(void **state)
{
	const struct want want[] = {
		{PHASE_SANDBOX, 45 * S, 50100 * MS, false},
		{PHASE_WAIT, 50100 * MS, 50200 * MS, false},
		{PHASE_PULL, 50200 * MS, 50900 * MS, false},
		{PHASE_WAIT, 50900 * MS, 51 * S, false},
		{PHASE_CREATE, 51 * S, 52 * S, false},
		{PHASE_WAIT, 52 * S, 52500 * MS, false},
		{PHASE_RUNTIME, 52500 * MS, 53100 * MS, false},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	read_log(&f, 100500 * MS);
	find_sandbox(&f, 20 * S);
	feed_late(&f, runs(WEB, 21900 * MS, 23 * S), 101 * S);
	feed_late(&f, ev_pulled("localhost/web:1", IMAGE_ID, 50200 * MS, 50900 * MS), 101 * S);
	pass(&f, 110 * S);
	assert_phases(start_of(&f, WEB), want, COUNT(want));
	fixture_close(&f);
}

static void with_what_kubernetes_knows(void **state)
{
	struct event pod = {
		.type = EVENT_POD,
		.boot_ns = 101 * S,
		.pod = {.pod_uid = POD_UID,
			.pod = "web-0",
			.pod_namespace = "shop",
			.created_ns = 40 * S,
			.scheduled_ns = 41 * S,
			.phase = "Running"},
	};
	struct fixture f;

	(void)state;
	begin(&f);
	feed(&f, pod);
	read_log(&f, 100500 * MS);
	find_pod(&f);
	pass(&f, 120 * S);
	const struct record_start *start = &start_of(&f, WEB)->start;

	assert_int_equal(start->span.from_ns, 40 * S);
	assert_int_equal(start->phases[0].phase, PHASE_SCHEDULE);
	assert_int_equal(start->phases[1].phase, PHASE_ADMIT);
	assert_int_equal(start->phases[1].span.to_ns, 45 * S);
	assert_int_equal(start->phases[2].phase, PHASE_SANDBOX);
	fixture_close(&f);
}

/* What a log names does not come to life by it, and it may name a lot. */
static void long_gone(void **state)
{
	struct tracker_stats stats;
	char id[ID_SIZE];
	struct fixture f;

	(void)state;
	begin(&f);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, "", 45 * S, 50 * S), 101 * S);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 0, 50 * S), 101 * S);
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 51 * S, 50 * S), 101 * S);
	for (unsigned int i = 0; i < 4096; i++) {
		snprintf(id, sizeof(id), "%064u", i);
		feed_late(&f, ev_call(CRI_START_CONTAINER, id, 45 * S, 50 * S), 101 * S);
	}
	pass(&f, 300 * S);
	assert_int_equal(f.count, 0);
	read_log(&f, 301 * S);
	find_pod(&f);
	pass(&f, 400 * S);
	assert_phases(start_of(&f, WEB), whole, COUNT(whole));
	tracker_stats(f.tracker, &stats);
	assert_int_equal(stats.containers, 1);
	assert_int_equal(stats.pods, 1);
	/* the first two made room */
	assert_int_equal(fixture_count(&f, RECORD_GAP), 1);
	assert_int_equal(fixture_last(&f, RECORD_GAP, 0)->gap.count, 2);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_first),
		cmocka_unit_test(the_list_first),
		cmocka_unit_test(its_image_was_pulled),
		cmocka_unit_test(its_image_came_for_another),
		cmocka_unit_test(its_image_was_there),
		cmocka_unit_test(no_log),
		cmocka_unit_test(only_the_container_was_logged),
		cmocka_unit_test(it_came_in_the_midst),
		cmocka_unit_test(a_restart_has_no_sandbox),
		cmocka_unit_test(a_later_attempt_in_a_new_sandbox),
		cmocka_unit_test(behind_an_init_container),
		cmocka_unit_test(a_start_that_failed),
		cmocka_unit_test(the_wall_clock_was_set),
		cmocka_unit_test(with_what_kubernetes_knows),
		cmocka_unit_test(long_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
