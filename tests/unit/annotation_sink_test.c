// SPDX-License-Identifier: Apache-2.0
/* The node's annotations against scripted answers: written when a line changed, and seldom. */
#include "sink/node/annotation_sink.h"

#include <errno.h>

#include "base/log.h"
#include "base/text.h"
#include "sink/node/node_summary.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

#define NODE	    "/api/v1/nodes/node-1"
#define INTERVAL_NS (4 * S / 10)

struct fixture {
	struct folder folder;
	struct store *store;
	sd_event *loop;
	struct annotation_sink *sink;
};

static void open_sink(struct fixture *fixture)
{
	const struct annotation_sink_options options = {
		.kube = fake_open(),
		.node_name = "node-1",
		.prefix = "nodewake.io",
		.boot_id = BOOT,
		.interval_ns = INTERVAL_NS,
		.pause_most_ns = 4 * INTERVAL_NS,
		.retry_most_ns = S / 5,
	};

	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	folder_make(&fixture->folder);
	fixture->store = folder_open(&fixture->folder, NULL);
	struct record before = an_exit("before", "old", clock_boot_ns() - 60 * S, S);

	store_put(fixture->store, &before);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(
		annotation_sink_new(&fixture->sink, fixture->loop, &options, fixture->store), 0);
}

static void close_sink(struct fixture *fixture)
{
	annotation_sink_free(fixture->sink);
	fake_close();
	store_close(fixture->store);
	sd_event_unref(fixture->loop);
	folder_remove(&fixture->folder);
}

static void tell_death(struct fixture *fixture, const char *pod)
{
	struct record record = an_exit(pod, pod, clock_boot_ns(), S);

	annotation_sink_record(fixture->sink, &record);
}

static json_t *a_node(const char *uid)
{
	return json_pack("{s:{s:s, s:s}}", "metadata", "name", "node-1", "uid", uid);
}

/* Answers the read of the Node and runs until the write. */
static void let_read(struct fixture *fixture, int index, const char *uid)
{
	assert_true(fake_run_until(fixture->loop, index + 1));
	assert_int_equal(fake.calls[index].verb, KUBE_GET);
	assert_string_equal(fake.calls[index].path, NODE);
	fake_answer(index, 200, "", "", 0, a_node(uid));
}

static void ok(int index)
{
	fake_answer(index, 200, "", "", 0, NULL);
}

static void one_apply_for_all_lines(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	let_read(&fixture, 0, "u-1");
	assert_int_equal(fake.count, 2);
	assert_int_equal(fake.calls[1].verb, KUBE_APPLY);
	assert_string_equal(fake.calls[1].path, NODE "?fieldManager=nodewake&force=true");
	json_auto_t *body = json_loads(fake.calls[1].body, 0, NULL);
	json_t *meta = json_object_get(body, "metadata");
	json_t *lines = json_object_get(meta, "annotations");

	assert_string_equal(json_string_value(json_object_get(body, "kind")), "Node");
	assert_string_equal(json_string_value(json_object_get(meta, "uid")), "u-1");
	assert_int_equal(json_object_size(lines), 4);
	assert_string_equal(json_string_value(json_object_get(lines, "nodewake.io/oom-kills")),
			    "none in 24h");
	/* what was stored before is in it */
	assert_non_null(strstr(json_string_value(json_object_get(lines, "nodewake.io/crashes")),
			       "shop/old exit 3"));
	ok(1);
	fake_run(fixture.loop, 1000);
	assert_int_equal(fake.count, 2); /* nothing changed: nothing is written */
	close_sink(&fixture);
}

static const char *boot_line(int call)
{
	static char line[SUMMARY_LINE_SIZE];
	json_auto_t *body = json_loads(fake.calls[call].body, 0, NULL);
	json_t *lines = json_object_get(json_object_get(body, "metadata"), "annotations");

	TEXT_COPY(line, json_string_value(json_object_get(lines, "nodewake.io/boot")) ?: "");
	assert_int_equal(json_object_size(lines), *line ? 5 : 4);
	return line;
}

