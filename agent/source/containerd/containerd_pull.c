/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads in progress, by polling: containerd has no event for the beginning of a pull, and on
 * 1.x none for its failure. A poll costs 0.2 ms; it is done twice a second while anything moves.
 */
#include "source/containerd/containerd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/process_find.h"
#include "client/process_peer.h"

#define BUSY_US	    500000
#define IDLE_US	    5000000
#define KICK_NS	    (10 * NS_PER_SECOND)
#define INGESTS_MAX 1024
#define PEER_NS	    (2 * NS_PER_SECOND)

struct ingest {
	struct event_ingest last;
	uint32_t generation;
	bool asked;  /* whose it is */
	bool ending; /* not listed any more: is its blob there? */
	struct pull_poll *poll;
	UT_hash_handle hh; /* by last.digest */
};

struct pull_poll {
	struct containerd_source *source;
	sd_event_source *timer;
	struct pull_names *names;
	struct ingest *ingests;
	uint32_t generation;
	uint64_t busy_until_ns;
	struct process_peer peer; /* of the last look */
	uint64_t peer_due_ns;
	bool in_flight;
};

static void poll_now(struct pull_poll *poll);

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	(void)timer;
	(void)time_us;
	poll_now(context);
	return 0;
}

int pull_poll_new(struct pull_poll **ret, struct containerd_source *source)
{
	struct pull_poll *poll = calloc(1, sizeof(*poll));
	int r;

	if (!poll)
		return -ENOMEM;
	poll->source = source;
	r = sd_event_add_time_relative(source->loop, &poll->timer, CLOCK_MONOTONIC, IDLE_US, 50000,
				       on_timer, poll);
	if (r >= 0)
		r = pull_names_new(&poll->names, source, poll);
	if (r < 0) {
		pull_poll_free(poll);
		return r;
	}
	*ret = poll;
	return 0;
}

static void drop(struct pull_poll *poll, struct ingest *ingest)
{
	HASH_DEL(poll->ingests, ingest);
	free(ingest);
}

void pull_poll_free(struct pull_poll *poll)
{
	if (!poll)
		return;
	while (poll->ingests)
		drop(poll, poll->ingests);
	pull_names_free(poll->names);
	sd_event_source_disable_unref(poll->timer);
	free(poll);
}

static void schedule(struct pull_poll *poll)
{
	bool busy = poll->ingests || clock_boot_ns() < poll->busy_until_ns;

	sd_event_source_set_time_relative(poll->timer, busy ? BUSY_US : IDLE_US);
	sd_event_source_set_enabled(poll->timer, SD_EVENT_ONESHOT);
}

static void emit_at(struct pull_poll *poll, const struct event_ingest *ingest, uint64_t boot_ns)
{
	struct event event = {.type = EVENT_INGEST, .boot_ns = boot_ns, .ingest = *ingest};

	containerd_emit(poll->source, &event);
}

static void emit(struct pull_poll *poll, const struct event_ingest *ingest)
{
	emit_at(poll, ingest, clock_boot_ns());
}

