/* SPDX-License-Identifier: Apache-2.0 */
/* What comes late: an agent that starts long after the boot, and facts that are found when all is over. */
#include "unit/boot_fixture.h"

static const struct node_plan kubernetes = {.kubernetes = true};
static const struct pod_plan web = {.n = 1, .name = "web-0"};
static const struct pod_plan db = {.n = 2, .name = "db-0", .app_ns = 4 * S};

static void open_late(struct fixture *f, uint64_t at)
{
	struct event boot = ev_boot(at);

	boot.flags = EVENT_RECONSTRUCTED;
	fixture_open(f, NULL);
	feed(f, ev_milestone(MILESTONE_AGENT_STARTED, "", at));
	feed(f, ev_up(SOURCE_KERNEL, at));
	feed(f, boot);
}

/* It is watched from 120 s on; all times come from stamps. */
static void agent_came_late(void **state)
{
	struct event pod = ev_pod_is(&web, "Running", 20 * S, 121 * S);
	struct event units[] = {
		ev_unit("containerd.service", 4 * S, 5 * S, 0),
		ev_milestone(MILESTONE_RUNTIME_STARTED, "containerd.service", 4100 * MS),
		ev_milestone(MILESTONE_RUNTIME_READY, "containerd.service", 4900 * MS),
	};
	struct fixture f;

	(void)state;
	open_late(&f, 120 * S);
	for (size_t i = 0; i < 3; i++) {
		units[i].flags = i < 2 ? EVENT_RECONSTRUCTED : 0;
		feed_late(&f, units[i], 120 * S);
	}
	pod.pod.ready_arrived = false;
	feed(&f, pod);
	feed(&f, ev_up(SOURCE_KUBERNETES, 122 * S));
	pass(&f, 200 * S);
	const struct record *record = boot_told(&f);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_false(record->boot.measured);
	assert_true(record_reconstructed(record));
	assert_int_equal(record->boot.span.to_ns, 20 * S);
	assert_boot_phase(record, BOOT_PHASE_USERSPACE, 2 * S, 4 * S);
	assert_boot_phase(record, BOOT_PHASE_RUNTIME, 4 * S, 4900 * MS);
	assert_boot_phase(record, BOOT_PHASE_PODS, 4900 * MS, 20 * S);
	for (uint32_t i = 0; i < record->boot.phase_count; i++)
		assert_true(record->boot.phases[i].reconstructed);
	fixture_close(&f);
}

#define DAYS (3 * 86400 * S)

static void open_days_later(struct fixture *f, uint64_t web_ready, uint64_t db_ready)
{
	struct event pods[] = {
		ev_pod_is(&web, "Running", web_ready, DAYS + 1 * S),
		ev_pod_is(&db, "Running", db_ready, DAYS + 1 * S),
	};

	open_late(f, DAYS);
	feed_late(f, ev_unit("containerd.service", 4 * S, 5 * S, 0), DAYS);
	/* restarted since: no part of the boot */
	feed_late(f, ev_milestone(MILESTONE_RUNTIME_STARTED, "containerd.service", 90000 * S),
		  DAYS);
	feed_late(f, ev_unit("kubelet.service", 80000 * S, 80001 * S, 0), DAYS);
	for (int i = 0; i < 2; i++) {
		pods[i].pod.ready_arrived = false;
		feed(f, pods[i]);
	}
	feed(f, ev_up(SOURCE_KUBERNETES, DAYS + 2 * S));
	pass(f, DAYS + 60 * S);
}

static void days_later_all_is_known(void **state)
{
	struct fixture f;

	(void)state;
	open_days_later(&f, 20 * S, 30 * S);
	const struct record *record = boot_told(&f);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, 30 * S);
	assert_false(record->boot.measured);
	assert_int_equal(fixture_count(&f, RECORD_UNIT), 1);
	fixture_close(&f);
}