/* The line of an earlier boot goes with the first write; this one's comes with its record. */
static void the_boot_is_told_when_there_is_one(void **state)
{
	struct fixture fixture;
	struct record record = {
		.type = RECORD_BOOT,
		.boot_ns = clock_boot_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
		.boot = {.state = BOOT_WAKING, .pods_expected = 9, .pods_ready = 7}};

	(void)state;
	TEXT_COPY(record.key, "boot");
	open_sink(&fixture);
	let_read(&fixture, 0, "u-1");
	assert_string_equal(boot_line(1), "");
	ok(1);
	annotation_sink_record(fixture.sink, &record);
	assert_true(fake_run_until(fixture.loop, 3));
	assert_non_null(strstr(boot_line(2), ": 7 of 9 pods ready"));
	ok(2);
	record.final = true;
	record.boot.state = BOOT_READY;
	record.boot.measured = true;
	record.boot.span = (struct span){1, 58 * S};
	store_put(fixture.store, &record);
	annotation_sink_record(fixture.sink, &record);
	assert_true(fake_run_until(fixture.loop, 4));
	assert_string_equal(boot_line(3), "ready 58s after kernel start");
	ok(3);

	/* after a restart of the agent; and in the next boot, which has none so far */
	for (int i = 0; i < 2; i++) {
		const struct annotation_sink_options options = {
			.kube = fake_open(),
			.node_name = "node-1",
			.prefix = "nodewake.io",
			.boot_id = i ? "the next" : BOOT,
			.interval_ns = INTERVAL_NS,
		};

		annotation_sink_free(fixture.sink);
		assert_int_equal(
			annotation_sink_new(&fixture.sink, fixture.loop, &options, fixture.store),
			0);
		let_read(&fixture, 0, "u-1");
		assert_string_equal(boot_line(1), i ? "" : "ready 58s after kernel start");
	}
	close_sink(&fixture);
}

static void changes_are_written_at_once_but_seldom(void **state)
{
	struct fixture fixture;
	struct annotation_sink_stats stats;
	char pod[16];

	(void)state;
	open_sink(&fixture);
	let_read(&fixture, 0, "u-1");
	ok(1);
	fake_run(fixture.loop, 600); /* the last write is long ago */
	uint64_t from_ns = clock_boot_ns();

	tell_death(&fixture, "a");
	assert_true(fake_run_until(fixture.loop, 3));
	assert_true(fake.calls[2].at_ns - from_ns < 3 * S / 10);
	assert_int_equal(fake.calls[2].verb, KUBE_APPLY); /* read once only */
	tell_death(&fixture, "b");			  /* while it is under way */
	fake_run(fixture.loop, 50);
	ok(2);
	for (int i = 0; i < 30; i++) {
		snprintf(pod, sizeof(pod), "c%d", i);
		tell_death(&fixture, pod);
		fake_run(fixture.loop, 10);
	}
	assert_true(fake_run_until(fixture.loop, 4));
	assert_in_range(fake.calls[3].at_ns - fake.calls[2].at_ns, INTERVAL_NS, 2 * INTERVAL_NS);
	assert_non_null(strstr(fake.calls[3].body, "33 in 24h"));
	ok(3);
	fake_run(fixture.loop, 600);
	assert_int_equal(fake.count, 4);
	annotation_sink_stats(fixture.sink, &stats);
	assert_int_equal(stats.written, 3);
	close_sink(&fixture);
}

/* Tells deaths until the next write, and how long after the one before that is. */
static uint64_t busy_until_written(struct fixture *fixture, int call)
{
	for (int i = 0; fake.count <= call && i < 400; i++) {
		char pod[16];

		snprintf(pod, sizeof(pod), "d%d-%d", call, i);
		tell_death(fixture, pod);
		fake_run(fixture->loop, 10);
	}
	assert_true(fake.count > call);
	ok(call);
	return fake.calls[call].at_ns - fake.calls[call - 1].at_ns;
}

static void what_changes_all_the_time_is_written_ever_more_seldom(void **state)
{
	struct fixture fixture;
	int call = 2;

	(void)state;
	open_sink(&fixture);
	let_read(&fixture, 0, "u-1");
	ok(1);
	for (; call < 5; call++)
		assert_in_range(busy_until_written(&fixture, call), INTERVAL_NS,
				2 * INTERVAL_NS - 1);
	busy_until_written(&fixture, call++);
	assert_in_range(busy_until_written(&fixture, call++), 2 * INTERVAL_NS, 4 * INTERVAL_NS - 1);
	for (int i = 0; i < 2; i++) /* and no more than that */
		assert_in_range(busy_until_written(&fixture, call++), 4 * INTERVAL_NS,
				5 * INTERVAL_NS);
	struct record boot = {.type = RECORD_BOOT,
			      .final = true,
			      .boot_ns = clock_boot_ns(),
			      .wall_offset_ns = clock_wall_offset_ns(),
			      .boot = {.state = BOOT_READY, .span = {1, 58 * S}}};

	TEXT_COPY(boot.key, "boot");
	annotation_sink_record(fixture.sink, &boot); /* people wait for it */
	assert_true(fake_run_until(fixture.loop, call + 1));
	assert_in_range(fake.calls[call].at_ns - fake.calls[call - 1].at_ns, INTERVAL_NS,
			2 * INTERVAL_NS);
	assert_non_null(strstr(fake.calls[call].body, "ready 58s"));
	ok(call++);
	fake_run(fixture.loop, 8 * 400); /* quiet: then as at first */
	tell_death(&fixture, "e");
	assert_true(fake_run_until(fixture.loop, call + 1));
	ok(call++);
	assert_in_range(busy_until_written(&fixture, call), INTERVAL_NS, 2 * INTERVAL_NS - 1);
	close_sink(&fixture);
}

