// SPDX-License-Identifier: Apache-2.0
/* /metrics, /healthz and /readyz over real TCP sockets: answers, refusals, peers that stall, addresses. */
#include "sink/metrics/metrics_sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/metrics/http_listen.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

struct fixture {
	sd_event *loop;
	struct metrics_sink *sink;
	uint16_t port;
	const char *unhealthy, *unready;
	unsigned int asked;
};

struct client {
	int fd;
	char *text; /* all that came so far */
	size_t used;
	bool ended;
};

static void give_figures(void *context, struct metrics_figures *ret)
{
	struct fixture *fixture = context;

	ret->containers = ++fixture->asked;
}

static void give_unhealthy(void *context, FILE *reasons)
{
	fputs(((struct fixture *)context)->unhealthy, reasons);
}

static void give_unready(void *context, FILE *reasons)
{
	fputs(((struct fixture *)context)->unready, reasons);
}

static const struct metrics_sink_asks asks = {give_figures, give_unhealthy, give_unready};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	log_set_level(LOG_LEVEL_ERROR);
	fixture->unhealthy = fixture->unready = "";
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(
		metrics_sink_new(&fixture->sink, fixture->loop, "127.0.0.1:0", &asks, fixture), 0);
	assert_int_equal(
		sscanf(metrics_sink_address(fixture->sink), "127.0.0.1:%hu", &fixture->port), 1);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	metrics_sink_free(fixture->sink);
	sd_event_unref(fixture->loop);
	free(fixture);
	return 0;
}

/* Runs the loop until nothing has happened for a few ms. */
static void pump(struct fixture *fixture)
{
	for (int i = 0; i < 20000 && sd_event_run(fixture->loop, 5000) > 0; i++)
		;
}

