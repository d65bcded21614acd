// SPDX-License-Identifier: Apache-2.0
/* What an OOM kill's record says beyond limit and victim. */
#include <signal.h>

#include "track/container.h"
#include "track/death/oom_near.h"
#include "track/death/oom_series.h"
#include "unit/track_fixture.h"

#define LIMIT "/kubepods/pod" POD_UID "/" WEB
#define MIN   (60 * S)

/* A running container `web`; its init is pid 31. */
static uint64_t running(struct fixture *f)
{
	struct event events[POD_EVENTS];

	fixture_open(f, NULL);
	feed(f, ev_up(SOURCE_KERNEL, 1 * S));
	feed(f, ev_up(SOURCE_CONTAINERD, 1 * S));
	size_t n = pod_start(events, 2 * S);
	for (size_t i = 0; i < n; i++)
		feed(f, events[i]);
	pass(f, 10 * S);
	return 10 * S;
}

static struct event memory(enum memory_step step, const char *path, uint64_t at)
{
	struct event event = {.type = EVENT_MEMORY, .boot_ns = at, .memory.step = step};

	event.memory.victim_pid = 77;
	event.memory.victim_start_ns = 7;
	TEXT_COPY(event.memory.path, path);
	return event;
}

static struct event neighbour(uint32_t pid, const char *id, uint64_t at)
{
	struct event event = {.type = EVENT_NEIGHBOUR, .boot_ns = at};

	event.neighbour.victim_pid = 77;
	event.neighbour.victim_start_ns = 7;
	event.neighbour.who.pid = pid;
	TEXT_COPY(event.neighbour.container_id, id);
	return event;
}

static const struct record_oom *told(const struct fixture *f, size_t n)
{
	return &fixture_last(f, RECORD_OOM, n)->oom;
}

static void victim_and_neighbours(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);
	struct event kill = ev_oom(WEB, 77, 77, at), there = memory(MEMORY_AT_KILL, LIMIT, at);

	(void)state;
	TEXT_COPY(kill.oom.parent_comm, "master");
	kill.oom.group_kill = true;
	there.memory.worker = 3;
	there.memory.workers = 8;
	there.memory.processes = 9;
	there.memory.state.anon_bytes = 5;
	feed(&f, kill);
	feed(&f, there);
	feed(&f, neighbour(80, WEB, at));
	feed(&f, neighbour(81, SANDBOX, at));
	for (uint32_t i = 0; i < 5; i++)
		feed(&f, neighbour(90 + i, WEB, at));
	pass(&f, at + 2 * S);
	const struct record_oom *oom = told(&f, 0);

	assert_int_equal(oom->victims[0].start_ns, 7);
	assert_string_equal(oom->victims[0].parent_comm, "master");
	assert_int_equal(oom->victims[0].worker, 3);
	assert_int_equal(oom->victims[0].workers, 8);
	assert_true(oom->group_kill);
	assert_int_equal(oom->process_total, 9);
	assert_int_equal(oom->memory.anon_bytes, 5);
	assert_int_equal(oom->neighbour_count, OOM_NEIGHBOURS_MAX);
	assert_int_equal(oom->neighbours[0].pid, 80);
	assert_string_equal(oom->neighbours[0].container, ""); /* the victim's own */
	assert_string_equal(oom->neighbours[1].container, "pause");
	assert_int_equal(oom->near_ns, 0);
	fixture_close(&f);
}

/* What was read after another kill is no fact of this one. */
static void nothing_of_another_kill(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);
	struct event there = memory(MEMORY_AT_KILL, LIMIT, at);

	(void)state;
	feed(&f, ev_oom(WEB, 78, 78, at));
	feed(&f, there);
	there.memory.victim_pid = 78;
	there.memory.victim_start_ns = 8; /* the pid, used again */
	feed(&f, there);
	feed(&f, neighbour(80, WEB, at));
	pass(&f, at + 2 * S);
	feed(&f, ev_oom(WEB, 77, 77, at + 3 * S));
	pass(&f, at + 5 * S);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(told(&f, i)->process_total, 0);
		assert_int_equal(told(&f, i)->neighbour_count, 0);
		assert_int_equal(told(&f, i)->victims[0].workers, 0);
	}
	fixture_close(&f);
}

