/* SPDX-License-Identifier: Apache-2.0 */
#include "source/containerd/containerd_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/process_find.h"
#include "source/containerd/containerd_private.h"
#include "source/containerd/containerd_wire.h"

/* Subscribe has no acknowledgement: what happened right behind it is found by the second listing. */
#define SECOND_LIST_US 1000000
#define RESYNC_US      45000000
/* A stopped containerd keeps the stream open and silent; only a call's deadline tells. */
#define LIVENESS_US    30000000
#define BACKOFF_MS     200
#define BACKOFF_MAX_MS 1000

static const char *const known_sockets[] = {
	"/run/containerd/containerd.sock",
	"/run/k3s/containerd/containerd.sock",
};

static void subscribe(struct containerd_source *source);

int containerd_call(struct containerd_source *source, const struct rpc_method *method,
		    const ProtobufCMessage *request, rpc_reply_fn on_reply, void *context)
{
	source->stats.calls++;
	return rpc_call(source->rpc, method, request, on_reply, context);
}

void containerd_emit(struct containerd_source *source, const struct event *event)
{
	source->on_event(source->context, event);
}

uint64_t containerd_stamp_ns(const Containerd__Timestamp *stamp)
{
	if (!stamp || stamp->seconds <= 0)
		return 0;
	return clock_boot_from_wall((uint64_t)stamp->seconds * NS_PER_SECOND +
					    (uint64_t)stamp->nanos,
				    clock_wall_offset_ns());
}

static void emit_step(struct containerd_source *source, enum source_step step, const char *cause)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_CONTAINERD,
			   .step = step,
			   .since_ns = source->down_since_ns},
	};

	TEXT_COPY(event.source.cause, cause);
	containerd_emit(source, &event);
}

/*
 * It refused at first and answers now: the moment is known, up to the backoff of a second. Where it
 * answered at once, only others know since when.
 */
static void emit_ready(struct containerd_source *source)
{
	struct event event = {
		.type = EVENT_MILESTONE,
		.boot_ns = clock_boot_ns(),
		.milestone = {.what = MILESTONE_RUNTIME_READY, .told_by = "socket"},
	};
	uint32_t pid;

	if (process_of_socket(source->socket, &pid) == 0)
		process_unit_read("/proc", pid, event.milestone.unit, UNIT_SIZE);
	containerd_emit(source, &event);
}

static void went_up(struct containerd_source *source)
{
	if (source->stats.connected)
		return;
	if (!source->was_up && source->told)
		emit_ready(source);
	source->was_up = true;
	log_info("containerd is watched", LOG_TEXT("socket", source->socket),
		 LOG_TEXT("version", source->stats.version));
	source->stats.connected = true;
	source->told = SOURCE_UP;
	source->backoff_ms = BACKOFF_MS;
	source->list_wait_ms = 0;
	if (!source->told_unlisted)
		source->list_failures = 0; /* those were the connection's */
	emit_step(source, SOURCE_UP, "");
	source->down_since_ns = 0;
	containerd_list_forget(source);
	containerd_list(source);
	pull_poll_kick(source->pulls); /* one may be going on */
	sd_event_source_set_time_relative(source->resync, SECOND_LIST_US);
	sd_event_source_set_enabled(source->resync, SD_EVENT_ONESHOT);
}

/* Who refuses and never answered has not begun: nothing goes on that could be missed. */
static void went_down(struct containerd_source *source, uint64_t since_ns, bool silent,
		      const char *why)
{
	enum source_step step = source->was_up || silent ? SOURCE_DOWN : SOURCE_AWAITED;

	if (!source->down_since_ns)
		source->down_since_ns = since_ns;
	if (source->stats.connected)
		source->stats.reconnects++;
	source->stats.connected = false;
	source->listing = false;
	status_asks_clear(source->asks);
	if (source->told == step || source->told == SOURCE_DOWN)
		return;
	if (source->told != SOURCE_AWAITED)
		log_warning("containerd is not reachable, trying again",
			    LOG_TEXT("socket", source->socket), LOG_TEXT("why", why));
	source->told = step;
	emit_step(source, step, "containerd is not reachable");
}

static void retry(struct containerd_source *source)
{
	sd_event_source_set_time_relative(source->retry, (uint64_t)source->backoff_ms * 1000);
	sd_event_source_set_enabled(source->retry, SD_EVENT_ONESHOT);
	source->backoff_ms =
		source->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : source->backoff_ms * 2;
}