/* refs of an image's parts: "layer-sha256:...", "manifest-...", "index-...", "config-..." */
static enum ingest_kind kind_of(const char *ref, const char **ret_digest)
{
	static const struct {
		const char *prefix;
		enum ingest_kind kind;
	} kinds[] = {
		{"layer-", INGEST_LAYER},
		{"manifest-", INGEST_MANIFEST},
		{"index-", INGEST_INDEX},
		{"config-", INGEST_CONFIG},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(ref, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			*ret_digest = ref + strlen(kinds[i].prefix);
			return kinds[i].kind;
		}
	*ret_digest = ref;
	return INGEST_OTHER;
}

/*
 * Whom it comes from, mirror or not: known where containerd is connected to one peer only. Needs CAP_SYS_PTRACE where
 * the agent has not all of root's rights.
 */
static void look_at_peer(struct pull_poll *poll)
{
	uint64_t now_ns = clock_boot_ns();
	uint32_t pid;

	if (now_ns < poll->peer_due_ns)
		return;
	poll->peer_due_ns = now_ns + PEER_NS;
	memset(&poll->peer, 0, sizeof(poll->peer));
	if (process_of_socket(poll->source->socket, &pid) == 0)
		process_peer_read("/proc", pid, &poll->peer);
}

static void note(struct pull_poll *poll, const Containerd__Status *status)
{
	const char *digest;
	struct event_ingest now = {
		.kind = kind_of(status->ref, &digest),
		.offset = status->offset > 0 ? (uint64_t)status->offset : 0,
		.total = status->total > 0 ? (uint64_t)status->total : 0,
		.started_ns = containerd_stamp_ns(status->started_at),
	};
	struct ingest *ingest;

	TEXT_COPY(now.digest, digest);
	if (now.kind == INGEST_LAYER) {
		look_at_peer(poll);
		TEXT_COPY(now.peer, poll->peer.address);
		now.peer_port = poll->peer.port;
	}
	HASH_FIND_STR(poll->ingests, now.digest, ingest);
	if (!ingest) {
		if (HASH_COUNT(poll->ingests) >= INGESTS_MAX ||
		    !(ingest = calloc(1, sizeof(*ingest))))
			return;
		ingest->last = now;
		ingest->poll = poll;
		HASH_ADD_STR(poll->ingests, last.digest, ingest);
		emit(poll, &now);
	} else if (!ingest->ending && ingest->last.offset != now.offset) {
		ingest->last = now;
		emit(poll, &now);
	}
	ingest->generation = poll->generation;
}

static void on_blob(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	struct ingest *ingest = context;
	struct pull_poll *poll = ingest->poll;
	const Containerd__Info *info =
		status == RPC_OK ? ((const Containerd__InfoResponse *)reply)->info : NULL;
	uint64_t stored_ns = info ? containerd_stamp_ns(info->created_at) : 0;

	(void)message;
	ingest->last.aborted = status == RPC_NOT_FOUND;
	emit_at(poll, &ingest->last, stored_ns ? stored_ns : clock_boot_ns());
	drop(poll, ingest);
}

/* Not listed any more: it was complete, or was given up, which nothing else tells. */
static void end(struct pull_poll *poll, struct ingest *ingest)
{
	const struct rpc_method method = {
		.path = "/containerd.services.content.v1.Content/Info",
		.namespace_name = poll->source->namespace_name,
		.reply = &containerd__info_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__InfoRequest request = CONTAINERD__INFO_REQUEST__INIT;

	ingest->last.gone = ingest->ending = true;
	request.digest = ingest->last.digest;
	if (ingest->last.kind == INGEST_OTHER ||
	    containerd_call(poll->source, &method, &request.base, on_blob, ingest) < 0) {
		emit(poll, &ingest->last);
		drop(poll, ingest);
	}
}

bool pull_poll_wants(const struct pull_poll *poll, const char *digest)
{
	const struct ingest *ingest;

	HASH_FIND_STR(poll->ingests, digest, ingest);
	return ingest != NULL;
}

/* Another image may begin to wait for a layer that is coming already: so they are asked for again. */
static void ask_names(struct pull_poll *poll)
{
	bool layers = false, urgent = false;

	for (struct ingest *ingest = poll->ingests; ingest; ingest = ingest->hh.next) {
		if (ingest->last.kind != INGEST_LAYER)
			continue;
		layers = true;
		urgent |= !ingest->asked;
		ingest->asked = true;
	}
	if (layers)
		pull_names_ask(poll->names, urgent);
}

static void on_statuses(void *context, int status, const char *message,
			const ProtobufCMessage *reply)
{
	const Containerd__ListStatusesResponse *list = (const void *)reply;
	struct pull_poll *poll = context;
	struct ingest *ingest, *next;

	(void)message;
	poll->in_flight = false;
	if (status == RPC_OK) {
		poll->generation++;
		for (size_t i = 0; i < list->n_statuses; i++)
			note(poll, list->statuses[i]);
		HASH_ITER (hh, poll->ingests, ingest, next) {
			if (ingest->generation != poll->generation && !ingest->ending)
				end(poll, ingest);
		}
		ask_names(poll);
	}
	schedule(poll);
}

static void poll_now(struct pull_poll *poll)
{
	static const char path[] = "/containerd.services.content.v1.Content/ListStatuses";
	const struct rpc_method method = {
		.path = path,
		.namespace_name = poll->source->namespace_name,
		.reply = &containerd__list_statuses_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__ListStatusesRequest request = CONTAINERD__LIST_STATUSES_REQUEST__INIT;

	if (poll->in_flight)
		return;
	if (!poll->source->stats.connected) {
		schedule(poll);
		return;
	}
	poll->in_flight =
		containerd_call(poll->source, &method, &request.base, on_statuses, poll) == 0;
	if (!poll->in_flight)
		schedule(poll);
}

void pull_poll_kick(struct pull_poll *poll)
{
	bool was_busy = poll->ingests || clock_boot_ns() < poll->busy_until_ns;

	poll->busy_until_ns = clock_boot_ns() + KICK_NS;
	if (!was_busy)
		poll_now(poll);
}
