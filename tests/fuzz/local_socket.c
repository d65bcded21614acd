/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to the local API's socket, as one client sends them before it hangs up; now and then a proper
 * request must still be answered.
 */
#include "fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "sink/local_sink.h"

#define INPUTS_PER_PROOF 64

static struct {
	char dir[32], path[64];
	sd_event *loop;
	struct local_sink *sink;
	unsigned int inputs;
} server;

static json_t *status(void *context)
{
	(void)context;
	return json_pack("{s:b}", "well", 1);
}

static void close_server(void)
{
	local_sink_free(server.sink);
	sd_event_unref(server.loop);
	unlink(server.path);
	rmdir(server.dir);
}

static void open_server(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(server.dir, "/tmp/nodewake-fuzz-XXXXXX");
	if (!mkdtemp(server.dir))
		abort();
	snprintf(server.path, sizeof(server.path), "%s/s", server.dir);
	if (sd_event_new(&server.loop) < 0 ||
	    local_sink_new(&server.sink, server.loop, server.path, status, NULL) < 0)
		abort();
	atexit(close_server);
}

static void pump(void)
{
	for (int i = 0; i < 100 && sd_event_run(server.loop, 0) > 0; i++)
		;
}

static int dial(const void *data, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, server.path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(fd, (const char *)data + sent, size - sent, MSG_NOSIGNAL);

		pump();
		if (n <= 0)
			break; /* it has hung up on us */
		sent += (size_t)n;
	}
	pump();
	return fd;
}

static void prove_it_lives(void)
{
	static const char request[] = "GET /v1/status HTTP/1.0\r\n\r\n";
	char answer[1024] = "";
	int fd = dial(request, sizeof(request) - 1);

	for (int i = 0; i < 100 && read(fd, answer, sizeof(answer) - 1) <= 0; i++)
		pump();
	if (!strstr(answer, "200 OK")) {
		fprintf(stderr, "a proper request got: %s\n", answer);
		abort();
	}
	close(fd);
	pump();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char ignored[4096];

	if (!server.loop)
		open_server();
	int fd = dial(data, size);

	while (read(fd, ignored, sizeof(ignored)) > 0)
		pump();
	close(fd);
	pump();
	if (++server.inputs % INPUTS_PER_PROOF == 0)
		prove_it_lives();
	return 0;
}
