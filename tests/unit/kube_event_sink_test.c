// SPDX-License-Identifier: Apache-2.0
/* The pump of Events against scripted answers: each told once, whatever the API server says. */
#include "sink/event/kube_event_sink.h"

#include <errno.h>

#include "base/log.h"
#include "base/text.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

#define EVENTS "/apis/events.k8s.io/v1/namespaces/shop/events"

struct fixture {
	struct folder folder;
	struct store *store;
	sd_event *loop;
	struct kube_event_sink *sink;
};

static void begin_sink(struct fixture *fixture)
{
	const struct kube_event_sink_options options = {
		.store = fixture->store,
		.kube = fake_open(),
		.node_name = "node-1",
		.boot_id = BOOT,
		.slow_start_ns = S,
		.slow_pull_ns = S,
		.retry_most_ns = S / 10,
		.forbidden_ns = S / 2,
	};

	assert_int_equal(kube_event_sink_new(&fixture->sink, fixture->loop, &options), 0);
}

static void open_sink(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	folder_make(&fixture->folder);
	fixture->store = folder_open(&fixture->folder, NULL);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	begin_sink(fixture);
}

static void close_sink(struct fixture *fixture)
{
	kube_event_sink_free(fixture->sink);
	fake_close();
	store_close(fixture->store);
	sd_event_unref(fixture->loop);
	folder_remove(&fixture->folder);
}

/* age_s: so long ago it happened. */
static void put_old(struct fixture *fixture, const char *key, const char *pod, unsigned int age_s)
{
	struct record record = an_exit(key, pod, clock_boot_ns() - age_s * S, S);

	TEXT_COPY(record.subject.pod_uid, pod);
	record.exit.kernel_ns = record.boot_ns;
	assert_int_equal(store_put(fixture->store, &record), STORE_NEW);
	kube_event_sink_wake(fixture->sink);
}

static void put(struct fixture *fixture, const char *key, const char *pod)
{
	put_old(fixture, key, pod, 0);
}

static void ok(int index)
{
	fake_answer(index, fake.calls[index].verb == KUBE_POST ? 201 : 200, "", "", 0, NULL);
}

static struct kube_event_sink_stats stats_of(const struct fixture *fixture)
{
	struct kube_event_sink_stats stats;

	kube_event_sink_stats(fixture->sink, &stats);
	assert_int_equal(stats.pending, store_outbox_count(fixture->store));
	return stats;
}

static int64_t series_count(int index)
{
	json_auto_t *body = json_loads(fake.calls[index].body, 0, NULL);

	return json_integer_value(json_object_get(json_object_get(body, "series"), "count"));
}

