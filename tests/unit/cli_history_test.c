// SPDX-License-Identifier: Apache-2.0
/* starts, ooms, exits, pulls, gaps and explain, on a store of records made here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "unit/cli_fixture.h"

static struct scene scene;

static int setup(void **state)
{
	const struct record records[] = {
		make_start("web", "app", 10), make_exit("web", "app", 20),
		make_start("web", "app", 30), make_oom("web", "app", 40),
		make_start("db", "main", 50), make_pull("r/app:1", 60),
		make_gap("ring full", 70),    make_start("web", "helper", 80),
	};

	(void)state;
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		scene_put(&scene, &records[i]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	return 0;
}

#define HERE "--state-dir", scene.dir

/* Returns the exit code; counts lines of stdout. */
static int lines_of(size_t *ret_lines, verb_fn verb, const char *const *words)
{
	struct capture capture;
	int code = capture_verb(&capture, verb, words);

	*ret_lines = capture_lines(capture.out);
	capture_done(&capture);
	return code;
}

#define LINES(ret, verb, ...) lines_of(ret, verb, (const char *const[]){__VA_ARGS__, HERE, NULL})

static void filters(void **state)
{
	size_t lines;

	(void)state;
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json"), CLI_OK);
	assert_int_equal(lines, 4);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "-p", "web"), CLI_OK);
	assert_int_equal(lines, 3);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "--container=main"),
			 CLI_OK);
	assert_int_equal(lines, 1);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "-n", "none"),
			 CLI_FAILED);
	assert_int_equal(lines, 0);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "--limit", "2"), CLI_OK);
	assert_int_equal(lines, 2);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "--slower-than", "5s"),
			 CLI_FAILED);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "--since", "1h"),
			 CLI_FAILED);
	assert_int_equal(LINES(&lines, cli_starts, "starts", "-o", "json", "--boot", "current"),
			 CLI_FAILED);
	for (size_t i = 0; i < 4; i++) {
		static const struct {
			const char *name;
			verb_fn run;
		} verbs[] = {{"ooms", cli_ooms},
			     {"exits", cli_exits},
			     {"pulls", cli_pulls},
			     {"gaps", cli_gaps}};

		assert_int_equal(LINES(&lines, verbs[i].run, verbs[i].name), CLI_OK);
		assert_int_equal(lines, 2); /* the day, and one */
	}
}

static void json_has_stable_names(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_ooms, "ooms", "--output", "json", HERE), CLI_OK);
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_string_equal(json_string_value(json_object_get(json, "type")), "oom");
	assert_string_equal(json_string_value(json_object_get(json, "boot_id")),
			    "11111111-2222-3333-4444-555555555555");
	assert_string_equal(json_string_value(json_object_get(json, "container_survived")), "yes");
	assert_string_equal(json_string_value(json_object_get(json, "time")),
			    "2026-11-23T06:00:40.000000000Z");
	capture_done(&capture);
}

static void the_newest_or_the_slowest_first(void **state)
{
	struct record slow = make_start("slow", "app", 5);
	struct capture capture;

	(void)state;
	slow.start.span.from_ns -= 9 * NS_PER_SECOND;
	scene_put(&scene, &slow);
	assert_int_equal(RUN(&capture, cli_starts, "starts", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, SCENE_DAY "\n06:01:20Z start shop/web/helper"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_starts, "starts", "--sort", "slowest", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, SCENE_DAY "\n06:00:05Z start shop/slow/app"));
	capture_done(&capture);
}

static void wrong_words(void **state)
{
	static const char *const cases[][3] = {
		{"--nonsense", NULL, "not known"},   {"web", NULL, "not known"},
		{"--limit", "-1", "a number"},	     {"--limit", "x", "a number"},
		{"--limit", " 1", "a number"},	     {"--limit", "0", "a number"},
		{"--since", "soon", "like 2h"},	     {"--sort", "oldest", "newest or slowest"},
		{"--output", "xml", "text or json"}, {"--boot", "", "current"},
		{"--output", NULL, "text or json"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *words[] = {"starts", cases[i][0], cases[i][1], NULL};
		struct capture capture;

		assert_int_equal(capture_verb(&capture, cli_starts, words), CLI_USAGE);
		assert_string_equal(capture.out, "");
		assert_int_equal(capture_lines(capture.error), 1);
		assert_non_null(strstr(capture.error, cases[i][0]));
		assert_non_null(strstr(capture.error, cases[i][2]));
		capture_done(&capture);
	}
}

static void no_store(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_exits, "exits", "--state-dir", "/nonexistent/nodewake"),
			 CLI_FAILED);
	assert_int_equal(capture_lines(capture.error), 1);
	capture_done(&capture);
}

