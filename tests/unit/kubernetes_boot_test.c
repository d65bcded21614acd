// SPDX-License-Identifier: Apache-2.0
/* What the API server tells of a boot: when it and the Node came up, and how seldom it is asked. */
#include <errno.h>

#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_source.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

#define NODE "/api/v1/nodes/node-1"
#define LONG (3600 * S)

/* Between two questions. */
#define SERVER_NS (100 * NS_PER_MS)
#define NODE_NS	  (200 * NS_PER_MS)

#define TOLD_MAX  64

struct fixture {
	sd_event *loop;
	struct kubernetes_source *source;
	struct event told[TOLD_MAX]; /* milestones */
	int count;
	enum source_step step; /* the latest */
};

static void on_event(void *context, const struct event *event)
{
	struct fixture *fixture = context;

	if (event->type == EVENT_SOURCE)
		fixture->step = event->source.step;
	if (event->type != EVENT_MILESTONE)
		return;
	assert_true(fixture->count < TOLD_MAX);
	assert_string_equal(event->milestone.told_by, "api");
	fixture->told[fixture->count++] = *event;
}

/* until_ns: the boot's deadline, on the boot clock. */
static void begin(struct fixture *fixture, uint64_t until_ns)
{
	const struct kubernetes_boot_options options = {
		.boot_id = BOOT,
		.until_ns = until_ns,
		.server_ns = SERVER_NS,
		.node_ns = NODE_NS,
	};

	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(kubernetes_source_new(&fixture->source, fixture->loop, fake_open(),
					       "node-1", on_event, fixture),
			 0);
	assert_int_equal(kubernetes_source_follow_boot(fixture->source, &options), 0);
}

static void end(struct fixture *fixture)
{
	kubernetes_source_free(fixture->source);
	fake_close();
	sd_event_unref(fixture->loop);
}

static uint64_t now(void)
{
	return clock_boot_ns();
}

/* As the API server writes it: whole seconds. */
static uint64_t stamp(uint64_t boot_ns, char ret[static WALL_TEXT_SIZE])
{
	int64_t wall_ns = (int64_t)boot_ns + clock_wall_offset_ns();

	clock_wall_text(wall_ns, 0, ret);
	return boot_ns - (uint64_t)(wall_ns % (int64_t)S);
}

/* since, heard: on the boot clock; 0: an hour before this boot. */
static json_t *a_node(const char *boot_id, const char *status, uint64_t since_ns, uint64_t heard_ns)
{
	char since[WALL_TEXT_SIZE], heard[WALL_TEXT_SIZE];

	stamp(since_ns, since);
	stamp(heard_ns, heard);
	if (!since_ns)
		clock_wall_text(clock_wall_offset_ns() - (int64_t)(3600 * S), 0, since);
	if (!heard_ns)
		clock_wall_text(clock_wall_offset_ns() - (int64_t)(3600 * S), 0, heard);
	return json_pack("{s:{s:{s:s}, s:[{s:s, s:s}, {s:s, s:s, s:s, s:s}]}}", "status",
			 "nodeInfo", "bootID", boot_id, "conditions", "type", "MemoryPressure",
			 "status", "False", "type", "Ready", "status", status, "lastTransitionTime",
			 since, "lastHeartbeatTime", heard);
}

/* Waits for one more question, which goes to path. */
static int next(struct fixture *fixture, const char *path)
{
	int index = fake.count;

	fake_run_until(fixture->loop, index + 1);
	assert_int_equal(fake.count, index + 1);
	assert_int_equal(fake.calls[index].verb, KUBE_GET);
	assert_string_equal(fake.calls[index].path, path);
	return index;
}

static void answer(int index, int status, json_t *body)
{
	fake_answer(index, status, "", "", 0, body);
}

static void expect_near(uint64_t at_ns, uint64_t wanted_ns)
{
	/* the wall clock's offset is taken anew for each reading */
	assert_in_range(at_ns, wanted_ns - NS_PER_MS, wanted_ns + NS_PER_MS);
}