static struct client dial(const struct fixture *fixture, const char *request)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(fixture->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(client.fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(send(client.fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return client;
}

static void read_all(struct fixture *fixture, struct client *client)
{
	char buffer[65536];
	ssize_t size;

	for (int quiet = 0; quiet < 3 && !client->ended; quiet++) {
		pump(fixture);
		while ((size = read(client->fd, buffer, sizeof(buffer))) > 0) {
			client->text = realloc(client->text, client->used + (size_t)size + 1);
			memcpy(client->text + client->used, buffer, (size_t)size);
			client->used += (size_t)size;
			client->text[client->used] = '\0';
			quiet = 0;
		}
		client->ended = size == 0 || errno != EAGAIN;
	}
}

static void hang_up(struct client *client)
{
	close(client->fd);
	free(client->text);
}

/* What it answers to a request, headers and all; free it. */
static char *ask(struct fixture *fixture, const char *request)
{
	struct client client = dial(fixture, request);

	read_all(fixture, &client);
	close(client.fd);
	assert_non_null(client.text);
	return client.text;
}

static void assert_answer(struct fixture *fixture, const char *request, const char *status,
			  const char *end)
{
	char *text = ask(fixture, request);
	size_t length = strlen(text), wanted = strlen(end);

	assert_non_null(strstr(text, status));
	assert_true(length > wanted);
	assert_string_equal(text + length - wanted, end);
	free(text);
}

static void metrics_are_plain_text(void **state)
{
	struct fixture *fixture = *state;
	char *text = ask(fixture, GET("/metrics"));

	assert_true(strncmp(text, "HTTP/1.1 200 ", 13) == 0);
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(text, "\nnodewake_containers 1\n"));
	assert_true(text[strlen(text) - 1] == '\n');
	free(text);
	assert_int_equal(fixture->asked, 1);
}

static void a_record_counts(void **state)
{
	struct fixture *fixture = *state;
	struct record record = {.type = RECORD_EXIT, .final = true, .exit.verdict = EXIT_CRASHED};

	metrics_sink_record(fixture->sink, &record, RECORD_UNKNOWN);
	metrics_sink_record(fixture->sink, &record, RECORD_KNOWN_FINAL);
	char *text = ask(fixture, GET("/metrics"));

	assert_non_null(strstr(text, "\nnodewake_exits_total{verdict=\"crashed\"} 1\n"));
	free(text);
}

static void checks_tell_each_reason(void **state)
{
	struct fixture *fixture = *state;

	assert_answer(fixture, GET("/healthz"), " 200 ", "\r\n\r\nok\n");
	assert_answer(fixture, GET("/readyz"), " 200 ", "\r\n\r\nok\n");
	fixture->unready = "one\ntwo\n";
	assert_answer(fixture, GET("/healthz"), " 200 ", "\r\n\r\nok\n");
	assert_answer(fixture, GET("/readyz"), " 503 ", "\r\n\r\none\ntwo\n");
	fixture->unready = "";
	fixture->unhealthy = "three\n";
	assert_answer(fixture, GET("/healthz"), " 503 ", "\r\n\r\nthree\n");
	assert_answer(fixture, GET("/readyz"), " 200 ", "\r\n\r\nok\n");
}

static void other_requests_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_answer(fixture, GET("/"), " 404 ", "only /metrics, /healthz and /readyz\n");
	assert_answer(fixture, GET("/metrics/"), " 404 ", "\n");
	assert_answer(fixture, GET("/v1/status"), " 404 ", "\n");
	assert_answer(fixture,
		      "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		      "Content-Length: 3\r\n\r\nabc",
		      " 405 ", "only GET and HEAD\n");
	assert_answer(fixture, "DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		      " 405 ", "only GET and HEAD\n");
	assert_int_equal(fixture->asked, 0);
}

static void head_has_no_body(void **state)
{
	struct fixture *fixture = *state;

	assert_answer(fixture, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		      " 200 ", "\r\n\r\n");
	fixture->unready = "one\n";
	assert_answer(fixture, "HEAD /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		      " 503 ", "\r\n\r\n");
}

static void assert_sleeps(struct fixture *fixture)
{
	uint64_t begin_ns = clock_boot_ns();
	unsigned int worked = 0;

	while (clock_boot_ns() < begin_ns + NS_PER_SECOND)
		worked += sd_event_run(fixture->loop, 100000) > 0;
	assert_true(worked < 10);
}

/* It asks again and again and reads nothing: the others are served, and the loop sleeps. */
static void a_slow_reader_holds_nobody_up(void **state)
{
	struct fixture *fixture = *state;
	struct client slow = dial(fixture, "");
	static const char again[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

	for (int i = 0; i < 2000; i++) {
		if (send(slow.fd, again, sizeof(again) - 1, MSG_NOSIGNAL) < 0)
			break;
		if (i % 50 == 0)
			pump(fixture);
	}
	pump(fixture);
	assert_true(fixture->asked > 1 && fixture->asked < 1900); /* it has stopped asking us */
	assert_sleeps(fixture);
	assert_answer(fixture, GET("/healthz"), " 200 ", "ok\n");
	hang_up(&slow);
	assert_answer(fixture, GET("/healthz"), " 200 ", "ok\n");
}

static void there_is_a_most_of_connections(void **state)
{
	struct fixture *fixture = *state;
	struct client idle[16], more;

	for (int i = 0; i < 16; i++)
		idle[i] = dial(fixture, "GET /metrics");
	pump(fixture);
	more = dial(fixture, GET("/healthz"));
	read_all(fixture, &more);
	assert_null(more.text);
	assert_false(more.ended);
	assert_sleeps(fixture);
	hang_up(&idle[0]);
	read_all(fixture, &more);
	assert_non_null(more.text);
	assert_non_null(strstr(more.text, " 200 "));
	hang_up(&more);
	for (int i = 1; i < 16; i++)
		hang_up(&idle[i]);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void addresses_are_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1: 1",
		"localhost:0",
		"::1:0",
		"[::1:0",
		"[127.0.0.1]:0",
		"[]:0",
		"[",
		"on",
		"1.2.3.4.5:0",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333]:1",
	};
	char address[HTTP_ADDRESS_SIZE] = "unchanged";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (http_listen(bad[i], address) != -EINVAL)
			fail_msg("taken for an address: '%s'", bad[i]);
	assert_string_equal(address, "unchanged");
}

static void assert_listens(const char *text, const char *begins, const char *or_begins)
{
	char address[HTTP_ADDRESS_SIZE];
	int fd = http_listen(text, address);

	assert_true(fd >= 0);
	close(fd);
	assert_true(strncmp(address, begins, strlen(begins)) == 0 ||
		    strncmp(address, or_begins, strlen(or_begins)) == 0);
	assert_string_not_equal(strrchr(address, ':'), ":0");
}

static void both_families_are_taken(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	bool has_v6 = fd >= 0 && bind(fd, (struct sockaddr *)&local, sizeof(local)) == 0;

	(void)state;
	if (fd >= 0)
		close(fd);
	assert_listens("127.0.0.1:0", "127.0.0.1:", "127.0.0.1:");
	assert_listens(":0", "[::]:", "0.0.0.0:");
	if (has_v6)
		assert_listens("[::1]:0", "[::1]:", "[::1]:");
	else
		print_message("[::1]: SKIPPED: no IPv6 here\n");
}

static void a_port_that_is_taken_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct metrics_sink *second = NULL;

	assert_int_equal(metrics_sink_new(&second, fixture->loop,
					  metrics_sink_address(fixture->sink), &asks, fixture),
			 -EADDRINUSE);
	assert_null(second);
	assert_answer(fixture, GET("/healthz"), " 200 ", "ok\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(metrics_are_plain_text),
		TEST(a_record_counts),
		TEST(checks_tell_each_reason),
		TEST(other_requests_are_refused),
		TEST(head_has_no_body),
		TEST(a_slow_reader_holds_nobody_up),
		TEST(there_is_a_most_of_connections),
		cmocka_unit_test(addresses_are_numbers),
		cmocka_unit_test(both_families_are_taken),
		TEST(a_port_that_is_taken_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