/* A pod became Ready yesterday: whether it was before that nobody knows. */
static void days_later_the_outcome_is_unknown(void **state)
{
	struct fixture f;

	(void)state;
	open_days_later(&f, 20 * S, 200000 * S);
	const struct record *record = boot_told(&f);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_STATE_NONE);
	assert_int_equal(record->boot.span.to_ns, 20 * S);
	assert_int_equal(record->boot.pods_expected, 2);
	assert_int_equal(record->boot.pods_ready, 1);
	assert_int_equal(record->boot.missing_total, 0);
	/* and it stays so, whatever happens to the pods */
	feed(&f, ev_pod_is(&db, "Succeeded", 0, DAYS + 100 * S));
	pass(&f, DAYS + 900 * S);
	assert_ptr_equal(boot_told(&f), record);
	fixture_close(&f);
}

/* An agent that meets no boot's facts has no boot to tell. */
static void nothing_known_nothing_told(void **state)
{
	struct event events[POD_EVENTS];
	size_t n = pod_start(events, 10 * S);
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_milestone(MILESTONE_AGENT_STARTED, "", 5 * S));
	for (size_t i = 0; i < n; i++)
		feed(&f, events[i]);
	pass(&f, 2000 * S);
	assert_null(fixture_find(&f, RECORD_BOOT, "boot"));
	fixture_close(&f);
}

/* It takes a while to find out how the boot before ended. */
static void how_the_last_boot_ended(void **state)
{
	struct event last = {
		.type = EVENT_LAST_BOOT,
		.last_boot = {.end = BOOT_END_POWER_LOSS,
			      .last_wall_ns = 77,
			      .down_ns = 40 * S,
			      .evidence = "the journal stops"},
	};
	struct world w;
	uint64_t ready;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	last.boot_ns = ready + 30 * S;
	script_add(&w.script, last);
	const struct record *record = world_play(&w, ready + 60 * S);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_int_equal(record->boot.last_end, BOOT_END_POWER_LOSS);
	assert_int_equal(record->boot.last_wall_ns, 77);
	assert_int_equal(record->boot.down_ns, 40 * S);
	assert_string_equal(record->boot.last_evidence, "the journal stops");
	world_close(&w);
}

static void forget_node_ready(struct script *script)
{
	for (size_t i = 0; i < script->count; i++)
		if (script->events[i].type == EVENT_MILESTONE &&
		    script->events[i].milestone.what == MILESTONE_NODE_READY)
			script->events[i].type = EVENT_NONE;
}

/* The API server's stamps are cut to whole seconds: within that one the kubelet's log knows better. */
static void whole_seconds_are_no_earlier(void **state)
{
	static const struct {
		int journal_ms, wanted_ms; /* after the API server's */
	} cases[] = {{700, 700}, {1100, 0}, {-100, -100}};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		struct event api, journal;
		struct world w;
		uint64_t ready, api_ns;

		world_open(&w, &kubernetes);
		ready = script_pod(&w.script, &web, w.script.begin_ns);
		forget_node_ready(&w.script);
		api_ns = w.script.runtime_ns + 1500 * MS;
		api = ev_milestone(MILESTONE_NODE_READY, "", api_ns);
		api.flags = EVENT_RECONSTRUCTED;
		TEXT_COPY(api.milestone.told_by, "api");
		journal = ev_milestone(MILESTONE_NODE_READY, "",
				       api_ns + (uint64_t)cases[i / 2].journal_ms * MS);
		TEXT_COPY(journal.milestone.told_by, "journal");
		world_play(&w, ready + 1 * S);
		feed_late(&w.fixture, i % 2 ? api : journal, ready + 1 * S);
		feed_late(&w.fixture, i % 2 ? journal : api, ready + 1 * S);
		pass(&w.fixture, ready + 10 * S);
		assert_boot_phase(boot_told(&w.fixture), BOOT_PHASE_NODE,
				  w.script.runtime_ns + 1 * S,
				  api_ns + (uint64_t)cases[i / 2].wanted_ms * MS);
		world_close(&w);
	}
}

/*
 * The kubelet calls the Node Ready behind its first answer from the API server, which the journal has exactly; the stamp
 * is cut to the second in which both were.
 */
