// SPDX-License-Identifier: Apache-2.0
/* watch and status against a peer that answers from a script; replay from files. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/verbs.h"
#include "client/local.h"
#include "model/json.h"
#include "unit/cli_fixture.h"

/* Answers one request with these bytes, then hangs up or stays silent. */
struct peer {
	char dir[32], path[64], request[1024];
	const char *answer;
	bool silent;
	int listener;
	pthread_t thread;
};

static void *serve(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);
	size_t used = 0;
	ssize_t size;

	while (fd >= 0 && !strstr(peer->request, "\r\n\r\n") &&
	       (size = recv(fd, peer->request + used, sizeof(peer->request) - 1 - used, 0)) > 0)
		used += (size_t)size;
	if (fd >= 0 && peer->answer)
		send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
	while (peer->silent && recv(fd, &size, sizeof(size), 0) > 0)
		;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void open_peer(struct peer *peer, const char *answer, bool silent)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*peer = (struct peer){.answer = answer, .silent = silent};
	strcpy(peer->dir, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(peer->dir));
	snprintf(peer->path, sizeof(peer->path), "%s/s", peer->dir);
	strcpy(address.sun_path, peer->path);
	peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->listener, 1), 0);
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void close_peer(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	unlink(peer->path);
	rmdir(peer->dir);
}

/* Runs a verb with --socket; the capture is the caller's. */
static int run_with(struct peer *peer, struct capture *capture, verb_fn verb, const char *name,
		    const char *flag, const char *value)
{
	const char *words[] = {name, "--socket", peer->path, flag, value, NULL};
	int code = capture_verb(capture, verb, words);

	close_peer(peer);
	return code;
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

/* --- watch ------------------------------------------------------------------------------------ */

#define PROVISIONAL                                                                        \
	"{\"type\":\"exit\",\"key\":\"a\",\"boot_ns\":1,\"verdict\":\"error\",\"code\":5," \
	"\"subject\":{\"pod\":\"p\",\"pod_namespace\":\"n\"}}\n"
#define FINAL                                                                                  \
	"{\"type\":\"exit\",\"key\":\"b\",\"boot_ns\":1,\"final\":true,\"verdict\":\"error\"," \
	"\"code\":6,\"subject\":{\"pod\":\"p\\u001b[2J\",\"pod_namespace\":\"n\"},"            \
	"\"comm\":\"\xc2\x9b\"}\n"

static void watch_prints_what_is_final(void **state)
{
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer, OK "\n" PROVISIONAL "\n" FINAL "not json\n{\"type\":\"new-kind\"}\n",
		  false);
	assert_int_equal(run_with(&peer, &capture, cli_watch, "watch", NULL, NULL), CLI_NO_DAEMON);
	assert_int_equal(capture_lines(capture.out), 1);
	assert_non_null(strstr(capture.out, "exit  n/p\\x1b[2J"));
	assert_non_null(strstr(capture.out, "exit code 6"));
	assert_non_null(strstr(capture.error, "has ended"));
	capture_done(&capture);

	open_peer(&peer, OK PROVISIONAL FINAL, false);
	run_with(&peer, &capture, cli_watch, "watch", "--all", NULL);
	assert_int_equal(capture_lines(capture.out), 2);
	capture_done(&capture);
}

static void watch_as_json_is_ascii(void **state)
{
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer, OK FINAL, false);
	run_with(&peer, &capture, cli_watch, "watch", "-o", "json");
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_int_equal(json_integer_value(json_object_get(json, "code")), 6);
	for (const char *c = capture.out; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	capture_done(&capture);
}

static void watch_tells_what_it_lost(void **state)
{
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer, OK FINAL "{\"dropped\":12}\n" FINAL, false);
	run_with(&peer, &capture, cli_watch, "watch", NULL, NULL);
	assert_int_equal(capture_lines(capture.out), 2);
	assert_non_null(strstr(capture.error, "12 records were not shown"));
	capture_done(&capture);
}

static void watch_asks_for_types(void **state)
{
	static const char *const bad[] = {"nonsense", "oom,", "", "oom&x=1", ","};
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer, OK, false);
	run_with(&peer, &capture, cli_watch, "watch", "--type", "oom,start,oom");
	assert_memory_equal(peer.request, "GET /v1/watch?type=start,oom HTTP/", 34);
	capture_done(&capture);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(RUN(&capture, cli_watch, "watch", "--type", bad[i]),
				 i == 1 ? CLI_NO_DAEMON : CLI_USAGE);
		assert_int_equal(capture_lines(capture.error), 1);
		capture_done(&capture);
	}
}

