/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd on an sd-event loop, for the sinks that are asked by HTTP: local_sink.c on a unix socket,
 * metrics_sink.c on a TCP port. One thread, and nothing waits: a peer that reads slowly costs its
 * connection until the timeout, never the loop. It knows nothing of what is served.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct http_server;

/* Called once a request, when all of it is there (a body is thrown away). Returns what MHD_queue_response did. */
typedef enum MHD_Result (*http_request_fn)(void *context, struct MHD_Connection *connection,
					   const char *method, const char *path);

struct http_server_options {
	int fd; /* listens already; taken over, also on failure */
	unsigned int connections_max;
	unsigned int timeout_s; /* a connection on which nothing moves is closed after this time */
	bool suspend;		/* answers may wait: MHD_suspend_connection */
};

/* Returns 0 or a negative errno. */
int http_server_new(struct http_server **ret, sd_event *loop,
		    const struct http_server_options *options, http_request_fn on_request,
		    void *context);

/* Resume what is suspended first. */
void http_server_free(struct http_server *server);

/* Does what can be done now: call it after MHD_resume_connection, from outside of a request. */
void http_server_run(struct http_server *server);

/* Answers with a text that malloc gave and that is taken over; NULL (no memory) ends the connection. */
enum MHD_Result http_server_answer(struct MHD_Connection *connection, unsigned int code,
				   const char *content_type, char *body, size_t size);
