// SPDX-License-Identifier: Apache-2.0
/* ooms and exits: filters, children, groups and their trends, on a store of records made here. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/death/death_filter.h"
#include "cli/verbs.h"
#include "unit/death_scene.h"

static struct scene scene;

#define HERE "--state-dir", scene.dir

static int setup(void **state)
{
	struct record node = make_oom("", "host", 900);
	const struct record records[] = {
		make_leak("leaky", "app", 300),	 make_leak("leaky", "app", 600),
		make_leak("leaky", "app", 1000), make_oom("once", "app", 400),
		make_crash("web", "app", 200),	 make_exit("web", "app", 20),
		make_exit("web", "side", 110),	 make_stop("slow", "app", 400),
		make_child("pool", "app", 450),
	};

	(void)state;
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		scene_put(&scene, &records[i]);
	node.oom.scope = SCOPE_NODE;
	scene_put(&scene, &node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	return 0;
}

/* How many lines of JSON it prints. */
static size_t count(verb_fn verb, const char *const *words)
{
	struct capture capture;
	int code = capture_verb(&capture, verb, words);
	size_t lines = capture_lines(capture.out);

	assert_int_equal(code, lines ? CLI_OK : CLI_FAILED);
	capture_done(&capture);
	return lines;
}

#define COUNT(verb, ...) \
	count(verb, (const char *const[]){"verb", __VA_ARGS__, "-o", "json", HERE, NULL})

static void filters(void **state)
{
	(void)state;
	assert_int_equal(COUNT(cli_exits, "-n", "shop"), 4);
	assert_int_equal(COUNT(cli_exits, "--children"), 5);
	assert_int_equal(COUNT(cli_exits, "--children", "--limit", "2"), 2);
	assert_int_equal(COUNT(cli_exits, "--verdict", "crashed"), 1);
	assert_int_equal(COUNT(cli_exits, "--verdict", "crashed", "--children"), 2);
	assert_int_equal(COUNT(cli_exits, "--verdict", "lost"), 0);
	assert_int_equal(COUNT(cli_exits, "--signal", "segv"), 1);
	assert_int_equal(COUNT(cli_exits, "--signal", "11", "--children"), 2);
	assert_int_equal(COUNT(cli_exits, "--signal", "SIGKILL"), 1);
	/* the newest that fits, though others are newer */
	assert_int_equal(COUNT(cli_exits, "--verdict", "error", "--limit", "1"), 1);
	assert_int_equal(COUNT(cli_ooms, "--scope", "container"), 4);
	assert_int_equal(COUNT(cli_ooms, "--scope", "node"), 1);
	assert_int_equal(COUNT(cli_ooms, "--scope", "none"), 0);
	assert_int_equal(COUNT(cli_ooms, "-p", "leaky"), 3);
}

static void unknown_words_are_refused(void **state)
{
	static const char *const words[][3] = {
		{"exits", "--verdict", "dead"}, {"exits", "--verdict", "none"},
		{"exits", "--signal", "FOO"},	{"exits", "--signal", "0"},
		{"exits", "--signal", "99"},	{"exits", "--by", "day"},
		{"exits", "--scope", "pod"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct capture capture;

		assert_int_equal(
			RUN(&capture, cli_exits, words[i][0], words[i][1], words[i][2], HERE),
			CLI_USAGE);
		assert_int_equal(capture_lines(capture.error), 1);
		capture_done(&capture);
	}
	assert_int_equal(death_filter_signal("SIGTERM"), SIGTERM);
	assert_int_equal(death_filter_signal(""), 0);
}

static void groups_in_order_of_their_counts(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_ooms, "ooms", "--by", "pod", HERE), CLI_OK);
	assert_string_equal(
		capture.out,
		" count  last                  every         growth\n"
		"     3  2026-11-23T06:16:40Z  5min 50.0s    48MiB/min leak  shop/leaky\n"
		"        child python3 (pid 8476, worker 3 of 4, of gunicorn) killed for memory, "
		"container survived; container limit 512MiB (near it for 41.0s), it held 480MiB "
		"anon; triggered by itself; 4 times so far, every 5min 0.0s, growing 48MiB a "
		"minute: "
		"a leak\n"
		"     1  2026-11-23T06:15:00Z  -             -               node\n"
		"        python3 (pid 8476) killed for memory, container survived; the node ran "
		"out "
		"of memory, it held 480MiB anon; triggered by itself\n"
		"     1  2026-11-23T06:06:40Z  -             -               shop/once\n"
		"        child python3 (pid 8476) killed for memory, container survived; container "
		"limit 512MiB, it held 480MiB anon; triggered by itself\n");
	capture_done(&capture);
	assert_int_equal(COUNT(cli_ooms, "--by", "pod", "--limit", "1"), 1);
	assert_int_equal(COUNT(cli_exits, "--by", "pod"), 2);
	assert_int_equal(COUNT(cli_exits, "--by", "container"), 3);
	assert_int_equal(COUNT(cli_exits, "--by", "image"), 1);
	assert_int_equal(COUNT(cli_exits, "--by", "verdict"), 3);
	assert_int_equal(COUNT(cli_ooms, "--by", "verdict"), 2); /* container, node */
	assert_int_equal(COUNT(cli_exits, "--by", "pod", "-n", "none"), 0);
}

static void groups_as_json(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_exits, "exits", "--by", "verdict", "--children", "-o",
			     "json", HERE),
			 CLI_OK);
	*strchr(capture.out, '\n') = '\0';
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "by")), "verdict");
	assert_string_equal(json_string_value(json_object_get(json, "name")), "crashed");
	/* one container, and three workers in one record */
	assert_int_equal(json_integer_value(json_object_get(json, "count")), 4);
	assert_int_equal(json_integer_value(json_object_get(json, "interval_ns")),
			 250 * NS_PER_SECOND);
	assert_string_equal(json_string_value(json_object_get(json, "first")),
			    "2026-11-23T06:03:20.000Z");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "latest"), "type")),
		"child");
	assert_false(json_is_true(json_object_get(json, "leak")));
	capture_done(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(unknown_words_are_refused),
		cmocka_unit_test(groups_in_order_of_their_counts),
		cmocka_unit_test(groups_as_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