/* --- explain ---------------------------------------------------------------------------------- */

static void explain_shows_the_latest_start_of_each_container(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_explain, "explain", "web", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, "web in namespace shop\n"));
	assert_non_null(strstr(capture.out, "\napp  started 2026-11-23T06:00:26Z, 4.00s"));
	assert_null(strstr(capture.out, "started 2026-11-23T06:00:06Z"));
	assert_non_null(strstr(capture.out, "\nhelper  started 2026-11-23T06:01:16Z, 4.00s"));
	assert_non_null(strstr(capture.out, "  network "));
	assert_non_null(strstr(capture.out, "  ptp "));
	assert_non_null(strstr(capture.out, "191MiB at 200 MB/s"));
	assert_non_null(strstr(capture.out, "What happened\n  06:00:20Z exit "));
	assert_non_null(
		strstr(capture.out, "ended with exit code 3 after 10.0s\n  06:00:40Z oom "));
	assert_null(strstr(capture.out, "shop/db"));
	capture_done(&capture);
}

/* A bar stands where the phase stands in the whole, and is as long as its part. */
static void bars_are_to_scale(void **state)
{
	struct capture capture;
	const char *bar;

	(void)state;
	assert_int_equal(RUN(&capture, cli_explain, "explain", "db", HERE), CLI_OK);
	bar = strstr(capture.out, "\n  pull ");
	assert_non_null(bar);
	/* 1 s of 4 before it, 2 s of 4 long: 10 and 20 of 40 columns */
	bar = strstr(bar, "2.00s") + strlen("2.00s  ");
	assert_int_equal(strspn(bar, " "), 10);
	assert_int_equal(strcspn(bar + 10, "\n") / strlen("█"), 20);
	capture_done(&capture);
}

/* Below the phase app; a start that never got there has them at its end. */
static void explain_shows_whom_it_waited_for(void **state)
{
	struct record waits = make_start("waits", "app", 95);
	struct capture capture;

	(void)state;
	strcpy(waits.key, "waits");
	waits.start.why.peer_count = 2;
	waits.start.why.peers[0] = (struct peer_wait){.kind = PEER_WAIT_FAILED,
						      .address = "10.43.0.12",
						      .port = 5432,
						      .error = 111,
						      .count = 14,
						      .wait_ns = 9600 * NS_PER_MS};
	waits.start.why.peers[1] = (struct peer_wait){
		.kind = PEER_WAIT_DNS, .address = "10.43.0.10", .port = 53, .count = 1};
	strcpy(waits.start.why.peers[1].query, "db\033[31m");
	scene_put(&scene, &waits);
	assert_int_equal(RUN(&capture, cli_explain, "explain", "waits", HERE), CLI_OK);
	assert_non_null(strstr(capture.out,
			       "\n    14 refused connections to 10.43.0.12:5432 in 9.60s\n"
			       "    1 dns question to 10.43.0.10 took 0ns, for db\\x1b[31m\n"));
	capture_done(&capture);
}

static void explain_asks_which_namespace(void **state)
{
	struct record other = make_start("web", "app", 90);
	struct capture capture;

	(void)state;
	strcpy(other.subject.pod_namespace, "shop2");
	strcpy(other.key, "other");
	scene_put(&scene, &other);
	assert_int_equal(RUN(&capture, cli_explain, "explain", "web", HERE), CLI_FAILED);
	assert_string_equal(capture.out, "");
	assert_non_null(strstr(capture.error, "-n"));
	assert_non_null(strstr(capture.error, "  shop/web\n"));
	assert_non_null(strstr(capture.error, "  shop2/web\n"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_explain, "explain", "web", "-n", "shop2", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, "web in namespace shop2\n"));
	capture_done(&capture);
}