static void a_node_is_not_ready_before_the_server(void **state)
{
	static const struct {
		uint64_t server_ms, wanted_ms; /* after the stamp */
		bool node;		       /* it takes time of its own */
	} cases[] = {{400, 400, false}, {1100, 0, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct event node;
		struct world w;
		uint64_t ready, server_ns;

		world_open(&w, &kubernetes);
		ready = script_pod(&w.script, &web, w.script.begin_ns);
		forget_node_ready(&w.script);
		server_ns = w.script.runtime_ns + 1 * S;
		node = ev_milestone(MILESTONE_NODE_READY, "", server_ns - cases[i].server_ms * MS);
		node.flags = EVENT_RECONSTRUCTED;
		TEXT_COPY(node.milestone.told_by, "api");
		world_play(&w, ready + 1 * S);
		feed_late(&w.fixture, node, ready + 1 * S);
		pass(&w.fixture, ready + 10 * S);
		const struct record_boot *boot = &boot_told(&w.fixture)->boot;
		const struct boot_phase_span *last = &boot->phases[boot->phase_count - 1];

		assert_int_equal(last->phase, BOOT_PHASE_PODS);
		assert_int_equal(last[-1].phase, BOOT_PHASE_RUNTIME);
		assert_int_equal(last->span.from_ns, node.boot_ns + cases[i].wanted_ms * MS);
		assert_int_equal(last->reconstructed, cases[i].node);
		assert_int_equal(last[-1].reconstructed, cases[i].node);
		world_close(&w);
	}
}

/* What the journal tells when all is over still finds its place; what becomes of the pods does not. */
static void late_facts_find_their_place(void **state)
{
	struct event node;
	struct world w;
	uint64_t ready, node_ns;

	(void)state;
	world_open(&w, &kubernetes);
	ready = script_pod(&w.script, &web, w.script.begin_ns);
	forget_node_ready(&w.script);
	world_play(&w, ready + 10 * S);
	node_ns = w.script.runtime_ns + 2 * S;
	node = ev_milestone(MILESTONE_NODE_READY, "", node_ns);
	node.flags = EVENT_RECONSTRUCTED;
	feed(&w.fixture, ev_pod_is(&web, "Running", 0, ready + 11 * S));
	feed_late(&w.fixture, node, ready + 20 * S);
	pass(&w.fixture, ready + 30 * S);
	const struct record *record = boot_told(&w.fixture);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_int_equal(record->boot.pods_ready, 1);
	assert_int_equal(record->boot.span.to_ns, ready);
	assert_boot_phase(record, BOOT_PHASE_NODE, w.script.runtime_ns + 1 * S, node_ns);
	/* much later nothing changes any more */
	pass(&w.fixture, ready + 200 * S);
	feed_late(&w.fixture, ev_milestone(MILESTONE_NETWORK_READY, "", node_ns - 200 * MS),
		  ready + 201 * S);
	pass(&w.fixture, ready + 300 * S);
	assert_ptr_equal(boot_told(&w.fixture), record);
	world_close(&w);
}

static const struct boot_step *step_of(const struct record *record, enum phase phase)
{
	for (uint32_t i = 0; i < record->boot.step_count; i++)
		if (record->boot.steps[i].phase == phase)
			return &record->boot.steps[i];
	return NULL;
}

#define FIRST_ID "sha256:1d00000000000000000000000000000000000000000000000000000000000000"
#define WEB_ID	 "sha256:2d00000000000000000000000000000000000000000000000000000000000000"
#define LAST_ID	 "sha256:3d00000000000000000000000000000000000000000000000000000000000000"

/* The journal is long: it is read to its end when the boot has been told. A sandbox's part is found then. */
static void what_was_logged_of_a_start(void **state)
{
	struct fixture f;

	(void)state;
	open_late(&f, 120 * S);
	feed(&f, ev_up(SOURCE_CONTAINERD, 120 * S));
	feed_late(&f, ev_unit("containerd.service", 4 * S, 5 * S, 0), 120 * S);
	feed_late(&f, ev_milestone(MILESTONE_RUNTIME_READY, "", 4900 * MS), 120 * S);
	feed_late(&f, ev_status(SANDBOX, SANDBOX, "", CONTAINER_RUNNING, 10 * S, 0, 0, 0, ""),
		  121 * S);
	feed_late(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_RUNNING, 12 * S, 13 * S, 0, 0, ""),
		  121 * S);
	pass(&f, 190 * S);
	const struct record *record = boot_told(&f);

	assert_true(record->final);
	assert_int_equal(record->boot.state, BOOT_READY);
	assert_null(step_of(record, PHASE_SANDBOX));
	feed_late(&f, ev_call(CRI_RUN_POD_SANDBOX, SANDBOX, 6 * S, 10100 * MS), 200 * S);
	feed_late(&f, ev_call(CRI_CREATE_CONTAINER, WEB, 11 * S, 12100 * MS), 200 * S);
	feed_late(&f, ev_call(CRI_START_CONTAINER, WEB, 12200 * MS, 13100 * MS), 200 * S);
	pass(&f, 210 * S);
	const struct record *again = boot_told(&f);
	const struct boot_step *sandbox = step_of(again, PHASE_SANDBOX);

	assert_ptr_not_equal(again, record);
	assert_int_equal(again->boot.state, BOOT_READY);
	assert_int_equal(again->boot.span.to_ns, record->boot.span.to_ns);
	assert_non_null(sandbox);
	assert_true(sandbox->reconstructed);
	assert_int_equal(sandbox->span.from_ns, 6 * S);
	assert_int_equal(sandbox->span.to_ns, 10100 * MS);
	assert_non_null(step_of(again, PHASE_CREATE));
	assert_non_null(step_of(again, PHASE_RUNTIME));
	assert_null(step_of(again, PHASE_PULL));
	/* another image's pull, then its own */
	feed_late(&f, ev_pulled("r.io/first:1", FIRST_ID, 6 * S, 10800 * MS), 220 * S);
	pass(&f, 230 * S);
	const struct boot_step *pull = step_of(boot_told(&f), PHASE_PULL);

	assert_non_null(pull);
	assert_true(pull->reconstructed);
	assert_int_equal(pull->span.from_ns, 10100 * MS);
	assert_int_equal(pull->span.to_ns, 11 * S);
	assert_non_null(strstr(pull->detail, "waited for the pull of r.io/first:1"));
	feed_late(&f, ev_pulled("localhost/web:1", WEB_ID, 10300 * MS, 10950 * MS), 240 * S);
	pass(&f, 250 * S);
	pull = step_of(boot_told(&f), PHASE_PULL);
	assert_non_null(pull);
	assert_int_equal(pull[0].span.to_ns, 10300 * MS);
	assert_int_equal(pull[1].phase, PHASE_PULL);
	assert_true(pull[1].reconstructed);
	assert_string_equal(pull[1].detail, "shared with 1 pull");
	assert_int_equal(pull[1].span.from_ns, 10300 * MS);
	assert_int_equal(boot_told(&f)->boot.span.to_ns, record->boot.span.to_ns);
	/* one after the boot changes nothing */
	again = boot_told(&f);
	feed_late(&f, ev_pulled("r.io/last:1", LAST_ID, 100 * S, 110 * S), 251 * S);
	pass(&f, 260 * S);
	assert_ptr_equal(boot_told(&f), again);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_came_late),
		cmocka_unit_test(days_later_all_is_known),
		cmocka_unit_test(days_later_the_outcome_is_unknown),
		cmocka_unit_test(nothing_known_nothing_told),
		cmocka_unit_test(how_the_last_boot_ended),
		cmocka_unit_test(whole_seconds_are_no_earlier),
		cmocka_unit_test(a_node_is_not_ready_before_the_server),
		cmocka_unit_test(late_facts_find_their_place),
		cmocka_unit_test(what_was_logged_of_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
