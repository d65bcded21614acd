/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl on the loop: it says which descriptors and which time it waits for, and is called when they
 * are ready. libcurl may not be called from its own callbacks, where users' callbacks run: what they
 * start or cancel waits in the list of requests until it has returned.
 */
#include "client/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* With HTTP/1.1 every watch takes one. */
#define CONNECTIONS_MAX 8L
/* So many deadlines missed in a row, without a byte from the server, prove a connection dead. */
#define MISSED_MAX  2
#define SOCKETS_MAX 16 /* above CONNECTIONS_MAX: two families are tried at once */

struct http {
	CURLM *multi;
	sd_event *loop;
	sd_event_source *timer, *settle;
	struct http_request *requests;
	int sockets[SOCKETS_MAX]; /* -1: free */
	unsigned int missed;
	bool inside; /* of libcurl */
};

static void settle_later(struct http *http)
{
	sd_event_source_set_enabled(http->settle, SD_EVENT_ONESHOT);
}

static void unlink_request(struct http_request *request)
{
	*request->link = request->next;
	if (request->next)
		request->next->link = request->link;
}

void http_socket_opened(struct http *http, int fd)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (http->sockets[i] < 0) {
			http->sockets[i] = fd;
			return;
		}
}

int http_socket_close(void *context, curl_socket_t fd)
{
	struct http *http = context;

	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (http->sockets[i] == fd)
			http->sockets[i] = -1;
	return close(fd);
}

void http_heard(struct http *http)
{
	http->missed = 0;
}

/*
 * An HTTP/2 connection whose server acknowledges but answers nothing would be used for ever: a missed
 * deadline ends a stream, not the connection. Without their sockets libcurl gives connections up.
 */
static void note_missed(struct http *http)
{
	if (++http->missed < MISSED_MAX)
		return;
	http->missed = 0;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (http->sockets[i] >= 0)
			shutdown(http->sockets[i], SHUT_RDWR);
}

static void reap(struct http *http)
{
	struct http_request *request;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		CURLcode code = message->data.result;
		CURL *curl = message->easy_handle;

		curl_easy_getinfo(curl, CURLINFO_PRIVATE, &request);
		if (code == CURLE_OPERATION_TIMEDOUT)
			note_missed(http);
		curl_multi_remove_handle(http->multi, curl);
		unlink_request(request);
		if (request->state != HTTP_CANCELLED)
			http_request_end(request, code);
		http_request_free(request);
	}
}

static void act(struct http *http, curl_socket_t fd, int events)
{
	int running;

	http->inside = true;
	curl_multi_socket_action(http->multi, fd, events, &running);
	http->inside = false;
	reap(http);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	act(context, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	act(context, fd,
	    (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
	return 0;
}

/* Starts what was queued, and frees what was cancelled, now that libcurl may be called. */
static int on_settle(sd_event_source *source, void *context)
{
	struct http *http = context;

	(void)source;
	for (struct http_request *request = http->requests, *next; request; request = next) {
		next = request->next;
		if (request->state == HTTP_QUEUED) {
			request->state = HTTP_RUNNING;
			if (curl_multi_add_handle(http->multi, request->curl) == CURLM_OK)
				continue;
			unlink_request(request);
			http_request_end(request, CURLE_OUT_OF_MEMORY);
			http_request_free(request);
			return settle_later(http), 0; /* the callback may have changed the list */
		} else if (request->state == HTTP_CANCELLED) {
			curl_multi_remove_handle(http->multi, request->curl);
			unlink_request(request);
			http_request_free(request);
		}
	}
	return 0;
}

static int watch_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *known)
{
	struct http *http = context;
	sd_event_source *source = known;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

	(void)curl;
	if (what != CURL_POLL_REMOVE && source &&
	    sd_event_source_set_io_events(source, events) >= 0)
		return 0;
	sd_event_source_disable_unref(source);
	source = NULL;
	if (what != CURL_POLL_REMOVE &&
	    sd_event_add_io(http->loop, &source, fd, events, on_io, http) < 0)
		return -1;
	curl_multi_assign(http->multi, fd, source);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct http *http = context;

	(void)multi;
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	sd_event_source_set_time_relative(http->timer, (uint64_t)timeout_ms * 1000);
	return sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int open_multi(struct http *http)
{
	http->multi = curl_multi_init(); /* initialises the library, too */
	if (!http->multi)
		return -ENOMEM;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 2L);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX);
	return 0;
}

int http_new(struct http **ret, sd_event *loop)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		http->sockets[i] = -1;
	http->loop = sd_event_ref(loop);
	int r = sd_event_add_time(loop, &http->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, http);

	if (r >= 0)
		r = sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(loop, &http->settle, on_settle, http);
	if (r >= 0)
		r = sd_event_source_set_enabled(http->settle, SD_EVENT_OFF);
	if (r >= 0)
		r = open_multi(http);
	if (r < 0) {
		http_free(http);
		return r;
	}
	*ret = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (struct http_request *request = http->requests, *next; request; request = next) {
		next = request->next;
		curl_multi_remove_handle(http->multi, request->curl);
		http_request_free(request);
	}
	if (http->multi)
		curl_multi_cleanup(http->multi);
	sd_event_source_disable_unref(http->timer);
	sd_event_source_disable_unref(http->settle);
	sd_event_unref(http->loop);
	free(http);
}

int http_start(struct http *http, const struct http_options *options, struct http_request **ret)
{
	struct http_request *request = http_request_new(http, options);

	if (!request)
		return -ENOMEM;
	request->next = http->requests;
	request->link = &http->requests;
	if (request->next)
		request->next->link = &request->next;
	http->requests = request;
	settle_later(http);
	*ret = request;
	return 0;
}

void http_cancel(struct http_request *request)
{
	if (!request)
		return;
	struct http *http = request->http;

	request->state = HTTP_CANCELLED;
	request->on_begin = NULL;
	request->on_data = NULL;
	if (http->inside) {
		settle_later(http);
		return;
	}
	curl_multi_remove_handle(http->multi, request->curl);
	unlink_request(request);
	http_request_free(request);
}

void http_expire(struct http_request *request)
{
	if (request)
		note_missed(request->http);
	http_cancel(request);
}