static void watch_is_refused(void **state)
{
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer,
		  "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n{\"error\":\"too many\\u001b "
		  "watchers\"}",
		  false);
	assert_int_equal(run_with(&peer, &capture, cli_watch, "watch", NULL, NULL), CLI_FAILED);
	assert_non_null(strstr(capture.error, "too many\\x1b watchers"));
	capture_done(&capture);
}

/* --- status ----------------------------------------------------------------------------------- */

static void status_as_text(void **state)
{
	static const char answer[] = OK
		"{\"version\":\"1.2\",\"since\":\"2026-11-23T06:00:00Z\",\"uptime_ns\":60000000000,"
		"\"well\":false,\"problems\":[\"probe \\u001bx is not attached\"],"
		"\"sources\":{\"kernel\":{\"up\":true,\"records\":10,\"lost\":2,\"map_bytes\":"
		"1048576,"
		"\"probes\":[{\"name\":\"exec\",\"attached\":true,\"runs\":4,\"run_ns\":8000},"
		"{\"name\":\"oom\",\"attached\":false}]},"
		"\"containerd\":{\"connected\":true,\"socket\":\"/c\",\"version\":\"1.6\","
		"\"events\":3,\"calls\":9,\"failed_calls\":1,\"reconnects\":0}},"
		"\"tracker\":{\"containers\":5,\"pods\":2,\"records\":{\"start\":5}},"
		"\"store\":{\"bytes\":4096,\"waiting\":0},"
		"\"cost\":{\"pss_bytes\":12582912,\"cpu_percent\":0.07}}";
	static const char *const expected[] = {
		"v1.2, NOT WELL, watching since 2026-11-23T06:00:00Z (1min 0.0s)",
		"1 of 2 probes attached, 10 records, 2 lost, maps 1MiB",
		"exec 2us",
		"connected /c, version 1.6, 3 events, 9 calls (1 failed), 0 reconnects",
		"5 containers in 2 pods",
		"5 start",
		"4KiB",
		"12MiB of memory (PSS), 0.07 % of a core",
		"problem     probe \\x1bx is not attached",
	};
	struct capture capture;
	struct peer peer;

	(void)state;
	open_peer(&peer, answer, false);
	assert_int_equal(run_with(&peer, &capture, cli_status, "status", NULL, NULL), CLI_FAILED);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (!strstr(capture.out, expected[i]))
			fail_msg("'%s' is not in:\n%s", expected[i], capture.out);
	capture_done(&capture);
}

static void status_tolerates_what_is_absent(void **state)
{
	static const struct {
		const char *answer;
		int code;
	} cases[] = {
		{OK "{}", CLI_FAILED},
		{OK "{\"well\":true}", CLI_OK},
		{OK "{\"well\":true,\"version\":5,\"problems\":7,\"sources\":[],\"cost\":null}",
		 CLI_OK},
		{OK "[]", CLI_NO_DAEMON},
		{OK "garbage", CLI_NO_DAEMON},
		{"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n{}", CLI_NO_DAEMON},
		{"garbage", CLI_NO_DAEMON},
		{NULL, CLI_NO_DAEMON},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int json = 0; json < 2; json++) {
			struct capture capture;
			struct peer peer;

			open_peer(&peer, cases[i].answer, false);
			assert_int_equal(run_with(&peer, &capture, cli_status, "status", "-o",
						  json ? "json" : "text"),
					 cases[i].code);
			assert_int_equal(capture_lines(capture.error),
					 cases[i].code == CLI_NO_DAEMON);
			capture_done(&capture);
		}
}

/* --- the way there ---------------------------------------------------------------------------- */

static int ignore_line(void *context, const char *line, size_t length)
{
	(void)context;
	(void)line;
	(void)length;
	return 0;
}

