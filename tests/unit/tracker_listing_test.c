/* SPDX-License-Identifier: Apache-2.0 */
/* Listings with more dead containers than the tracker keeps. */
#include "unit/track_fixture.h"

/* A listing says that they have ended, CRI's word on each how. */
static void dead_ones(struct fixture *f, bool listed)
{
	for (uint32_t i = 0; i < 40; i++) {
		char id[ID_SIZE];

		snprintf(id, sizeof(id), "%064u", i + 1);
		struct event event = ev_status(id, SANDBOX, "dead", CONTAINER_EXITED, 1 * S, 1 * S,
					       2 * S, 0, "");

		if (listed)
			event.container =
				(struct event_container){.listed_ended = true, .created_ns = 1 * S};
		TEXT_COPY(event.container.container_id, id);
		TEXT_COPY(event.container.sandbox_id, SANDBOX);
		feed(f, event);
	}
}

/* Each listing has more dead ones than there is room for: who dies meanwhile is told all the same, and so is that, once. */
static void more_dead_than_there_is_room_for(void **state)
{
	struct tracker_settings settings = {.containers_max = 8};
	struct tracker_stats stats;
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, &settings);
	for (uint32_t round = 0; round < 4; round++) {
		uint64_t at = t + round * 5 * S;

		if (round == 2) {
			feed(&f, ev_cgroup(WEB, 77, at - 300 * MS));
			feed(&f, ev_identity(WEB, SANDBOX, "web", at - 290 * MS));
			feed(&f, ev_exec(ROLE_ENTRYPOINT, WEB, 30, "/web", "", at - 200 * MS));
			feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 30, 3, 0, at - 100 * MS));
		}
		feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", at));
		dead_ones(&f, true);
		if (round >= 2)
			feed(&f,
			     ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, at, at, at, 3, ""));
		feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", at));
		dead_ones(&f, false);
	}
	feed(&f, ev_task(WEB, TASK_EXIT, 30, 3, t + 10 * S));
	pass(&f, t + 60 * S);
	tracker_stats(f.tracker, &stats);
	assert_int_equal(stats.containers, 8);
	/* WEB pushed one out, which was left out then */
	assert_int_equal(stats.evicted, 40 - 8 + 2);
	assert_int_equal(fixture_last(&f, RECORD_GAP, 0)->gap.count, stats.evicted);
	const struct record *exit = fixture_find(&f, RECORD_EXIT, WEB);

	assert_non_null(exit);
	assert_int_equal(exit->exit.code, 3);
	assert_string_equal(exit->subject.container, "web");
	assert_true(exit->final);
	fixture_close(&f);
}

/*
 * A listing of dead ones fills the table, before CRI's word of one that died; another begins then. Those that are listed
 * are pushed out, neither the one that died, nor the one that runs.
 */
static void pushes_out_who_is_told_again(void **state)
{
	struct tracker_settings settings = {.containers_max = 8};
	struct fixture f;
	uint64_t t = 10 * S;

	(void)state;
	fixture_open(&f, &settings);
	feed(&f, ev_status(OTHER, SANDBOX, "api", CONTAINER_RUNNING, 3 * S, 3 * S, 0, 0, ""));
	feed(&f, ev_cgroup(WEB, 77, t));
	feed(&f, ev_exec(ROLE_ENTRYPOINT, WEB, 30, "/web", "", t + 10 * MS));
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 30, 3, 0, t + 20 * MS));
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_BEGIN, "", t + 50 * MS));
	feed(&f, ev_status(OTHER, SANDBOX, "api", CONTAINER_RUNNING, 3 * S, 3 * S, 0, 0, ""));
	dead_ones(&f, true);
	feed(&f, ev_source(SOURCE_CONTAINERD, SOURCE_SYNC_END, "", t + 60 * MS));
	for (uint64_t i = 0; i < 4; i++) {
		char id[ID_SIZE];

		snprintf(id, sizeof(id), "d%063u", (unsigned int)i);
		feed(&f, ev_cgroup(id, 78 + i, t + (70 + i) * MS));
	}
	feed(&f, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, t, t, t, 3, ""));
	feed(&f, ev_task(WEB, TASK_EXIT, 30, 3, t + 20 * MS));
	feed(&f, ev_task(OTHER, TASK_EXIT, 20, 4, t + 80 * MS));
	pass(&f, t + 60 * S);
	assert_string_equal(fixture_find(&f, RECORD_START, WEB)->subject.container, "web");
	assert_string_equal(fixture_find(&f, RECORD_EXIT, WEB)->subject.container, "web");
	assert_string_equal(fixture_find(&f, RECORD_EXIT, OTHER)->subject.container, "api");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_dead_than_there_is_room_for),
		cmocka_unit_test(pushes_out_who_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
