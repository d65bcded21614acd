/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/metrics/http_listen.h"
#include "sink/metrics/http_server.h"
#include "sink/metrics/metrics.h"

#define CONNECTIONS_MAX 16
#define TIMEOUT_S	10
#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"
#define TEXT_TYPE	"text/plain; charset=utf-8"

struct metrics_sink {
	struct http_server *http;
	struct metrics *metrics;
	struct metrics_sink_asks asks;
	void *context;
	char address[HTTP_ADDRESS_SIZE];
};

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int code,
				   const char *text)
{
	char *body = strdup(text);

	return http_server_answer(connection, code, TEXT_TYPE, body, strlen(text));
}

static enum MHD_Result answer_metrics(struct metrics_sink *sink, struct MHD_Connection *connection)
{
	struct metrics_figures figures = {0};
	char *text = NULL;
	size_t size = 0;

	sink->asks.figures(sink->context, &figures);
	if (metrics_render(sink->metrics, &figures, clock_boot_ns(), &text, &size) < 0)
		return MHD_NO;
	return http_server_answer(connection, MHD_HTTP_OK, METRICS_TYPE, text, size);
}

static enum MHD_Result answer_check(struct metrics_sink *sink, struct MHD_Connection *connection,
				    void (*check)(void *context, FILE *reasons))
{
	char *reasons = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&reasons, &size);

	if (!out)
		return MHD_NO;
	check(sink->context, out);
	if (fclose(out) == EOF) {
		free(reasons);
		return MHD_NO;
	}
	if (size)
		return http_server_answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_TYPE,
					  reasons, size);
	free(reasons);
	return answer_text(connection, MHD_HTTP_OK, "ok\n");
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *method, const char *path)
{
	struct metrics_sink *sink = context;

	/* libmicrohttpd sends no body to HEAD */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(path, "/metrics") == 0)
		return answer_metrics(sink, connection);
	if (strcmp(path, "/healthz") == 0)
		return answer_check(sink, connection, sink->asks.unhealthy);
	if (strcmp(path, "/readyz") == 0)
		return answer_check(sink, connection, sink->asks.unready);
	return answer_text(connection, MHD_HTTP_NOT_FOUND, "only /metrics, /healthz and /readyz\n");
}

static int start(struct metrics_sink *sink, sd_event *loop, const char *address)
{
	struct http_server_options options = {
		.connections_max = CONNECTIONS_MAX,
		.timeout_s = TIMEOUT_S,
	};
	int r = metrics_new(&sink->metrics);

	if (r < 0)
		return r;
	options.fd = http_listen(address, sink->address);
	return options.fd < 0 ? options.fd
			      : http_server_new(&sink->http, loop, &options, on_request, sink);
}

int metrics_sink_new(struct metrics_sink **ret, sd_event *loop, const char *address,
		     const struct metrics_sink_asks *asks, void *context)
{
	struct metrics_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->asks = *asks;
	sink->context = context;
	int r = start(sink, loop, address);

	if (r < 0) {
		metrics_sink_free(sink);
		return r;
	}
	log_info("serving /metrics, /healthz and /readyz", LOG_TEXT("address", sink->address));
	*ret = sink;
	return 0;
}

void metrics_sink_free(struct metrics_sink *sink)
{
	if (!sink)
		return;
	http_server_free(sink->http);
	metrics_free(sink->metrics);
	free(sink);
}

void metrics_sink_earlier(struct metrics_sink *sink, const struct boot_history *earlier)
{
	metrics_earlier(sink->metrics, earlier);
}

void metrics_sink_record(struct metrics_sink *sink, const struct record *record,
			 enum record_known before)
{
	metrics_record(sink->metrics, record, before);
}

const char *metrics_sink_address(const struct metrics_sink *sink)
{
	return sink->address;
}