static void a_record_becomes_one_post(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	uint64_t from_ns = clock_boot_ns();

	put(&fixture, "a", "web");
	assert_true(fake_run_until(fixture.loop, 1));
	assert_true(fake.calls[0].at_ns - from_ns < S / 10);
	assert_int_equal(fake.calls[0].verb, KUBE_POST);
	assert_string_equal(fake.calls[0].path, EVENTS);
	assert_non_null(strstr(fake.calls[0].body, "\"reason\":\"ContainerCrashed\""));
	assert_null(strstr(fake.calls[0].body, "series"));
	ok(0);
	fake_run(fixture.loop, 1200);
	assert_int_equal(fake.count, 1);
	assert_int_equal(stats_of(&fixture).created, 1);
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

static void repeats_are_patched_with_their_count(void **state)
{
	struct fixture fixture;
	char key[16];

	(void)state;
	open_sink(&fixture);
	put(&fixture, "a", "web");
	assert_true(fake_run_until(fixture.loop, 1));
	for (int i = 0; i < 20; i++) { /* while it is under way, and after */
		snprintf(key, sizeof(key), "b%d", i);
		put(&fixture, key, "web");
		fake_run(fixture.loop, 2);
	}
	assert_int_equal(fake.count, 1);
	ok(0);
	assert_true(fake_run_until(fixture.loop, 2));
	assert_in_range(fake.calls[1].at_ns - fake.calls[0].at_ns, S, 2 * S);
	assert_int_equal(fake.calls[1].verb, KUBE_MERGE);
	assert_memory_equal(fake.calls[1].path, EVENTS "/web.", strlen(EVENTS "/web."));
	assert_int_equal(series_count(1), 21);
	ok(1);
	assert_int_equal(stats_of(&fixture).pending, 0);
	assert_int_equal(stats_of(&fixture).updated, 1);
	close_sink(&fixture);
}

static void what_is_there_already_is_told(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	put(&fixture, "a", "web");
	put(&fixture, "b", "web");
	assert_true(fake_run_until(fixture.loop, 1));
	assert_int_equal(series_count(0), 2); /* counted before it was first written */
	fake_answer(0, 409, "AlreadyExists", "", 0, NULL);
	assert_true(fake_run_until(fixture.loop, 2)); /* it is there with an unknown count */
	assert_int_equal(fake.calls[1].verb, KUBE_MERGE);
	assert_int_equal(series_count(1), 2);
	ok(1);
	put(&fixture, "c", "db");
	assert_true(fake_run_until(fixture.loop, 3));
	fake_answer(2, 409, "AlreadyExists", "", 0, NULL);
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 3);
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

static void what_expired_is_made_anew(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	put(&fixture, "a", "web");
	assert_true(fake_run_until(fixture.loop, 1));
	ok(0);
	put(&fixture, "b", "web");
	assert_true(fake_run_until(fixture.loop, 2));
	fake_answer(1, 404, "NotFound", "", 0, NULL);
	assert_true(fake_run_until(fixture.loop, 3));
	assert_int_equal(fake.calls[2].verb, KUBE_POST);
	assert_int_equal(series_count(2), 2);
	ok(2);
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

/* Each of these is tried again, not at once, and nothing else meanwhile. */
static void what_fails_waits(void **state)
{
	static const struct {
		int status;
		const char *reason;
	} answers[] = {{500, "InternalError"}, {503, ""},	 {401, "Unauthorized"},
		       {409, "Conflict"},      {404, ""},	 {403, "Forbidden"},
		       {-ECONNREFUSED, ""},    {-ETIMEDOUT, ""}, {302, ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct fixture fixture;

		open_sink(&fixture);
		put(&fixture, "a", "web");
		assert_true(fake_run_until(fixture.loop, 1));
		fake_answer(0, answers[i].status, answers[i].reason, "", 0, NULL);
		put(&fixture, "b", "db");
		assert_true(fake_run_until(fixture.loop, 2));
		assert_true(fake.calls[1].at_ns - fake.calls[0].at_ns >= 75 * NS_PER_MS);
		assert_string_equal(fake.calls[1].body, fake.calls[0].body);
		fake_run(fixture.loop, 20);
		assert_int_equal(fake.count, 2); /* one try at a time while it fails */
		ok(1);
		assert_true(fake_run_until(fixture.loop, 3));
		ok(2);
		assert_int_equal(stats_of(&fixture).pending, 0);
		assert_int_equal(stats_of(&fixture).failed, 1);
		close_sink(&fixture);
	}
}

static void retry_after_is_heeded(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	put(&fixture, "a", "web");
	assert_true(fake_run_until(fixture.loop, 1));
	fake_answer(0, 429, "TooManyRequests", "", 700, NULL);
	put(&fixture, "b", "db");
	assert_true(fake_run_until(fixture.loop, 2));
	assert_in_range(fake.calls[1].at_ns - fake.calls[0].at_ns, 7 * S / 10, 2 * S);
	close_sink(&fixture);
}

static void what_is_refused_blocks_nothing(void **state)
{
	static const struct {
		int status;
		const char *reason, *message;
	} answers[] = {{403, "Forbidden", "namespace shop because it is being terminated"},
		       {404, "NotFound", "namespaces \"shop\" not found"},
		       {422, "Invalid", "note: Invalid value"},
		       {400, "BadRequest", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct fixture fixture;

		open_sink(&fixture);
		put(&fixture, "a", "web");
		assert_true(fake_run_until(fixture.loop, 1));
		fake_answer(0, answers[i].status, answers[i].reason, answers[i].message, 0, NULL);
		put(&fixture, "b", "db");
		assert_true(fake_run_until(fixture.loop, 2));
		ok(1);
		fake_run(fixture.loop, 200);
		assert_int_equal(fake.count, 2);
		assert_int_equal(stats_of(&fixture).given_up, 1);
		assert_int_equal(stats_of(&fixture).pending, 0);
		close_sink(&fixture);
	}
}

static void forbidden_for_long_is_refused(void **state)
{
	struct fixture fixture;
	uint64_t from_ns = clock_boot_ns();

	(void)state;
	open_sink(&fixture);
	put(&fixture, "a", "web");
	for (int i = 0; stats_of(&fixture).given_up == 0; i++) {
		assert_true(fake_run_until(fixture.loop, i + 1));
		fake_answer(i, 403, "Forbidden", "RBAC: not found", 0, NULL);
	}
	assert_in_range(clock_boot_ns() - from_ns, S / 2, S);
	assert_in_range(fake.count, 5, 9);
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

static void few_calls_are_under_way(void **state)
{
	struct fixture fixture;
	char key[16];

	(void)state;
	open_sink(&fixture);
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "pod-%d", i);
		put(&fixture, key, key);
	}
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 4);
	for (int i = 0; i < 30; i++) {
		assert_true(fake_run_until(fixture.loop, i + 1));
		assert_true(fake_under_way() <= 4);
		ok(i);
	}
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

static void a_backlog_is_told_in_order_after_a_restart(void **state)
{
	struct fixture fixture;
	char key[16];

	(void)state;
	open_sink(&fixture);
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "pod-%d", i);
		put_old(&fixture, key, key, 300 - (unsigned int)i);
	}
	assert_true(fake_run_until(fixture.loop, 1));
	kube_event_sink_free(fixture.sink); /* as if killed: with a call under way */
	begin_sink(&fixture);
	for (int i = 0; i < 30; i++) {
		char expected[64];

		assert_true(fake_run_until(fixture.loop, i + 1));
		assert_int_equal(fake_under_way(), 1);
		snprintf(expected, sizeof(expected), "{\"name\":\"pod-%d.", i);
		assert_non_null(strstr(fake.calls[i].body, expected));
		ok(i);
	}
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 30);
	close_sink(&fixture);
}

