// SPDX-License-Identifier: Apache-2.0
/* The local API against real sockets: bad requests, slow readers, clients that leave, too many. */
#include "sink/local_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"

/* 1.0: without chunks, that would cut the texts looked for. */
#define WATCH "GET /v1/watch HTTP/1.0\r\nHost: x\r\n\r\n"

struct fixture {
	char dir[32], path[64];
	sd_event *loop;
	struct local_sink *sink;
};

struct client {
	int fd;
	char *text; /* all that came so far */
	size_t used;
	bool ended;
};

static json_t *status(void *context)
{
	(void)context;
	return json_pack("{s:b}", "well", 1);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->dir, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->path, sizeof(fixture->path), "%s/s.sock", fixture->dir);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(local_sink_new(&fixture->sink, fixture->loop, fixture->path, status, NULL),
			 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	local_sink_free(fixture->sink);
	sd_event_unref(fixture->loop);
	unlink(fixture->path);
	assert_int_equal(rmdir(fixture->dir), 0);
	free(fixture);
	return 0;
}

/* Runs the loop until nothing has happened for a few ms. Returns how often it had work. */
static unsigned int pump(struct fixture *fixture)
{
	unsigned int worked = 0;

	while (sd_event_run(fixture->loop, 5000) > 0 && worked < 20000)
		worked++;
	return worked;
}

static struct client dial(const struct fixture *fixture, const char *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client client = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	strcpy(address.sun_path, fixture->path);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(client.fd, F_SETFL, O_NONBLOCK);
	if (send(client.fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		client.ended = true;
	return client;
}

/* Takes what is there now. */
static void take_bytes(struct client *client)
{
	char buffer[65536];
	ssize_t size;

	while ((size = read(client->fd, buffer, sizeof(buffer))) > 0) {
		client->text = realloc(client->text, client->used + (size_t)size + 1);
		memcpy(client->text + client->used, buffer, (size_t)size);
		client->used += (size_t)size;
		client->text[client->used] = '\0';
	}
	client->ended |= size == 0 || (size < 0 && errno != EAGAIN);
}

static void read_all(struct fixture *fixture, struct client *client)
{
	size_t before;

	do {
		before = client->used;
		pump(fixture);
		take_bytes(client);
	} while (client->used > before && !client->ended);
}

static void hang_up(struct client *client)
{
	close(client->fd);
	free(client->text);
}

/*
 * Lines with this in them. A strstr() over the whole text takes its length each time under the sanitizers: on a busy machine
 * more than the minute after which the server hangs up a slow reader.
 */
static size_t count(const struct client *client, const char *needle)
{
	const char *at = client->text, *end = at + client->used, *line_end;
	size_t found = 0;

	for (; at < end; at = line_end + 1) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end)
			line_end = end;
		found += memmem(at, (size_t)(line_end - at), needle, strlen(needle)) != NULL;
	}
	return found;
}

static struct record make_record(enum record_type type, unsigned int number)
{
	struct record record = {.type = type, .final = true, .boot_ns = NS_PER_SECOND + number};

	snprintf(record.key, sizeof(record.key), "record-%u-", number);
	return record;
}

static void tell(struct fixture *fixture, enum record_type type, unsigned int number)
{
	struct record record = make_record(type, number);

	local_sink_record(fixture->sink, &record);
}

/* --- requests --------------------------------------------------------------------------------- */

static void status_is_one_object(void **state)
{
	struct fixture *fixture = *state;
	struct client client = dial(fixture, "GET /v1/status HTTP/1.0\r\n\r\n");

	read_all(fixture, &client);
	assert_non_null(strstr(client.text, " 200 "));
	assert_non_null(strstr(client.text, "\r\n\r\n{\"well\":true}"));
	hang_up(&client);
}

static void bad_requests_get_an_answer(void **state)
{
	static const struct {
		const char *request, *code, *text;
	} cases[] = {
		{"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", " 404 ", "\"error\""},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", " 404 ", "\"error\""},
		{"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", " 405 ",
		 "\"error\""},
		{"DELETE /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", " 405 ", "\"error\""},
		{"GET /v1/watch?type=oom,nonsense HTTP/1.1\r\nHost: x\r\n\r\n", " 400 ",
		 "\"error\""},
		{"GET /v1/watch?type HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ", ""},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct client client = dial(fixture, cases[i].request);

		read_all(fixture, &client);
		assert_non_null(client.text);
		assert_non_null(strstr(client.text, cases[i].code));
		assert_non_null(strstr(client.text, cases[i].text));
		hang_up(&client);
	}
}

