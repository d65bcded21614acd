/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRI's word on single containers: exact times, exit code, reason and message.
 *
 * After an exit CRI needs some ms until its status says so: it is asked again, less and less
 * often. Few questions are under way at a time, and a listing's wait behind the others: thousands of
 * containers neither flood containerd nor hold up the one that just died.
 */
#include "source/containerd/containerd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/text.h"

#define ASKS_MAX   65536 /* as many as one listing can hold */
#define FLIGHT_MAX 8
static const uint32_t pauses_ms[] = {10, 30, 100, 300, 1000, 3000};
#define TRIES (sizeof(pauses_ms) / sizeof(*pauses_ms))

struct ask {
	char id[ID_SIZE];
	bool ended; /* it should have ended: ask until it has */
	uint32_t tries;
	uint64_t due_ns;   /* if it is to be asked later */
	struct ask **line; /* the one it stands in; NULL: in flight */
	struct ask *prev, *next;
	struct status_asks *asks;
	UT_hash_handle hh;
};

struct status_asks {
	struct containerd_source *source;
	sd_event_source *timer;
	struct ask *asks;	   /* all of them, by id */
	struct ask *ready, *later; /* those that are not in flight */
	uint32_t in_flight;
};

static void run(struct status_asks *asks);

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	(void)timer;
	(void)time_us;
	run(context);
	return 0;
}

int status_asks_new(struct status_asks **ret, struct containerd_source *source)
{
	struct status_asks *asks = calloc(1, sizeof(*asks));
	int r;

	if (!asks)
		return -ENOMEM;
	asks->source = source;
	r = sd_event_add_time(source->loop, &asks->timer, CLOCK_BOOTTIME, UINT64_MAX, 1000,
			      on_timer, asks);
	if (r < 0) {
		free(asks);
		return r;
	}
	*ret = asks;
	return 0;
}

static void leave_line(struct ask *ask)
{
	if (ask->line)
		DL_DELETE(*ask->line, ask);
	ask->line = NULL;
}

static void join_line(struct ask **line, struct ask *ask, bool first)
{
	leave_line(ask);
	if (first)
		DL_PREPEND(*line, ask);
	else
		DL_APPEND(*line, ask);
	ask->line = line;
}

static void drop(struct status_asks *asks, struct ask *ask)
{
	leave_line(ask);
	HASH_DEL(asks->asks, ask);
	free(ask);
}

void status_asks_clear(struct status_asks *asks)
{
	struct ask *ask, *next;

	HASH_ITER (hh, asks->asks, ask, next)
		if (ask->line)
			drop(asks, ask);
}

void status_asks_free(struct status_asks *asks)
{
	if (!asks)
		return;
	while (asks->asks)
		drop(asks, asks->asks);
	sd_event_source_disable_unref(asks->timer);
	free(asks);
}

static void on_status(void *context, int code, const char *message, const ProtobufCMessage *reply)
{
	struct ask *ask = context;
	struct status_asks *asks = ask->asks;
	const Cri__ContainerStatus *status =
		code == RPC_OK ? ((const Cri__ContainerStatusResponse *)reply)->status : NULL;
	bool ended = status && status->state == CRI__CONTAINER_STATE__CONTAINER_EXITED;

	(void)message;
	asks->source->stats.failed_calls += !status;
	asks->in_flight--;
	if (status && (ended || !ask->ended))
		containerd_emit_status(asks->source, status);
	/* not found: removed meanwhile; no answer at all: the listing would not ask again */
	bool again =
		code != RPC_NOT_FOUND && (!status || (ask->ended && !ended)) && ask->tries < TRIES;

	if (again) {
		ask->due_ns = clock_boot_ns() + pauses_ms[ask->tries++] * NS_PER_MS;
		join_line(&asks->later, ask, false);
	} else {
		drop(asks, ask);
	}
	run(asks);
}

static void send(struct status_asks *asks, struct ask *ask)
{
	static const struct rpc_method method = {
		.path = "/runtime.v1.RuntimeService/ContainerStatus",
		.reply = &cri__container_status_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;

	leave_line(ask);
	request.container_id = ask->id;
	if (containerd_call(asks->source, &method, &request.base, on_status, ask) < 0) {
		drop(asks, ask);
		return;
	}
	asks->in_flight++;
}

static void run(struct status_asks *asks)
{
	uint64_t now_ns = clock_boot_ns(), next_ns = UINT64_MAX;
	struct ask *ask, *next;

	DL_FOREACH_SAFE (asks->later, ask, next) {
		if (ask->due_ns <= now_ns)
			join_line(&asks->ready, ask, true);
		else if (ask->due_ns < next_ns)
			next_ns = ask->due_ns;
	}
	while (asks->ready && asks->in_flight < FLIGHT_MAX)
		send(asks, asks->ready);
	sd_event_source_set_time(asks->timer,
				 next_ns == UINT64_MAX ? UINT64_MAX : next_ns / 1000 + 1);
	sd_event_source_set_enabled(asks->timer,
				    next_ns == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void status_ask(struct status_asks *asks, const char *id, bool ended)
{
	struct ask *ask;

	HASH_FIND_STR(asks->asks, id, ask);
	if (!ask) {
		if (HASH_COUNT(asks->asks) >= ASKS_MAX || !(ask = calloc(1, sizeof(*ask)))) {
			asks->source->stats.failed_calls++;
			return;
		}
		TEXT_COPY(ask->id, id);
		ask->asks = asks;
		HASH_ADD_STR(asks->asks, id, ask);
		join_line(&asks->ready, ask, false);
	}
	if (ended && ask->line) {
		ask->due_ns = clock_boot_ns() + pauses_ms[0] * NS_PER_MS;
		join_line(&asks->later, ask, false);
	}
	ask->ended |= ended;
	ask->tries = 0;
	run(asks);
}
