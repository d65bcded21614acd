/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 and HTTP/1.1 on an sd-event loop, by libcurl's multi-socket interface.
 *
 * Its user is client/kube/kube.c. Connections are kept and shared by all requests; a request is either
 * answered whole, within a bound, or streamed. No redirect is followed, no proxy used, no cookie kept.
 * It knows nothing of Kubernetes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct http;
struct http_request;

/* Returns 0 or a negative errno. */
int http_new(struct http **ret, sd_event *loop);

/* Not from a callback. Ends all requests; their callbacks are not called any more. */
void http_free(struct http *http);

/* PEM texts. A connection is shared only by requests with the same ones. */
struct http_tls {
	const char *ca;		       /* NULL: the system's */
	const char *certificate, *key; /* of the client; NULL: none */
	const char *server_name;       /* whom to ask for and to verify; NULL: the URL's host */
	bool insecure;		       /* verify nothing */
};

struct http_answer {
	int status; /* HTTP status, or a negative errno: no answer, or not to its end */
	uint32_t retry_after_ms; /* 0: not told */
	const char *error;	 /* libcurl's words for what failed, else "" */
	const char *body;	 /* terminated; "" where it was streamed */
	size_t size;
};

/* A stream's answer has begun: its status is 2xx. */
typedef void (*http_begin_fn)(void *context);
/* A negative errno ends the stream, and becomes its status. */
typedef int (*http_data_fn)(void *context, const char *bytes, size_t size);
/* Called once; the request is gone. */
typedef void (*http_end_fn)(void *context, const struct http_answer *answer);

struct http_options {
	const char *method, *url;
	const char *authorization; /* NULL: none */
	const char *content_type;  /* of the body */
	const char *body;	   /* NULL: none */
	struct http_tls tls;
	uint32_t deadline_ms;	/* for the whole of it */
	size_t body_max;	/* a longer answer is -EMSGSIZE */
	http_begin_fn on_begin; /* NULL, or for a stream; what is no 2xx comes whole all the same */
	http_data_fn on_data;
	http_end_fn on_end;
	void *context;
};

/* Everything is copied. The callbacks come later, from the loop. Returns 0 or -ENOMEM. */
int http_start(struct http *http, const struct http_options *options, struct http_request **ret);

/* Also from a callback. on_end is not called any more. */
void http_cancel(struct http_request *request);

/* The same of a request whose answer is overdue: the connection may be dead. */
void http_expire(struct http_request *request);