/* Of a CRI container's first process, not of an exec session's. */
static bool is_end(const struct containerd_source *source, const struct event *event)
{
	const struct event_task *task = &event->task;

	return event->type == EVENT_TASK && task->step == TASK_EXIT &&
	       (!*task->exec_id || strcmp(task->exec_id, task->container_id) == 0) &&
	       !containerd_list_is_foreign(source, task->container_id);
}

static void on_envelope(void *context, const uint8_t *data, size_t size)
{
	struct containerd_source *source = context;
	struct event event;

	source->stats.events++;
	source->answered_ns = clock_boot_ns();
	switch (containerd_wire_decode(data, size, clock_wall_offset_ns(), &event)) {
	case CONTAINERD_WIRE_UNKNOWN:
		source->stats.unknown_events++;
		return;
	case CONTAINERD_WIRE_UNDECODABLE:
		source->stats.undecodable++;
		return;
	case CONTAINERD_WIRE_NO_EVENT:
		return;
	case CONTAINERD_WIRE_EVENT:
		break;
	}
	if (event.type == EVENT_CONTAINER && event.container.created_ns) {
		containerd_identify(source, &event);
		return;
	}
	if (event.type == EVENT_IMAGE && event.image.step != IMAGE_DELETE) {
		/* the image under its own id: the other names carry it along */
		if (strncmp(event.image.name, "sha256:", 7) != 0)
			image_look(source->looks, &event);
		return;
	}
	containerd_emit(source, &event);
	if (is_end(source, &event))
		status_ask(source->asks, event.task.container_id, true);
	if (event.type == EVENT_SNAPSHOT && *event.snapshot.chain)
		pull_poll_kick(source->pulls);
}

static void on_stream_end(void *context, int status, const char *message)
{
	struct containerd_source *source = context;

	log_debug("event stream ended", LOG_NUMBER("status", status), LOG_TEXT("message", message));
	source->subscribed = false;
	went_down(source, clock_boot_ns(), false, message);
	retry(source);
}

static void on_version(void *context, int status, const char *message,
		       const ProtobufCMessage *reply)
{
	struct containerd_source *source = context;

	source->asking_version = false;
	if (status == RPC_OK) {
		source->answered_ns = clock_boot_ns();
		TEXT_COPY(source->stats.version,
			  ((const Containerd__VersionResponse *)reply)->version);
		if (source->subscribed)
			went_up(source);
	} else {
		/* silent since its last word, not only since it was asked */
		uint64_t since_ns = status == RPC_DEADLINE && source->answered_ns
					    ? source->answered_ns
					    : clock_boot_ns();

		source->stats.failed_calls++;
		went_down(source, since_ns, status == RPC_DEADLINE, message);
		if (source->subscribed)
			sd_event_source_set_time_relative(source->liveness, BACKOFF_MAX_MS * 1000);
	}
}