/* A StatefulSet's pod comes back under its name: the latest is told, and that there were others. */
static void explain_tells_the_latest_of_one_name(void **state)
{
	struct record again = make_start("web", "app", 200);
	struct capture capture;

	(void)state;
	strcpy(again.subject.pod_uid, "uid-of-the-next");
	strcpy(again.key, "again");
	scene_put(&scene, &again);
	assert_int_equal(RUN(&capture, cli_explain, "explain", "web", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, "started 2026-11-23T06:03:16Z"));
	assert_null(strstr(capture.out, "helper"));
	assert_null(strstr(capture.out, "What happened"));
	assert_non_null(strstr(capture.out, "1 earlier pod of this name"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_explain, "explain", "web", "-o", "json", HERE), CLI_OK);
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_int_equal(json_array_size(json), 1);
	capture_done(&capture);
}

/* More records than are looked at: the newest count. */
static void explain_of_an_endless_crash_loop(void **state)
{
	struct capture capture;

	(void)state;
	for (unsigned int i = 0; i < 700; i++) {
		struct record start = make_start("loop", "app", 1000 + 10 * i);
		struct record exit = make_exit("loop", "app", 1005 + 10 * i);

		start.subject.attempt = exit.subject.attempt = i;
		scene_put(&scene, &start);
		scene_put(&scene, &exit);
	}
	assert_int_equal(RUN(&capture, cli_explain, "explain", "loop", HERE), CLI_OK);
	assert_non_null(strstr(capture.out, ", restart 699"));
	assert_null(strstr(capture.out, ", restart 499"));
	assert_non_null(strstr(capture.out, "earlier"));
	assert_true(capture_lines(capture.out) < 60);
	capture_done(&capture);
}

static void explain_of_nobody(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(RUN(&capture, cli_explain, "explain", "nobody", HERE), CLI_FAILED);
	assert_int_equal(capture_lines(capture.error), 1);
	assert_non_null(strstr(capture.error, "nodewake starts"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_explain, "explain", HERE), CLI_USAGE);
	assert_int_equal(capture_lines(capture.error), 1);
	capture_done(&capture);
}

static void explain_prints_nothing_raw(void **state)
{
	static const char hostile[] = "\033[2J\xc2\x9b";
	struct record start = make_start("evil", "x", 300), exit = make_exit("evil", "x", 301);
	struct capture capture;

	(void)state;
	strcpy(start.subject.container, hostile);
	strcpy(start.subject.image, hostile);
	strcpy(start.start.plugins[0].name, hostile);
	strcpy(start.start.file, hostile);
	strcpy(start.start.listen_address, hostile);
	strcpy(exit.exit.comm, hostile);
	strcpy(exit.exit.message, hostile);
	exit.exit.verdict = EXIT_START_FAILED;
	scene_put(&scene, &start);
	scene_put(&scene, &exit);
	for (int json = 0; json < 2; json++) {
		assert_int_equal(RUN(&capture, cli_explain, "explain", "evil", "-o",
				     json ? "json" : "text", HERE),
				 CLI_OK);
		assert_null(strchr(capture.out, '\033'));
		assert_null(strstr(capture.out, "\xc2\x9b"));
		capture_done(&capture);
	}
	assert_int_equal(RUN(&capture, cli_starts, "starts", "-p", "evil", "-o", "json", HERE),
			 CLI_OK);
	assert_null(strstr(capture.out, "\xc2\x9b"));
	capture_done(&capture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(filters),
		TEST(json_has_stable_names),
		TEST(the_newest_or_the_slowest_first),
		TEST(wrong_words),
		TEST(no_store),
		TEST(explain_shows_the_latest_start_of_each_container),
		TEST(bars_are_to_scale),
		TEST(explain_shows_whom_it_waited_for),
		TEST(explain_asks_which_namespace),
		TEST(explain_tells_the_latest_of_one_name),
		TEST(explain_of_an_endless_crash_loop),
		TEST(explain_of_nobody),
		TEST(explain_prints_nothing_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