static void how_long_near(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);

	(void)state;
	feed(&f, memory(MEMORY_NEAR, LIMIT, at));
	feed(&f, memory(MEMORY_NEAR, "/kubepods", at));
	feed(&f, ev_oom(WEB, 77, 77, at + 30 * S));
	pass(&f, at + 32 * S);
	assert_int_equal(told(&f, 0)->near_ns, 30 * S);
	/* not looked at since: not believed any more */
	feed(&f, ev_oom(WEB, 78, 78, at + 33 * S));
	pass(&f, at + 35 * S);
	assert_int_equal(told(&f, 1)->near_ns, 0);
	/* it was still near */
	feed(&f, memory(MEMORY_NEAR, LIMIT, at));
	feed(&f, ev_oom(WEB, 79, 79, at + 40 * S));
	pass(&f, at + 42 * S);
	assert_int_equal(told(&f, 2)->near_ns, 40 * S);
	feed(&f, memory(MEMORY_EASED, LIMIT, at + 43 * S));
	feed(&f, ev_oom(WEB, 80, 80, at + 50 * S));
	pass(&f, at + 52 * S);
	assert_int_equal(told(&f, 3)->near_ns, 0);
	fixture_close(&f);
}

static struct event pod_memory(const char *uid, uint64_t usage, uint64_t at)
{
	struct event event = {.type = EVENT_POD_MEMORY, .boot_ns = at};

	event.pod_memory.victim_pid = 77;
	event.pod_memory.victim_start_ns = 7;
	event.pod_memory.usage_bytes = usage;
	TEXT_COPY(event.pod_memory.pod_uid, uid);
	return event;
}

static void pods_above_their_request(void **state)
{
	static const struct {
		const char *uid, *name;
		uint64_t request, usage;
	} pods[] = {
		{"a", "modest", 100, 100},   {"b", "greedy", 100, 900}, {"c", "some", 400, 500},
		{"d", "wants-none", 0, 300}, {"e", "e", 1, 12},		{"f", "f", 1, 11},
		{"g", "g", 1, 10},
	};
	struct fixture f;
	uint64_t at = running(&f);
	struct event kill = ev_oom(WEB, 77, 77, at);

	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(*pods); i++) {
		struct event pod = {.type = EVENT_POD, .boot_ns = at};

		TEXT_COPY(pod.pod.pod_uid, pods[i].uid);
		TEXT_COPY(pod.pod.pod, pods[i].name);
		TEXT_COPY(pod.pod.pod_namespace, "shop");
		pod.pod.memory_request_bytes = pods[i].request;
		feed(&f, pod);
	}
	kill.oom.by_limit = false;
	feed(&f, kill);
	for (size_t i = 0; i < sizeof(pods) / sizeof(*pods); i++)
		feed(&f, pod_memory(pods[i].uid, pods[i].usage, at));
	feed(&f, pod_memory("unknown", 5, at));
	pass(&f, at + 2 * S);
	const struct record_oom *oom = told(&f, 0);

	assert_int_equal(oom->scope, SCOPE_NODE);
	assert_int_equal(oom->pod_total, 7);
	assert_int_equal(oom->pod_count, OOM_PODS_MAX);
	assert_string_equal(oom->pods[0].pod, "shop/greedy");
	assert_int_equal(oom->pods[0].usage_bytes, 900);
	assert_int_equal(oom->pods[0].request_bytes, 100);
	assert_string_equal(oom->pods[1].pod, "shop/wants-none");
	assert_true(oom->pods[1].request_known);
	assert_string_equal(oom->pods[2].pod, "shop/some");
	assert_string_equal(oom->pods[4].pod, "shop/f");
	fixture_close(&f);
}

