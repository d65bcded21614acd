/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define CONNECT_MS 5000L
#define READ_BYTES 8192L
/* Unacknowledged for so long, a connection is dead: Linux would try for a quarter of an hour. */
#define UNACKNOWLEDGED_MS 30000
#define ERROR_BODY_MAX	  (64u << 10) /* of what is no 2xx */

DEFINE_CLEANUP(struct http_request *, http_request_free)
DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

static bool is_success(CURL *curl)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static int append(struct http_request *request, const char *bytes, size_t size)
{
	size_t wanted = request->used + size + 1;

	if (size > request->body_max || request->used + size > request->body_max)
		return -EMSGSIZE;
	if (wanted > request->room) {
		size_t room = wanted * 2 > 4096 ? wanted * 2 : 4096;
		char *body = realloc(request->body, room);

		if (!body)
			return -ENOMEM;
		request->body = body;
		request->room = room;
	}
	memcpy(request->body + request->used, bytes, size);
	request->used += size;
	request->body[request->used] = '\0';
	return 0;
}

static size_t on_bytes(char *bytes, size_t one, size_t count, void *context)
{
	struct http_request *request = context;
	size_t size = one * count;

	http_heard(request->http);
	if (request->state == HTTP_CANCELLED)
		return CURL_WRITEFUNC_ERROR;
	if (request->on_data && is_success(request->curl))
		request->failed = request->on_data(request->context, bytes, size);
	else
		request->failed = append(request, bytes, size);
	return request->failed < 0 ? CURL_WRITEFUNC_ERROR : size;
}

/* Headers end with an empty line. */
static size_t on_header(char *line, size_t one, size_t count, void *context)
{
	struct http_request *request = context;
	size_t size = one * count;

	http_heard(request->http);
	if (size == 2 && line[0] == '\r' && request->on_begin && is_success(request->curl))
		request->on_begin(request->context);
	return size;
}

static int set_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int patience_ms = UNACKNOWLEDGED_MS;

	(void)purpose;
	http_socket_opened(context, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
	return CURL_SOCKOPT_OK;
}

static void set_transport(CURL *curl, struct http *http, uint32_t deadline_ms)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever http_proxy says */
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L); /* rather than a second connection */
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 10L);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, set_socket);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, http);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, http_socket_close);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, http);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, READ_BYTES);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* else a missed deadline waits for getaddrinfo's thread, and the loop with it */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
}

static CURLcode set_pem(CURL *curl, CURLoption option, const char *pem)
{
	struct curl_blob blob = {
		.data = (void *)pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_COPY};

	return pem ? curl_easy_setopt(curl, option, &blob) : CURLE_OK;
}

/*
 * Texts rather than paths: libcurl shares a connection only if they are equal, so that what was rotated
 * is used. Its cache of CA files would keep an old one for a day, a resumed session an old certificate.
 */
static CURLcode set_tls(CURL *curl, const struct http_tls *tls)
{
	CURLcode code = set_pem(curl, CURLOPT_CAINFO_BLOB, tls->ca);

	if (code == CURLE_OK)
		code = set_pem(curl, CURLOPT_SSLCERT_BLOB, tls->certificate);
	if (code == CURLE_OK)
		code = set_pem(curl, CURLOPT_SSLKEY_BLOB, tls->key);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (tls->insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return code;
}

static int add_to(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int add_header(struct http_request *request, const char *name, const char *value)
{
	cleanup_free char *line = NULL;

	if (!value)
		return 0;
	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	return add_to(&request->headers, line);
}

/* The URL says the name to verify, CONNECT_TO where to go, and the header Host what the URL said. */
static int set_server_name(struct http_request *request, const char *url, const char *name)
{
	cleanup_with(curl_url_cleanupp) CURLU *parsed = curl_url();
	cleanup_free char *to = NULL, *host_port = NULL;
	char *host = NULL, *port = NULL, *named = NULL;
	int r = -EINVAL;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    curl_url_set(parsed, CURLUPART_HOST, name, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_URL, &named, 0) == CURLUE_OK &&
	    asprintf(&to, "::%s:%s", host, port) > 0 &&
	    asprintf(&host_port, "%s:%s", host, port) > 0 &&
	    add_to(&request->connect_to, to) == 0 && add_header(request, "Host", host_port) == 0 &&
	    curl_easy_setopt(request->curl, CURLOPT_URL, named) == CURLE_OK &&
	    curl_easy_setopt(request->curl, CURLOPT_CONNECT_TO, request->connect_to) == CURLE_OK)
		r = 0;
	curl_free(host);
	curl_free(port);
	curl_free(named);
	return r;
}

static int set_request(struct http_request *request, const struct http_options *options)
{
	CURL *curl = request->curl;

	if (curl_easy_setopt(curl, CURLOPT_URL, options->url) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, options->method) != CURLE_OK ||
	    set_tls(curl, &options->tls) != CURLE_OK)
		return -ENOMEM;
	if (options->body &&
	    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, options->body) != CURLE_OK)
		return -ENOMEM;
	if (options->tls.server_name &&
	    set_server_name(request, options->url, options->tls.server_name) < 0)
		return -ENOMEM;
	if (add_header(request, "Accept", "application/json") < 0 ||
	    add_header(request, "User-Agent", "nodewake/" NODEWAKE_VERSION) < 0 ||
	    add_header(request, "Authorization", options->authorization) < 0 ||
	    add_header(request, "Content-Type", options->content_type) < 0 ||
	    add_to(&request->headers, "Expect:") < 0)
		return -ENOMEM;
	set_transport(curl, request->http, options->deadline_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->error);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, request);
	return 0;
}

struct http_request *http_request_new(struct http *http, const struct http_options *options)
{
	cleanup_with(http_request_freep) struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->http = http;
	request->body_max = options->on_data ? ERROR_BODY_MAX : options->body_max;
	request->on_begin = options->on_begin;
	request->on_data = options->on_data;
	request->on_end = options->on_end;
	request->context = options->context;
	request->curl = curl_easy_init();
	if (!request->curl || set_request(request, options) < 0)
		return NULL;
	return take(request);
}

void http_request_free(struct http_request *request)
{
	if (!request)
		return;
	curl_easy_cleanup(request->curl);
	curl_slist_free_all(request->headers);
	curl_slist_free_all(request->connect_to);
	free(request->body);
	free(request);
}

static int errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return -EPROTO;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

void http_request_end(struct http_request *request, CURLcode code)
{
	struct http_answer answer = {
		.error = "", .body = request->body ?: "", .size = request->used};
	curl_off_t retry_after_s = 0;
	long status = 0;

	if (code == CURLE_OK) {
		curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(request->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
		answer.status = (int)status;
		if (retry_after_s > 0)
			answer.retry_after_ms =
				retry_after_s > 86400 ? 86400000u : (uint32_t)retry_after_s * 1000;
	} else {
		answer.status = request->failed < 0 ? request->failed : errno_of(code);
		answer.error = *request->error ? request->error : curl_easy_strerror(code);
	}
	request->on_end(request->context, &answer);
}
