/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings: pod sandboxes, then containers. Names come at once, each container's times with its
 * status, which is asked for only when its state is new.
 */
#include "source/containerd/containerd_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* 0.2 s while CRI starts ("server is not initialized yet"), 30 s where it never will (CRI disabled). */
#define RETRY_MS     200
#define RETRY_MAX_MS 30000
#define TELL_NS	     (10 * NS_PER_SECOND)

static void sync_step(struct containerd_source *source, enum source_step step)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_CONTAINERD, .step = step},
	};

	containerd_emit(source, &event);
}

/* The state that a container's status was asked for in; another one is news. */
struct listed {
	char id[ID_SIZE];
	int state;
	bool foreign;
	uint32_t generation; /* the listing up to which it is kept */
	UT_hash_handle hh;
};

static struct listed *get_listed(struct listed **table, const char *id)
{
	struct listed *listed;

	HASH_FIND_STR(*table, id, listed);
	if (listed)
		return listed;
	listed = calloc(1, sizeof(*listed));
	if (!listed)
		return NULL;
	TEXT_COPY(listed->id, id);
	listed->state = -1;
	HASH_ADD_STR(*table, id, listed);
	return listed;
}

void containerd_list_foreign(struct containerd_source *source, const char *id)
{
	struct listed *listed = get_listed(&source->listed, id);

	if (!listed)
		return;
	listed->foreign = true;
	/* a sandbox that is being made is in no listing yet: the next one leaves it in peace */
	listed->generation = source->list_generation + 1;
}

bool containerd_list_is_foreign(const struct containerd_source *source, const char *id)
{
	struct listed *listed;

	HASH_FIND_STR(source->listed, id, listed);
	return listed && listed->foreign;
}

static bool is_new(struct listed **table, const Cri__Container *container, uint32_t generation)
{
	struct listed *listed = get_listed(table, container->id);
	bool fresh = !listed || listed->state != (int)container->state;

	if (listed) {
		listed->state = (int)container->state;
		listed->foreign = false;
		listed->generation = generation;
	}
	return fresh;
}

static void forget_unlisted(struct listed **table, uint32_t generation)
{
	struct listed *listed, *next;

	HASH_ITER (hh, *table, listed, next)
		if (listed->generation < generation) {
			HASH_DEL(*table, listed);
			free(listed);
		}
}

static void tell_unlisted(struct containerd_source *source, int status, const char *message)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_CONTAINERD,
			   .step = SOURCE_LOST,
			   .since_ns = source->list_failing_ns,
			   .cause = "CRI does not list its containers"},
	};

	source->told_unlisted = true;
	log_warning("containers can't be listed, trying again", LOG_NUMBER("status", status),
		    LOG_TEXT("message", message));
	containerd_emit(source, &event);
}

static void fail(struct containerd_source *source, int status, const char *message)
{
	log_debug("containers can't be listed", LOG_NUMBER("status", status),
		  LOG_TEXT("message", message));
	source->stats.failed_calls++;
	if (status != RPC_DEADLINE && status != RPC_UNAVAILABLE)
		source->answered_ns = clock_boot_ns(); /* a refusal is an answer */
	if (source->list_failures++ == 0)
		source->list_failing_ns = clock_boot_ns();
	else if (!source->told_unlisted && clock_boot_ns() - source->list_failing_ns > TELL_NS &&
		 source->answered_ns > source->list_failing_ns)
		tell_unlisted(source, status, message);
	/* is it CRI alone that is silent, or containerd? */
	if (status == RPC_DEADLINE)
		containerd_ask_version(source);
	source->listing = false;
	source->list_again = false;
	source->list_wait_ms = source->list_wait_ms ? source->list_wait_ms * 2 : RETRY_MS;
	if (source->list_wait_ms > RETRY_MAX_MS)
		source->list_wait_ms = RETRY_MAX_MS;
	sd_event_source_set_time_relative(source->resync, (uint64_t)source->list_wait_ms * 1000);
	sd_event_source_set_enabled(source->resync, SD_EVENT_ONESHOT);
}

static void succeed(struct containerd_source *source)
{
	if (source->told_unlisted)
		log_info("containers are listed again",
			 LOG_NUMBER("failures", source->list_failures));
	source->told_unlisted = false;
	source->list_failures = 0;
	source->list_wait_ms = 0;
	source->listing = false;
	if (source->list_again)
		containerd_list(source);
}

static void on_containers(void *context, int status, const char *message,
			  const ProtobufCMessage *reply)
{
	struct containerd_source *source = context;
	const Cri__ListContainersResponse *list = (const void *)reply;

	if (status != RPC_OK) {
		fail(source, status, message);
		return;
	}
	source->list_generation++;
	for (size_t i = 0; i < list->n_containers; i++)
		containerd_emit_listed(source, list->containers[i]);
	sync_step(source, SOURCE_SYNC_END);
	for (size_t i = 0; i < list->n_containers; i++)
		if (is_new(&source->listed, list->containers[i], source->list_generation))
			status_ask(source->asks, list->containers[i]->id, false);
	forget_unlisted(&source->listed, source->list_generation);
	succeed(source);
}

static void on_sandboxes(void *context, int status, const char *message,
			 const ProtobufCMessage *reply)
{
	static const struct rpc_method method = {
		.path = "/runtime.v1.RuntimeService/ListContainers",
		.reply = &cri__list_containers_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	struct containerd_source *source = context;
	const Cri__ListPodSandboxResponse *list = (const void *)reply;
	Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;

	/* 2 "server is not initialized yet": CRI recovers its containers after a restart */
	if (status != RPC_OK) {
		fail(source, status, message);
		return;
	}
	sync_step(source, SOURCE_SYNC_BEGIN);
	for (size_t i = 0; i < list->n_items; i++) {
		containerd_list_foreign(source, list->items[i]->id);
		containerd_emit_sandbox(source, list->items[i]);
	}
	if (containerd_call(source, &method, &request.base, on_containers, source) < 0)
		fail(source, RPC_UNAVAILABLE, "no memory");
}

void containerd_list(struct containerd_source *source)
{
	static const struct rpc_method method = {
		.path = "/runtime.v1.RuntimeService/ListPodSandbox",
		.reply = &cri__list_pod_sandbox_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;

	if (source->listing) {
		source->list_again = true;
		return;
	}
	source->list_again = false;
	source->listing = true;
	if (containerd_call(source, &method, &request.base, on_sandboxes, source) < 0)
		fail(source, RPC_UNAVAILABLE, "no memory");
}

void containerd_list_forget(struct containerd_source *source)
{
	source->list_generation += 2; /* also what is kept up to the next listing */
	forget_unlisted(&source->listed, source->list_generation);
}
