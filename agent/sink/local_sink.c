/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/local_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/json.h"
#include "sink/metrics/http_server.h"

#define WATCHERS_MAX	16
#define CONNECTIONS_MAX 32
#define TIMEOUT_S	60
#define QUEUE_BYTES_MAX (1 << 20)
#define NOTICE_SIZE	64
/* An empty line now and then: only a write tells that a client has left. */
#define HEARTBEAT_US 15000000

struct watcher {
	struct local_sink *sink;
	struct watcher *next;
	struct MHD_Connection *connection;
	bool suspended;
	unsigned int types; /* bits of enum record_type; 0: all */
	char *queue;
	size_t used, room;
	uint64_t dropped;
};

struct local_sink {
	struct http_server *http;
	sd_event_source *heartbeat;
	status_fn status;
	void *context;
	struct watcher *watchers;
	unsigned int watcher_count;
	char *path;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code, json_t *json)
{
	char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return http_server_answer(connection, code, "application/json", body,
				  body ? strlen(body) : 0);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int code, const char *why)
{
	return answer(connection, code, json_pack("{s:s}", "error", why));
}

static bool append(struct watcher *watcher, const char *text, size_t size)
{
	size_t wanted = watcher->used + size;

	if (wanted > QUEUE_BYTES_MAX)
		return false;
	if (wanted > watcher->room) {
		size_t room = wanted * 2 < QUEUE_BYTES_MAX ? wanted * 2 : QUEUE_BYTES_MAX;
		char *queue = realloc(watcher->queue, room);

		if (!queue)
			return false;
		watcher->queue = queue;
		watcher->room = room;
	}
	memcpy(watcher->queue + watcher->used, text, size);
	watcher->used += size;
	return true;
}

/* Where it stands among the records is where they are missing. */
static void append_notice(struct watcher *watcher)
{
	char line[NOTICE_SIZE];
	int length = snprintf(line, sizeof(line), "{\"dropped\":%" PRIu64 "}\n", watcher->dropped);

	if (watcher->dropped && append(watcher, line, (size_t)length))
		watcher->dropped = 0;
}

static void append_record(struct watcher *watcher, const char *line, size_t size)
{
	/* one notice for one stretch: not before a record fits behind it */
	if (watcher->used + NOTICE_SIZE + size > QUEUE_BYTES_MAX) {
		watcher->dropped++;
		return;
	}
	append_notice(watcher);
	if (watcher->dropped || !append(watcher, line, size))
		watcher->dropped++;
}

static ssize_t read_queue(void *context, uint64_t position, char *buffer, size_t size)
{
	struct watcher *watcher = context;

	(void)position;
	if (watcher->used == 0)
		append_notice(watcher);
	if (watcher->used == 0) {
		/* a flood's queue is not kept */
		free(watcher->queue);
		watcher->queue = NULL;
		watcher->room = 0;
		watcher->suspended = true;
		MHD_suspend_connection(watcher->connection);
		return 0;
	}
	size_t part = watcher->used < size ? watcher->used : size;

	memcpy(buffer, watcher->queue, part);
	memmove(watcher->queue, watcher->queue + part, watcher->used - part);
	watcher->used -= part;
	return (ssize_t)part;
}

static void free_watcher(void *context)
{
	struct watcher *watcher = context;
	struct watcher **link = &watcher->sink->watchers;

	while (*link != watcher)
		link = &(*link)->next;
	*link = watcher->next;
	watcher->sink->watcher_count--;
	free(watcher->queue);
	free(watcher);
}

static void arm_heartbeat(struct local_sink *sink)
{
	sd_event_source_set_time_relative(sink->heartbeat, HEARTBEAT_US);
	sd_event_source_set_enabled(sink->heartbeat, SD_EVENT_ONESHOT);
}

/* "oom,exit" as bits; false for a word that is no type. */
static bool read_types(const char *text, unsigned int *ret)
{
	unsigned int types = 0;

	while (text && *text) {
		size_t length = strcspn(text, ",");
		enum record_type type = RECORD_NONE + 1;

		while (type < RECORD_TYPE_COUNT &&
		       (strlen(record_type_name(type)) != length ||
			strncmp(record_type_name(type), text, length) != 0))
			type++;
		if (type == RECORD_TYPE_COUNT)
			return false;
		types |= 1u << type;
		text += length + (text[length] == ',');
	}
	*ret = types;
	return true;
}

static enum MHD_Result watch(struct local_sink *sink, struct MHD_Connection *connection)
{
	const char *wanted = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "type");
	unsigned int types;

	if (!read_types(wanted, &types))
		return refuse(connection, MHD_HTTP_BAD_REQUEST,
			      "type: a list of start, oom, exit, pull, boot, gap");
	if (sink->watcher_count >= WATCHERS_MAX)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many watchers");
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher)
		return MHD_NO;
	watcher->sink = sink;
	watcher->connection = connection;
	watcher->types = types;
	watcher->next = sink->watchers;
	sink->watchers = watcher;
	if (sink->watcher_count++ == 0)
		arm_heartbeat(sink);
	append(watcher, "\n", 1); /* the headers go out at once */
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 16384, read_queue, watcher, free_watcher);

	MHD_add_response_header(response, "Content-Type", "application/x-ndjson");
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);

	MHD_destroy_response(response);
	return result;
}