/* earlyoom asks its victim to end, then kills it. */
static void killer_in_user_space(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);
	struct event kill = ev_oom(WEB, 31, 900, at);
	struct event end = ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGTERM, at + 600 * MS);

	(void)state;
	kill.oom.by_limit = false;
	TEXT_COPY(kill.oom.limit_path, "");
	TEXT_COPY(kill.oom.killer, "earlyoom");
	end.exit.last[0] = (struct signal_seen){
		.boot_ns = at, .signal = SIGTERM, .sender = {900, 7}, .sender_cgroup_id = 7};
	TEXT_COPY(end.exit.last[0].sender_comm, "earlyoom");
	feed(&f, kill);
	pass(&f, at + 500 * MS);
	assert_false(told(&f, 0)->confirmed);
	assert_int_equal(told(&f, 0)->container_survived, SURVIVAL_UNKNOWN);
	kill.boot_ns += 500 * MS;
	feed(&f, kill);
	feed(&f, end);
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 143, at + 601 * MS));
	pass(&f, at + 5 * S);
	assert_int_equal(fixture_count(&f, RECORD_OOM), 1);
	const struct record_oom *oom = told(&f, 0);

	assert_string_equal(oom->killer, "earlyoom");
	assert_int_equal(oom->killer_pid, 900);
	assert_int_equal(oom->invoker_pid, 0);
	assert_int_equal(oom->scope, SCOPE_NONE);
	assert_true(oom->confirmed);
	assert_int_equal(oom->victim_total, 1);
	assert_int_equal(oom->container_survived, SURVIVAL_NO);
	const struct record *exit = fixture_last(&f, RECORD_EXIT, 0);

	assert_int_equal(exit->exit.verdict, EXIT_OOM_KILLED);
	assert_int_equal(exit->exit.sender_pid, 900);
	fixture_close(&f);
}

/* It was asked, and goes on; later somebody else ends it. */
static void killer_that_was_not_heard(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);
	struct event kill = ev_oom(WEB, 31, 900, at);
	struct event end = ev_exit(ROLE_ENTRYPOINT, WEB, 31, 0, SIGKILL, at + 60 * S);

	(void)state;
	kill.oom.by_limit = false;
	TEXT_COPY(kill.oom.killer, "earlyoom");
	end.exit.last[0] = (struct signal_seen){
		.boot_ns = at, .signal = SIGKILL, .sender = {901, 7}, .sender_cgroup_id = 7};
	TEXT_COPY(end.exit.last[0].sender_comm, "runc");
	feed(&f, kill);
	pass(&f, at + 50 * S);
	assert_int_equal(told(&f, 0)->container_survived, SURVIVAL_UNKNOWN);
	assert_false(told(&f, 0)->confirmed);
	feed(&f, end);
	feed(&f, ev_task(WEB, TASK_EXIT, 31, 137, at + 60 * S));
	pass(&f, at + 70 * S);
	assert_int_equal(fixture_last(&f, RECORD_EXIT, 0)->exit.verdict, EXIT_STOPPED);
	fixture_close(&f);
}

/* --- repeats --------------------------------------------------------------------------------- */

static struct record kill_at(uint64_t at, uint64_t age_ns, uint64_t anon_kb)
{
	struct record record = {.type = RECORD_OOM, .boot_ns = at};

	TEXT_COPY(record.subject.pod_uid, POD_UID);
	TEXT_COPY(record.subject.container, "web");
	record.oom.victims[0].pid = 77;
	record.oom.victims[0].start_ns = at - age_ns;
	record.oom.victims[0].anon_kb = anon_kb;
	TEXT_COPY(record.oom.victims[0].comm, "worker");
	return record;
}

static struct oom_series add(struct oom_serieses *all, uint64_t at, uint64_t age_ns,
			     uint64_t anon_kb)
{
	struct record record = kill_at(at, age_ns, anon_kb);

	oom_serieses_add(all, &record);
	return record.oom.series;
}

static void a_leak(void **state)
{
	struct containers none = {0};
	struct oom_serieses *all = oom_serieses_new(&none);
	struct oom_series series = add(all, 100 * MIN, 40 * MIN, 491520);

	(void)state;
	assert_int_equal(series.count, 1);
	assert_int_equal(series.interval_ns, 0);
	assert_int_equal(series.growth_bytes_per_min, 12 << 20);
	series = add(all, 141 * MIN, 40 * MIN, 491520);
	assert_int_equal(series.interval_ns, 41 * MIN);
	assert_false(series.leak);
	series = add(all, 180 * MIN, 32 * MIN, 491520); /* by a quarter faster */
	assert_int_equal(series.interval_ns, 40 * MIN);
	assert_true(series.leak);
	assert_int_equal(series.first_ns, 100 * MIN);
	series = add(all, 220 * MIN, 20 * MIN, 491520); /* twice as fast */
	assert_int_equal(series.count, 4);
	assert_false(series.leak);
	oom_serieses_free(all);
}