static void a_server_that_comes_back(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 0); /* the watch has its first try */
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	for (int i = 0; i < 2; i++)
		answer(next(&fixture, "/readyz"), i ? 500 : -ECONNREFUSED, NULL);
	assert_true(fake.calls[1].at_ns - fake.calls[0].at_ns >= SERVER_NS * 9 / 10);
	assert_int_equal(fixture.count, 0);
	int index = next(&fixture, "/readyz");
	uint64_t before_ns = now();

	answer(index, 200, NULL);
	assert_int_equal(fixture.count, 1);
	assert_int_equal(fixture.told[0].milestone.what, MILESTONE_API_READY);
	assert_int_equal(fixture.told[0].flags, 0);
	assert_in_range(fixture.told[0].boot_ns, before_ns, now());
	assert_int_equal(fake.hurried, 1); /* pods are seen live from now on */
	fake_run(fixture.loop, 150);
	assert_int_equal(fake.count, index + 1); /* no more questions to it */
	fake_step(KUBE_WATCH_LIST, NULL, false);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	/* it goes and comes again: that is not the boot */
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	fake_step(KUBE_WATCH_UP, NULL, false);
	assert_int_equal(fixture.count, 1);
	end(&fixture);
}

/* While the node boots its API server may be of the node itself, and not have begun. */
static void a_server_that_has_not_begun_is_awaited(void **state)
{
	struct fixture fixture;
	uint64_t until_ns = now() + 100 * NS_PER_MS;

	(void)state;
	begin(&fixture, until_ns);
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	assert_int_equal(fixture.step, SOURCE_AWAITED);
	while (now() < until_ns)
		fake_run(fixture.loop, 20);
	/* it is late */
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	assert_int_equal(fixture.step, SOURCE_DOWN);
	end(&fixture);
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LIST, NULL, false);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	/* it was there */
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	assert_int_equal(fixture.step, SOURCE_DOWN);
	end(&fixture);
}

static void the_watch_may_be_first_to_know(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	answer(next(&fixture, "/readyz"), 403, NULL);
	fake_run(fixture.loop, 150);
	assert_int_equal(fake.count, 1); /* not asked again */
	fake_step(KUBE_WATCH_LIST, NULL, false);
	assert_int_equal(fixture.count, 0);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	assert_int_equal(fixture.count, 1);
	assert_int_equal(fixture.told[0].milestone.what, MILESTONE_API_READY);
	end(&fixture);
}

static void a_server_that_was_there_has_no_milestone(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	answer(next(&fixture, NODE), 500, NULL);
	assert_int_equal(fixture.count, 0);
	end(&fixture);
	/* one that goes away long after the boot has none either, nor is it asked */
	begin(&fixture, now() - S);
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 0);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	assert_int_equal(fixture.count, 0);
	end(&fixture);
}

/* Ready is believed only of this boot's kubelet; then it is between two looks, and not asked again. */
static void a_node_becomes_ready_before_our_eyes(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	answer(next(&fixture, NODE), 404, NULL);
	answer(next(&fixture, NODE), 200, a_node("before", "True", 0, 0));
	assert_true(fake.calls[1].at_ns - fake.calls[0].at_ns >= NODE_NS * 9 / 10);
	answer(next(&fixture, NODE), 200, a_node(BOOT, "False", now(), now()));
	assert_int_equal(fixture.count, 0);
	int index = next(&fixture, NODE);
	char text[WALL_TEXT_SIZE];
	uint64_t at_ns = fake.calls[index].at_ns, since_ns = stamp(at_ns, text);

	/* the stamp is cut, once: never before the look that found it otherwise */
	answer(index, 200, a_node(BOOT, "True", at_ns, at_ns));
	assert_int_equal(fixture.count, 1);
	assert_int_equal(fixture.told[0].milestone.what, MILESTONE_NODE_READY);
	assert_int_equal(fixture.told[0].flags, 0);
	if (since_ns > fake.calls[index - 1].at_ns)
		expect_near(fixture.told[0].boot_ns, since_ns);
	assert_in_range(fixture.told[0].boot_ns, fake.calls[index - 1].at_ns - NS_PER_MS, now());
	fake_run(fixture.loop, 250);
	assert_int_equal(fake.count, index + 1);
	end(&fixture);
}