/* The file's mode is the first lock; this one holds where somebody has opened that, or passed a connection on. */
static bool may_ask(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *method, const char *url)
{
	struct local_sink *sink = context;

	if (!may_ask(connection))
		return refuse(connection, MHD_HTTP_FORBIDDEN, "only root and the agent's own user");
	if (strcmp(method, "GET") != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
	if (strcmp(url, "/v1/status") == 0)
		return answer(connection, MHD_HTTP_OK, sink->status(sink->context));
	if (strcmp(url, "/v1/watch") == 0)
		return watch(sink, connection);
	return refuse(connection, MHD_HTTP_NOT_FOUND, "only /v1/status and /v1/watch");
}

static void wake(struct watcher *watcher)
{
	if (watcher->suspended) {
		watcher->suspended = false;
		MHD_resume_connection(watcher->connection);
	}
}

static int on_heartbeat(sd_event_source *source, uint64_t time_us, void *context)
{
	struct local_sink *sink = context;

	(void)source;
	(void)time_us;
	if (!sink->watchers) /* nobody to look after: no timer */
		return 0;
	for (struct watcher *watcher = sink->watchers; watcher; watcher = watcher->next) {
		if (watcher->used == 0)
			append(watcher, "\n", 1);
		wake(watcher);
	}
	arm_heartbeat(sink);
	http_server_run(sink->http);
	return 0;
}

/* Only a socket that nobody listens on is removed: a slip in --socket must not cost a file. */
static int clear_place(int fd, const struct sockaddr_un *address)
{
	struct stat found;

	if (lstat(address->sun_path, &found) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(found.st_mode))
		return -EEXIST;
	/* EAGAIN: a daemon that is busy, its queue of connections is full */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	int r = clear_place(fd, &address);

	if (r < 0)
		return r;
	mode_t before = umask(0177);

	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0
		    ? -errno
		    : 0;
	umask(before);
	if (r < 0)
		return r;
	int taken_fd = fd;

	fd = -1;
	return taken_fd;
}

static int make_parent(const char *path)
{
	cleanup_free char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	return mkdir(parent, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int start(struct local_sink *sink, sd_event *loop, const char *path)
{
	struct http_server_options options = {
		.connections_max = CONNECTIONS_MAX,
		.timeout_s = TIMEOUT_S,
		.suspend = true,
	};
	int r = make_parent(path);

	if (r < 0)
		return r;
	options.fd = bind_socket(path);
	if (options.fd < 0)
		return options.fd;
	sink->path = strdup(path);
	r = http_server_new(&sink->http, loop, &options, on_request, sink);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(loop, &sink->heartbeat, CLOCK_MONOTONIC, HEARTBEAT_US,
				       1000000, on_heartbeat, sink);
	return r < 0 ? r : sd_event_source_set_enabled(sink->heartbeat, SD_EVENT_OFF);
}

int local_sink_new(struct local_sink **ret, sd_event *loop, const char *path, status_fn status,
		   void *context)
{
	struct local_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->status = status;
	sink->context = context;
	int r = start(sink, loop, path);

	if (r < 0) {
		local_sink_free(sink);
		return r;
	}
	*ret = sink;
	return 0;
}

void local_sink_free(struct local_sink *sink)
{
	if (!sink)
		return;
	sd_event_source_disable_unref(sink->heartbeat);
	for (struct watcher *watcher = sink->watchers; watcher; watcher = watcher->next)
		wake(watcher);
	http_server_free(sink->http);
	if (sink->path)
		unlink(sink->path);
	free(sink->path);
	free(sink);
}

/* With its newline. */
static int line_of(const struct record *record, char **ret, size_t *ret_size)
{
	json_auto_t *json = record_to_json(record);
	char *line = NULL;
	size_t size = 0;
	FILE *out = json ? open_memstream(&line, &size) : NULL;

	if (!out)
		return -ENOMEM;
	int r = json_dumpf(json, out, JSON_COMPACT);

	fputc('\n', out);
	if (fclose(out) == EOF || r < 0) {
		free(line);
		return -ENOMEM;
	}
	*ret = line;
	*ret_size = size;
	return 0;
}

void local_sink_record(struct local_sink *sink, const struct record *record)
{
	cleanup_free char *line = NULL;
	size_t size = 0;

	for (struct watcher *watcher = sink->watchers; watcher; watcher = watcher->next) {
		if (watcher->types && !(watcher->types & 1u << record->type))
			continue;
		if (!line && line_of(record, &line, &size) < 0)
			return;
		append_record(watcher, line, size);
		wake(watcher);
	}
	if (line)
		http_server_run(sink->http);
}