/* What takes all at once and is killed at once does not leak. */
static void no_leak_of_young_ones(void **state)
{
	struct containers none = {0};
	struct oom_serieses *all = oom_serieses_new(&none);

	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		assert_false(add(all, i * MIN, 59 * S, 1000).leak);
	assert_false(add(all, 6 * MIN, 60 * S, 1000).leak);
	assert_false(add(all, 8 * MIN, 60 * S, 1000).leak);
	assert_true(add(all, 10 * MIN, 60 * S, 1000).leak);
	oom_serieses_free(all);
}

static void series_have_their_own(void **state)
{
	struct containers none = {0};
	struct oom_serieses *all = oom_serieses_new(&none);
	struct record other = kill_at(MIN, 1 * S, 1);

	(void)state;
	add(all, MIN, 1 * S, 1);
	TEXT_COPY(other.oom.victims[0].comm, "another");
	oom_serieses_add(all, &other);
	assert_int_equal(other.oom.series.count, 1);
	oom_serieses_add(all, &other); /* the same victim: asked first, killed then */
	assert_int_equal(other.oom.series.count, 1);
	other.oom.victims[0].start_ns = 0; /* its age is not known */
	oom_serieses_add(all, &other);
	assert_int_equal(other.oom.series.count, 2);
	assert_int_equal(other.oom.series.growth_bytes_per_min, 0);
	for (uint32_t i = 0; i < 511; i++) {
		snprintf(other.oom.victims[0].comm, COMM_SIZE, "c%u", i);
		oom_serieses_add(all, &other);
	}
	assert_int_equal(oom_serieses_evicted(all), 1);
	assert_int_equal(add(all, 2 * MIN, 1 * S, 1).count, 1); /* begun anew */
	oom_serieses_free(all);
}

/* Jobs that are gone make room first, and nothing is lost with them. */
static void series_of_pods_that_are_gone(void **state)
{
	struct containers all = {.max = 8};
	struct oom_serieses *serieses = oom_serieses_new(&all);
	struct record record = kill_at(MIN, 1 * S, 1), job = record;
	struct container *lives = containers_get(&all, "second");

	(void)state;
	TEXT_COPY(lives->subject.pod_uid, record.subject.pod_uid);
	TEXT_COPY(record.subject.container_id, "first"); /* started again since */
	oom_serieses_add(serieses, &record);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(job.subject.pod_uid, POD_UID_SIZE, "job-%u", i);
		snprintf(job.subject.container_id, ID_SIZE, "job-%u", i);
		oom_serieses_add(serieses, &job);
	}
	assert_int_equal(oom_serieses_evicted(serieses), 0);
	record.oom.victims[0].pid++;
	oom_serieses_add(serieses, &record);
	assert_int_equal(record.oom.series.count, 2);
	oom_serieses_free(serieses);
	containers_clear(&all);
}

/* A limit at which somebody was killed, or whose cgroup is gone, needs no room. */
static void near_no_more(void **state)
{
	struct oom_near *all = oom_near_new();
	char path[32];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/job-%u", i);
		struct event event = memory(MEMORY_NEAR, path, 10 * S);

		oom_near_note(all, &event);
		event = memory(MEMORY_EASED, path, 30 * S);
		if (i % 2)
			oom_near_note(all, &event);
		else
			assert_int_equal(oom_near_killed(all, path, 30 * S), 20 * S);
		assert_int_equal(oom_near_killed(all, path, 40 * S), 0);
	}
	assert_int_equal(oom_near_evicted(all), 0);
	oom_near_free(all);
}