/* Bytes that are no HTTP, cut requests, headers without end: closed or refused, and it goes on. */
static void garbage_does_no_harm(void **state)
{
	static char endless[200000] = "GET /v1/status HTTP/1.1\r\nX: ";
	static const char *const cases[] = {
		"\x16\x03\x01\x02",
		"\r\n\r\n\r\n",
		"GET",
		"GET /v1/status HTTP/9.9\r\n\r\n",
		"GET /v1/watch?type=%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
		endless,
	};
	struct fixture *fixture = *state;

	memset(endless + strlen(endless), 'a', sizeof(endless) - strlen(endless) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct client client = dial(fixture, cases[i]);

		read_all(fixture, &client);
		hang_up(&client);
		pump(fixture);
	}
	status_is_one_object(state);
}

/* --- watchers --------------------------------------------------------------------------------- */

static void a_watcher_gets_what_it_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct client all = dial(fixture, WATCH);
	struct client some =
		dial(fixture, "GET /v1/watch?type=oom,gap HTTP/1.1\r\nHost: x\r\n\r\n");

	pump(fixture);
	tell(fixture, RECORD_START, 1);
	tell(fixture, RECORD_OOM, 2);
	tell(fixture, RECORD_GAP, 3);
	read_all(fixture, &all);
	read_all(fixture, &some);
	assert_int_equal(count(&all, "\"key\":\"record-"), 3);
	assert_int_equal(count(&some, "\"key\":\"record-"), 2);
	assert_int_equal(count(&some, "record-1-"), 0);
	hang_up(&all);
	hang_up(&some);
}

/* Only the newest are lost, at the place that the notice stands at, and the count is exact. */
static void a_slow_reader_is_told_what_it_lost(void **state)
{
	enum { TOLD = 30000 };
	struct fixture *fixture = *state;
	struct client slow = dial(fixture, WATCH), quick = dial(fixture, WATCH);
	unsigned long long dropped = 0;

	pump(fixture);
	for (unsigned int i = 0; i < TOLD; i++) {
		tell(fixture, RECORD_EXIT, i);
		if (i % 64 == 0) {
			pump(fixture);
			take_bytes(&quick);
		}
	}
	read_all(fixture, &quick);
	assert_int_equal(count(&quick, "\"key\":\"record-"), TOLD);
	assert_int_equal(count(&quick, "dropped"), 0);

	take_bytes(&slow); /* room for some, not for all: what comes now stands behind the notice */
	pump(fixture);
	tell(fixture, RECORD_EXIT, TOLD);
	read_all(fixture, &slow);
	for (const char *at = slow.text; (at = strstr(at, "{\"dropped\":")); at++)
		dropped += strtoull(at + strlen("{\"dropped\":"), NULL, 10);
	assert_true(dropped > TOLD / 2);
	assert_int_equal(count(&slow, "\"key\":\"record-") + dropped, TOLD + 1);
	assert_true(strstr(slow.text, "dropped") < strstr(slow.text, "record-30000-"));
	assert_int_equal(count(&slow, "dropped"), 1);
	hang_up(&slow);
	hang_up(&quick);
}

static void clients_that_leave_are_forgotten(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < 100; i++) {
		struct client client = dial(fixture, WATCH);

		pump(fixture);
		tell(fixture, RECORD_EXIT, i);
		if (i % 2)
			pump(fixture);
		hang_up(&client);
		tell(fixture, RECORD_EXIT, i); /* a write tells that it has left */
		pump(fixture);
	}
	a_watcher_gets_what_it_asked_for(state);
}

static void there_is_a_most_of_watchers(void **state)
{
	struct fixture *fixture = *state;
	struct client clients[17];

	for (size_t i = 0; i < 17; i++) {
		clients[i] = dial(fixture, WATCH);
		read_all(fixture, &clients[i]);
		assert_non_null(strstr(clients[i].text, i < 16 ? " 200 " : " 503 "));
	}
	status_is_one_object(state);
	for (size_t i = 0; i < 17; i++)
		hang_up(&clients[i]);
}