/* Stopped by SIGSTOP, say: the kernel still takes the connection. */
static void a_silent_daemon_is_told_apart(void **state)
{
	struct peer peer;

	(void)state;
	open_peer(&peer, NULL, true);
	int r = local_get(peer.path, "/v1/status", 200, ignore_line, NULL);

	close_peer(&peer);
	assert_int_equal(r, -ETIMEDOUT);
	assert_int_equal(local_get("/nonexistent/s", "/v1/status", 200, ignore_line, NULL),
			 -ENOENT);
}

static void a_proxy_is_not_asked(void **state)
{
	struct capture capture;
	struct peer peer;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	open_peer(&peer, OK "{\"well\":true}", false);
	assert_int_equal(run_with(&peer, &capture, cli_status, "status", NULL, NULL), CLI_OK);
	assert_memory_equal(peer.request, "GET /v1/status HTTP/", 20);
	unsetenv("http_proxy");
	capture_done(&capture);
}

/* --- replay ----------------------------------------------------------------------------------- */

#define HEADER "{\"nodewake\":\"events\",\"version\":1,\"boot_id\":\"b\",\"wall_offset_ns\":5}\n"

static int replay(struct capture *capture, const char *text, const char *format)
{
	char path[] = "/tmp/nodewake-test-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	int code = RUN(capture, cli_replay, "replay", path, "-o", format);

	unlink(path);
	return code;
}

static void replay_of_bad_files(void **state)
{
	static const struct {
		const char *text, *needle;
	} cases[] = {
		{"", "no recording"},
		{"\n", "no recording"},
		{"{}\n", "no recording"},
		{"[1]\n", "no recording"},
		{"{\"nodewake\":\"events\",\"version\":2}\n", "no recording"},
		{"{\"nodewake\":\"records\",\"version\":1}\n", "no recording"},
		{HEADER "garbage\n", "line 2"},
		{HEADER "{\"type\":\"exec\",\"boot_ns\":1}\n{\"type\":\"nothing\"}\n", "line 3"},
		{HEADER "{\"type\":\"exec\",\"boot_ns\":1}\n\n", "line 3"},
		{HEADER "{\"type\":\"exec\",\"boot_ns\":\"x\"}\n", "line 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct capture capture;

		assert_int_equal(replay(&capture, cases[i].text, "text"), CLI_FAILED);
		assert_int_equal(capture_lines(capture.error), 1);
		assert_non_null(strstr(capture.error, cases[i].needle));
		capture_done(&capture);
	}
}

static void replay_makes_records(void **state)
{
	static const char text[] = HEADER
		"{\"type\":\"source\",\"boot_ns\":1000,\"source\":\"kernel\",\"step\":\"lost\","
		"\"cause\":\"ring full\",\"count\":3,\"since_ns\":10}\n";
	struct capture capture;

	(void)state;
	assert_int_equal(replay(&capture, text, "json"), CLI_OK);
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_string_equal(json_string_value(json_object_get(json, "type")), "gap");
	assert_int_equal(json_integer_value(json_object_get(json, "wall_offset_ns")), 5);
	assert_int_equal(json_integer_value(json_object_get(json, "count")), 3);
	capture_done(&capture);
	assert_int_equal(replay(&capture, text, "text"), CLI_OK);
	assert_non_null(strstr(capture.out, "ring full"));
	capture_done(&capture);
}

static void replay_of_standard_input(void **state)
{
	struct capture capture;
	int before = dup(0), ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], HEADER, strlen(HEADER)), strlen(HEADER));
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	assert_int_equal(RUN(&capture, cli_replay, "replay", "-"), CLI_OK);
	dup2(before, 0);
	close(before);
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_replay, "replay"), CLI_USAGE);
	assert_int_equal(capture_lines(capture.error), 1);
	capture_done(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch_prints_what_is_final),
		cmocka_unit_test(watch_as_json_is_ascii),
		cmocka_unit_test(watch_tells_what_it_lost),
		cmocka_unit_test(watch_asks_for_types),
		cmocka_unit_test(watch_is_refused),
		cmocka_unit_test(status_as_text),
		cmocka_unit_test(status_tolerates_what_is_absent),
		cmocka_unit_test(a_silent_daemon_is_told_apart),
		cmocka_unit_test(a_proxy_is_not_asked),
		cmocka_unit_test(replay_of_bad_files),
		cmocka_unit_test(replay_makes_records),
		cmocka_unit_test(replay_of_standard_input),
	};

	setenv("NODEWAKE_SOCKET", "/nonexistent/nodewake", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