/* While no agent ran: the next one reads of it before containerd has said whose it was. */
static void read_long_after(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	feed(&f, ev_up(SOURCE_KERNEL, 40 * S));
	feed_late(&f, ev_oom(OTHER, 77, 77, 20 * S), 40 * S);
	feed_late(&f, ev_exit(ROLE_MEMBER, OTHER, 77, 0, SIGKILL, 20 * S + MS), 40 * S);
	pass(&f, 42 * S);
	assert_false(fixture_last(&f, RECORD_OOM, 0)->final);
	feed(&f, ev_identity(OTHER, SANDBOX, "worker", 42 * S));
	pass(&f, 44 * S);
	assert_true(fixture_last(&f, RECORD_OOM, 0)->final);
	assert_string_equal(fixture_last(&f, RECORD_OOM, 0)->subject.container, "worker");
	assert_int_equal(fixture_last(&f, RECORD_OOM, 0)->boot_ns, 20 * S);
	/* if nobody says so for long it is told without, and once more when somebody does */
	feed_late(&f, ev_oom(WEB, 78, 78, 21 * S), 45 * S);
	pass(&f, 60 * S);
	assert_true(fixture_last(&f, RECORD_OOM, 1)->final);
	assert_string_equal(fixture_last(&f, RECORD_OOM, 1)->subject.container, "");
	feed(&f, ev_identity(WEB, SANDBOX, "web", 61 * S));
	assert_true(fixture_last(&f, RECORD_OOM, 1)->final);
	assert_string_equal(fixture_last(&f, RECORD_OOM, 1)->subject.container, "web");
	assert_int_equal(fixture_count(&f, RECORD_OOM), 2);
	fixture_close(&f);
}

/* A machine that thrashes: the victim ends four seconds after the kill, and the container's first process after it. */
static void a_victim_that_takes_its_time(void **state)
{
	struct fixture f;
	uint64_t at = running(&f);
	struct event end = ev_exit(ROLE_MEMBER, WEB, 78, 0, SIGKILL, at + 4 * S);

	(void)state;
	end.exit.oom_victim = true;
	feed(&f, ev_oom(WEB, 78, 78, at));
	pass(&f, at + 4 * S);
	assert_false(fixture_last(&f, RECORD_OOM, 0)->final);
	feed(&f, end);
	pass(&f, at + 5500 * MS);
	feed(&f, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 1, 0, at + 5500 * MS));
	pass(&f, at + 8 * S);
	assert_true(fixture_last(&f, RECORD_OOM, 0)->final);
	assert_true(told(&f, 0)->confirmed);
	assert_int_equal(told(&f, 0)->container_survived, SURVIVAL_NO);
	fixture_close(&f);
}

static void assert_kills(uint32_t ms_between, bool group, size_t records)
{
	struct fixture f;
	uint64_t at = running(&f);

	for (uint32_t i = 0; i < 3; i++) {
		struct event kill = ev_oom(WEB, 80 + i, 80, at + i * ms_between * MS);

		kill.oom.group_kill = group;
		feed(&f, kill);
	}
	pass(&f, at + 20 * S);
	assert_int_equal(fixture_count(&f, RECORD_OOM), records);
	if (records == 1)
		assert_int_equal(told(&f, 0)->victim_total, 3);
	fixture_close(&f);
}

/* Between two of a group the kernel writes a line to its console, which may be a serial one. */
static void a_group_on_a_slow_console(void **state)
{
	(void)state;
	assert_kills(400, true, 1);
	assert_kills(5, false, 1);
	assert_kills(400, false, 3);
	assert_kills(3000, true, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_victim_that_takes_its_time),
		cmocka_unit_test(a_group_on_a_slow_console),
		cmocka_unit_test(victim_and_neighbours),
		cmocka_unit_test(nothing_of_another_kill),
		cmocka_unit_test(how_long_near),
		cmocka_unit_test(pods_above_their_request),
		cmocka_unit_test(killer_in_user_space),
		cmocka_unit_test(killer_that_was_not_heard),
		cmocka_unit_test(a_leak),
		cmocka_unit_test(no_leak_of_young_ones),
		cmocka_unit_test(read_long_after),
		cmocka_unit_test(series_have_their_own),
		cmocka_unit_test(series_of_pods_that_are_gone),
		cmocka_unit_test(near_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