static void waiting_watchers_cost_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct client clients[8];
	struct timespec begin, end;

	for (size_t i = 0; i < 8; i++)
		clients[i] = dial(fixture, WATCH);
	pump(fixture);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	unsigned int worked = 0;

	do {
		worked += sd_event_run(fixture->loop, 100000) > 0;
		clock_gettime(CLOCK_MONOTONIC, &end);
	} while (end.tv_sec - begin.tv_sec < 2);
	assert_true(worked < 10);
	for (size_t i = 0; i < 8; i++)
		hang_up(&clients[i]);
}

/* --- the socket ------------------------------------------------------------------------------- */

static void the_socket_is_private(void **state)
{
	struct fixture *fixture = *state;
	struct stat found;

	assert_int_equal(stat(fixture->path, &found), 0);
	assert_true(S_ISSOCK(found.st_mode));
	assert_int_equal(found.st_mode & 0777, 0600);
}

/* Somebody has opened the file's mode: another user's process is refused all the same. */
static void another_user_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct client client;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(fixture->dir, 0711), 0);
	assert_int_equal(chmod(fixture->path, 0666), 0);
	/* who connects is noted then */
	assert_int_equal(seteuid(65534), 0);
	client = dial(fixture, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(seteuid(0), 0);
	read_all(fixture, &client);
	assert_int_equal(count(&client, "HTTP/1.1 403"), 1);
	assert_int_equal(count(&client, "only root and the agent's own user"), 1);
	hang_up(&client);
	status_is_one_object(state);
}

static void a_living_socket_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct local_sink *second = NULL;

	assert_int_equal(local_sink_new(&second, fixture->loop, fixture->path, status, NULL),
			 -EADDRINUSE);
	status_is_one_object(state);
}

/* Its queue of connections is full: connect() says EAGAIN, and it lives all the same. */
static void a_busy_socket_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct local_sink *second = NULL;
	int fds[64];

	strcpy(address.sun_path, fixture->path);
	for (size_t i = 0; i < 64; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	}
	assert_int_equal(local_sink_new(&second, fixture->loop, fixture->path, status, NULL),
			 -EADDRINUSE);
	for (size_t i = 0; i < 64; i++)
		close(fds[i]);
	pump(fixture);
	status_is_one_object(state);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct local_sink *second = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/stale", fixture->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(local_sink_new(&second, fixture->loop, address.sun_path, status, NULL), 0);
	local_sink_free(second);
	assert_int_equal(access(address.sun_path, F_OK), -1);
}

/* A slip in --socket must not cost a file. */
static void a_file_is_no_stale_socket(void **state)
{
	struct fixture *fixture = *state;
	struct local_sink *second = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%s/file", fixture->dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	int r = local_sink_new(&second, fixture->loop, path, status, NULL);

	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(r, -EEXIST);
}

static void it_ends_with_watchers(void **state)
{
	struct fixture *fixture = *state;
	struct client waiting = dial(fixture, WATCH), full = dial(fixture, WATCH);

	pump(fixture);
	tell(fixture, RECORD_EXIT, 1);
	local_sink_free(fixture->sink);
	fixture->sink = NULL;
	for (int i = 0; i < 100 && !waiting.ended; i++)
		take_bytes(&waiting);
	assert_true(waiting.ended);
	assert_int_equal(access(fixture->path, F_OK), -1);
	hang_up(&waiting);
	hang_up(&full);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(status_is_one_object),
		TEST(bad_requests_get_an_answer),
		TEST(garbage_does_no_harm),
		TEST(a_watcher_gets_what_it_asked_for),
		TEST(a_slow_reader_is_told_what_it_lost),
		TEST(clients_that_leave_are_forgotten),
		TEST(there_is_a_most_of_watchers),
		TEST(waiting_watchers_cost_nothing),
		TEST(the_socket_is_private),
		TEST(another_user_is_refused),
		TEST(a_living_socket_is_left_alone),
		TEST(a_busy_socket_is_left_alone),
		TEST(a_stale_socket_is_replaced),
		TEST(a_file_is_no_stale_socket),
		TEST(it_ends_with_watchers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
