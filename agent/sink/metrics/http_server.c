/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTION_BYTES_MAX ((size_t)32768)

struct http_server {
	struct MHD_Daemon *http;
	sd_event_source *ready, *timeout;
	unsigned int connections_max;
	http_request_fn on_request;
	void *context;
};

static bool full(const struct http_server *server)
{
	return MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
		       ->num_connections >= server->connections_max;
}

void http_server_run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	bool was_full;

	/*
	 * When it is full, libmicrohttpd no longer polls the listening socket, and takes that up again at the
	 * beginning of a run: one that made room needs another, or who waits is kept waiting.
	 */
	do {
		was_full = full(server);
		MHD_run(server->http);
	} while (was_full && !full(server));
	if (MHD_get_timeout(server->http, &wait_ms) == MHD_YES) {
		sd_event_source_set_time_relative(server->timeout, wait_ms * 1000);
		sd_event_source_set_enabled(server->timeout, SD_EVENT_ONESHOT);
	}
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	http_server_run(context);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	http_server_run(context);
	return 0;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *body,
				  size_t *body_size, void **request)
{
	static int seen;
	struct http_server *server = context;

	(void)version;
	(void)body;
	if (!*request) { /* headers are there, the body may follow */
		*request = &seen;
		return MHD_YES;
	}
	if (*body_size) {
		*body_size = 0;
		return MHD_YES;
	}
	return server->on_request(server->context, connection, method, url);
}

static int join_loop(struct http_server *server, sd_event *loop)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD);
	int r = sd_event_add_io(loop, &server->ready, info->epoll_fd, EPOLLIN, on_ready, server);

	return r < 0 ? r
		     : sd_event_add_time_relative(loop, &server->timeout, CLOCK_MONOTONIC, 0, 1000,
						  on_timeout, server);
}

int http_server_new(struct http_server **ret, sd_event *loop,
		    const struct http_server_options *options, http_request_fn request,
		    void *context)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (!server) {
		close(options->fd);
		return -ENOMEM;
	}
	server->on_request = request;
	server->context = context;
	server->connections_max = options->connections_max;
	server->http =
		MHD_start_daemon(MHD_USE_EPOLL | (options->suspend ? MHD_ALLOW_SUSPEND_RESUME : 0),
				 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
				 options->fd, MHD_OPTION_CONNECTION_LIMIT, options->connections_max,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES_MAX,
				 MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_s, MHD_OPTION_END);
	if (!server->http)
		close(options->fd);
	int r = server->http ? join_loop(server, loop) : -EIO;

	if (r < 0) {
		http_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	/* off the loop first: stopping closes the descriptor that the loop polls */
	sd_event_source_disable_unref(server->ready);
	sd_event_source_disable_unref(server->timeout);
	if (server->http)
		MHD_stop_daemon(server->http); /* closes the socket too */
	free(server);
}

enum MHD_Result http_server_answer(struct MHD_Connection *connection, unsigned int code,
				   const char *content_type, char *body, size_t size)
{
	struct MHD_Response *response =
		body ? MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE) : NULL;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	enum MHD_Result result = MHD_queue_response(connection, code, response);

	MHD_destroy_response(response);
	return result;
}