static void a_client_that_takes_no_calls_is_asked_again(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	fake.refuse = -EBUSY;
	put(&fixture, "a", "web");
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 0);
	fake.refuse = 0;
	assert_true(fake_run_until(fixture.loop, 1));
	ok(0);
	assert_int_equal(stats_of(&fixture).pending, 0);
	close_sink(&fixture);
}

static void the_first_agents_begin_is_remembered(void **state)
{
	struct fixture fixture;
	uint64_t first_ns, again_ns;

	(void)state;
	open_sink(&fixture);
	assert_int_equal(store_bookmark_get(fixture.store, "events-since", &first_ns), 0);
	kube_event_sink_free(fixture.sink);
	begin_sink(&fixture);
	assert_int_equal(store_bookmark_get(fixture.store, "events-since", &again_ns), 0);
	assert_int_equal(first_ns, again_ns);
	close_sink(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_becomes_one_post),
		cmocka_unit_test(repeats_are_patched_with_their_count),
		cmocka_unit_test(what_is_there_already_is_told),
		cmocka_unit_test(what_expired_is_made_anew),
		cmocka_unit_test(what_fails_waits),
		cmocka_unit_test(retry_after_is_heeded),
		cmocka_unit_test(what_is_refused_blocks_nothing),
		cmocka_unit_test(forbidden_for_long_is_refused),
		cmocka_unit_test(few_calls_are_under_way),
		cmocka_unit_test(a_backlog_is_told_in_order_after_a_restart),
		cmocka_unit_test(a_client_that_takes_no_calls_is_asked_again),
		cmocka_unit_test(the_first_agents_begin_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
