/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an API server answers, byte by byte, before it hangs up: the status line, headers, chunks and the body. Each
 * request must end exactly once, whole or with an errno.
 */
#include "fuzz/target.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "client/http.h"

/* So many addresses share what waits in TIME_WAIT. */
#define ADDRESSES 16
#define BODY_MAX  512
#define TURNS_MAX 1000

static struct {
	sd_event *loop;
	struct http *http;
	struct sockaddr_in addresses[ADDRESSES];
	int listeners[ADDRESSES];
	unsigned int inputs;
} server;

struct asked {
	unsigned int ended;
	size_t streamed;
	bool stream;
};

static void close_client(void)
{
	http_free(server.http);
	sd_event_unref(server.loop);
}

static void open_server(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	if (sd_event_new(&server.loop) < 0 || http_new(&server.http, server.loop) < 0)
		abort();
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		struct sockaddr_in *address = &server.addresses[i];
		socklen_t size = sizeof(*address);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i);
		if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 || listen(fd, 4) < 0 ||
		    getsockname(fd, (struct sockaddr *)address, &size) < 0)
			abort();
		server.listeners[i] = fd;
	}
	atexit(close_client);
}

static int on_data(void *context, const char *bytes, size_t size)
{
	struct asked *asked = context;

	(void)bytes;
	asked->streamed += size;
	return 0;
}

static void on_begin(void *context)
{
	if (!((struct asked *)context)->stream)
		abort();
}

static void on_end(void *context, const struct http_answer *answer)
{
	struct asked *asked = context;

	if (asked->ended++ || strlen(answer->error) > 1024 || answer->size > BODY_MAX ||
	    answer->body[answer->size] != '\0')
		abort();
	if (answer->status >= 0 && (answer->status < 100 || answer->status > 999))
		abort();
}

static bool readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

/* Runs the client until that is readable. */
static void wait_for(int fd)
{
	for (int turn = 0; turn < TURNS_MAX && !readable(fd); turn++)
		sd_event_run(server.loop, 100);
	if (!readable(fd))
		abort();
}

static void answer_it(int listener, const uint8_t *data, size_t size)
{
	char request[4096];

	wait_for(listener);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		abort();
	wait_for(fd);
	if (read(fd, request, sizeof(request)) <= 0)
		abort();
	if (send(fd, data, size, MSG_NOSIGNAL) < 0) {
		/* it has hung up on us */
	}
	close(fd);
}

static void ask(const uint8_t *data, size_t size, bool stream)
{
	unsigned int at = server.inputs++ % ADDRESSES;
	char url[64];
	struct asked asked = {.stream = stream};
	struct http_request *request;
	struct http_options options = {
		.method = "GET",
		.url = url,
		.deadline_ms = 2000,
		.body_max = BODY_MAX,
		.on_begin = stream ? on_begin : NULL,
		.on_data = stream ? on_data : NULL,
		.on_end = on_end,
		.context = &asked,
	};

	snprintf(url, sizeof(url), "http://127.0.0.%u:%u/", 2 + at,
		 ntohs(server.addresses[at].sin_port));
	if (http_start(server.http, &options, &request) < 0)
		abort();
	answer_it(server.listeners[at], data, size);
	for (int turn = 0; turn < TURNS_MAX && !asked.ended; turn++)
		sd_event_run(server.loop, 10000);
	if (!asked.ended)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!server.loop)
		open_server();
	ask(data, size, server.inputs & 1);
	return 0;
}