/* Its stamp is older than the boot: it was away for less than Kubernetes' patience. */
static void a_node_that_never_was_unready(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	answer(next(&fixture, NODE), 200, a_node("before", "True", 0, 0));
	int index = next(&fixture, NODE);
	uint64_t before_ns = now();

	answer(index, 200, a_node(BOOT, "True", 0, now()));
	assert_int_equal(fixture.count, 1);
	assert_in_range(fixture.told[0].boot_ns, before_ns, now());
	assert_int_equal(fixture.told[0].flags, 0);
	end(&fixture);
}

static void what_was_before_us_is_reconstructed(void **state)
{
	uint64_t at_ns = now() - 2 * S;
	const struct {
		uint64_t since_ns, heard_ns, told_ns;
	} cases[] = {
		{at_ns, at_ns + S, at_ns}, /* the stamp of the change */
		{0, at_ns, at_ns}, /* none: it was Ready all the time; of the kubelet's word */
		{0, 0, 0},	   /* nobody knows */
		{now() + LONG + S, now() + LONG + S, 0}, /* long after the boot */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture fixture;
		char text[WALL_TEXT_SIZE];

		begin(&fixture, now() + LONG);
		fake_step(KUBE_WATCH_LISTED, NULL, false);
		answer(next(&fixture, NODE), 200,
		       a_node(BOOT, "True", cases[i].since_ns, cases[i].heard_ns));
		assert_int_equal(fixture.count, cases[i].told_ns ? 1 : 0);
		if (cases[i].told_ns) {
			assert_int_equal(fixture.told[0].flags, EVENT_RECONSTRUCTED);
			expect_near(fixture.told[0].boot_ns, stamp(cases[i].told_ns, text));
		}
		end(&fixture);
	}
}

static void an_old_boot_is_asked_after_once(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() - S);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	answer(next(&fixture, NODE), 200, a_node(BOOT, "False", now(), now()));
	fake_run(fixture.loop, 250);
	assert_int_equal(fake.count, 1);
	end(&fixture);
	/* nor is it tried again */
	begin(&fixture, now() - S);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	answer(next(&fixture, NODE), 500, NULL);
	fake_run(fixture.loop, 250);
	assert_int_equal(fake.count, 1);
	end(&fixture);
}

static void it_ends_with_the_boot(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	int index = next(&fixture, NODE);

	kubernetes_source_boot_over(fixture.source);
	answer(index, 200, a_node(BOOT, "True", now(), now()));
	fake_run(fixture.loop, 250);
	assert_int_equal(fake.count, 1);
	assert_int_equal(fixture.count, 0);
	end(&fixture);
}

static void it_waits_as_long_as_it_is_told(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, now() + LONG);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
	fake_answer(next(&fixture, NODE), 429, "TooManyRequests", "", 500, NULL);
	int index = next(&fixture, NODE);

	assert_true(fake.calls[index].at_ns - fake.calls[0].at_ns >= 500 * NS_PER_MS * 9 / 10);
	/* while the watch is down, the Node is not asked after */
	answer(index, 200, a_node(BOOT, "False", now(), now()));
	kubernetes_source_boot_over(fixture.source);
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	fake_run(fixture.loop, 150);
	assert_int_equal(fake.count, 2);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_comes_back),
		cmocka_unit_test(a_server_that_has_not_begun_is_awaited),
		cmocka_unit_test(the_watch_may_be_first_to_know),
		cmocka_unit_test(a_server_that_was_there_has_no_milestone),
		cmocka_unit_test(a_node_becomes_ready_before_our_eyes),
		cmocka_unit_test(a_node_that_never_was_unready),
		cmocka_unit_test(what_was_before_us_is_reconstructed),
		cmocka_unit_test(an_old_boot_is_asked_after_once),
		cmocka_unit_test(it_ends_with_the_boot),
		cmocka_unit_test(it_waits_as_long_as_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