void containerd_ask_version(struct containerd_source *source)
{
	static const struct rpc_method method = {
		.path = "/containerd.services.version.v1.Version/Version",
		.reply = &containerd__version_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__Empty request = CONTAINERD__EMPTY__INIT;

	/* of two questions the older one's deadline would undo the younger one's answer */
	if (!source->asking_version)
		source->asking_version =
			containerd_call(source, &method, &request.base, on_version, source) == 0;
}

const char *containerd_source_known_socket(void)
{
	for (size_t i = 0; i < sizeof(known_sockets) / sizeof(*known_sockets); i++)
		if (access(known_sockets[i], F_OK) == 0)
			return known_sockets[i];
	return known_sockets[0];
}

static void choose_socket(struct containerd_source *source)
{
	if (!source->given_socket)
		TEXT_COPY(source->socket, containerd_source_known_socket());
}

/* What waits for an answer would wait for ever: the callbacks died with the connection. */
static void drop_questions(struct containerd_source *source)
{
	source->listing = false;
	source->asking_version = false;
	containerd_identify_clear(source);
	status_asks_free(source->asks);
	image_looks_free(source->looks);
	pull_poll_free(source->pulls);
	source->asks = NULL;
	source->looks = NULL;
	source->pulls = NULL;
}

static int take_up_questions(struct containerd_source *source)
{
	int r = status_asks_new(&source->asks, source);

	if (r >= 0)
		r = image_looks_new(&source->looks, source);
	return r < 0 ? r : pull_poll_new(&source->pulls, source);
}

/* A channel is bound to its socket: K3s's may appear after the agent started. */
static int open_channel(struct containerd_source *source)
{
	char before[sizeof(source->socket)];
	int r;

	TEXT_COPY(before, source->socket);
	choose_socket(source);
	if (source->rpc && strcmp(before, source->socket) == 0)
		return 0;
	if (source->rpc && access(source->socket, F_OK) < 0)
		return 0;
	if (source->rpc) {
		rpc_free(source->rpc);
		source->rpc = NULL;
		drop_questions(source);
	}
	if (!source->pulls) {
		drop_questions(source);
		r = take_up_questions(source);
		if (r < 0)
			return r;
	}
	TEXT_COPY(source->stats.socket, source->socket);
	return rpc_new(&source->rpc, source->loop, source->socket);
}

static void subscribe(struct containerd_source *source)
{
	static const struct rpc_method method = {
		.path = "/containerd.services.events.v1.Events/Subscribe",
	};
	Containerd__SubscribeRequest request = CONTAINERD__SUBSCRIBE_REQUEST__INIT;
	char filter[96];
	char *filters[] = {filter};

	snprintf(filter, sizeof(filter), "namespace==%s", source->namespace_name);
	request.filters = filters;
	request.n_filters = 1;
	if (open_channel(source) < 0 || rpc_open_stream(source->rpc, &method, &request.base,
							on_envelope, on_stream_end, source) < 0) {
		retry(source);
		return;
	}
	source->subscribed = true;
	containerd_ask_version(source);
}

static int on_retry(sd_event_source *timer, uint64_t time_us, void *context)
{
	(void)timer;
	(void)time_us;
	subscribe(context);
	return 0;
}

static int on_resync(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct containerd_source *source = context;

	(void)time_us;
	if (source->stats.connected)
		containerd_list(source);
	sd_event_source_set_time_relative(timer, RESYNC_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

static int on_liveness(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct containerd_source *source = context;

	(void)time_us;
	sd_event_source_set_time_relative(timer, LIVENESS_US);
	if (source->subscribed)
		containerd_ask_version(source);
	return 0;
}

static int make_timers(struct containerd_source *source)
{
	int r = sd_event_add_time_relative(source->loop, &source->retry, CLOCK_MONOTONIC, 0, 1000,
					   on_retry, source);

	if (r >= 0)
		r = sd_event_add_time_relative(source->loop, &source->resync, CLOCK_MONOTONIC,
					       RESYNC_US, 100000, on_resync, source);
	if (r >= 0)
		r = sd_event_add_time_relative(source->loop, &source->liveness, CLOCK_MONOTONIC,
					       LIVENESS_US, 1000000, on_liveness, source);
	return r < 0 ? r : sd_event_source_set_enabled(source->liveness, SD_EVENT_ON);
}

int containerd_source_new(struct containerd_source **ret, sd_event *loop,
			  const struct containerd_source_options *options, event_fn on_event,
			  void *context)
{
	struct containerd_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->on_event = on_event;
	source->context = context;
	source->backoff_ms = BACKOFF_MS;
	source->log_lines = options->log_lines;
	source->given_socket = options->socket && *options->socket;
	if (source->given_socket)
		TEXT_COPY(source->socket, options->socket);
	TEXT_COPY(source->stats.socket, source->socket);
	TEXT_COPY(source->namespace_name, options->namespace_name && *options->namespace_name
						  ? options->namespace_name
						  : "k8s.io");
	r = take_up_questions(source);
	if (r >= 0)
		r = make_timers(source);
	if (r < 0) {
		containerd_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void containerd_source_free(struct containerd_source *source)
{
	if (!source)
		return;
	rpc_free(source->rpc); /* no callback comes any more */
	sd_event_source_disable_unref(source->retry);
	sd_event_source_disable_unref(source->resync);
	sd_event_source_disable_unref(source->liveness);
	drop_questions(source);
	containerd_list_forget(source);
	free(source);
}

void containerd_source_refresh(struct containerd_source *source, const char *container_id)
{
	if (source->stats.connected)
		status_ask(source->asks, container_id, true);
}

void containerd_source_stats(const struct containerd_source *source,
			     struct containerd_source_stats *ret)
{
	*ret = source->stats;
}
