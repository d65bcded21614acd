/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c (the loop) and http_request.c (one request) share; nobody else includes it. */
#pragma once

#include <curl/curl.h>

#include "client/http.h"

enum http_state { HTTP_QUEUED, HTTP_RUNNING, HTTP_CANCELLED };

struct http_request {
	struct http *http;
	struct http_request *next, **link;
	enum http_state state;
	CURL *curl;
	struct curl_slist *headers, *connect_to;
	char error[CURL_ERROR_SIZE];

	char *body; /* of the answer */
	size_t used, room, body_max;
	int failed; /* the negative errno with which a callback of ours ended the transfer */

	http_begin_fn on_begin;
	http_data_fn on_data;
	http_end_fn on_end;
	void *context;
};

/* Returns NULL without memory. */
struct http_request *http_request_new(struct http *http, const struct http_options *options);
void http_request_free(struct http_request *request);

/* Tells the end. The request must be out of the multi handle and the list. */
void http_request_end(struct http_request *request, CURLcode code);

/* Which sockets libcurl has, and that the server lives. */
void http_socket_opened(struct http *http, int fd);
int http_socket_close(void *context, curl_socket_t fd);
void http_heard(struct http *http);