static void failures_are_tried_again(void **state)
{
	static const int statuses[] = {404, 409, 422, 500, 403, 401, -ECONNREFUSED};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct fixture fixture;
		struct annotation_sink_stats stats;

		open_sink(&fixture);
		let_read(&fixture, 0, "u-1");
		fake_answer(1, statuses[i], "", "", 0, NULL);
		annotation_sink_stats(fixture.sink, &stats);
		assert_int_equal(stats.status, statuses[i]);
		let_read(&fixture, 2, "u-2"); /* it may be another Node now */
		assert_true(fake.calls[2].at_ns - fake.calls[1].at_ns > S / 10);
		assert_non_null(strstr(fake.calls[3].body, "u-2"));
		ok(3);
		annotation_sink_stats(fixture.sink, &stats);
		assert_int_equal(stats.status, 0);
		close_sink(&fixture);
	}
}

static void a_node_that_is_not_there_is_not_made(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	for (int i = 0; i < 5; i++) {
		assert_true(fake_run_until(fixture.loop, i + 1));
		assert_int_equal(fake.calls[i].verb, KUBE_GET);
		fake_answer(i, 404, "NotFound", "", 0, NULL);
	}
	close_sink(&fixture);
}

static void who_may_not_read_writes(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	assert_true(fake_run_until(fixture.loop, 1));
	fake_answer(0, 403, "Forbidden", "", 0, NULL);
	assert_int_equal(fake.count, 2);
	assert_null(strstr(fake.calls[1].body, "uid"));
	close_sink(&fixture);
}

static void retry_after_is_heeded(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	let_read(&fixture, 0, "u-1");
	fake_answer(1, 429, "TooManyRequests", "", 900, NULL);
	let_read(&fixture, 2, "u-1");
	assert_in_range(fake.calls[2].at_ns - fake.calls[1].at_ns, 9 * S / 10, 5 * S / 2);
	close_sink(&fixture);
}

static void a_server_that_is_back_is_tried_at_once(void **state)
{
	struct fixture fixture;

	(void)state;
	open_sink(&fixture);
	annotation_sink_hurry(fixture.sink); /* nothing has failed */
	let_read(&fixture, 0, "u-1");
	fake_answer(1, 503, "ServiceUnavailable", "", 60000, NULL);
	fake_run(fixture.loop, 300);
	assert_int_equal(fake.count, 2);
	annotation_sink_hurry(fixture.sink);
	let_read(&fixture, 2, "u-1");
	ok(3);
	annotation_sink_hurry(fixture.sink); /* nor now */
	fake_run(fixture.loop, 600);
	assert_int_equal(fake.count, 4);
	close_sink(&fixture);
}

static void a_prefix_must_be_a_domain(void **state)
{
	struct annotation_sink *sink;
	const struct annotation_sink_options options = {.node_name = "n", .prefix = "a/b"};

	(void)state;
	assert_int_equal(annotation_sink_new(&sink, NULL, &options, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_apply_for_all_lines),
		cmocka_unit_test(the_boot_is_told_when_there_is_one),
		cmocka_unit_test(changes_are_written_at_once_but_seldom),
		cmocka_unit_test(what_changes_all_the_time_is_written_ever_more_seldom),
		cmocka_unit_test(failures_are_tried_again),
		cmocka_unit_test(a_node_that_is_not_there_is_not_made),
		cmocka_unit_test(who_may_not_read_writes),
		cmocka_unit_test(retry_after_is_heeded),
		cmocka_unit_test(a_server_that_is_back_is_tried_at_once),
		cmocka_unit_test(a_prefix_must_be_a_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
