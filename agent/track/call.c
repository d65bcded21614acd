/* SPDX-License-Identifier: Apache-2.0 */
#include "track/call.h"

#include <stdlib.h>

#include "base/text.h"

#define CALLS_MAX 4096

static struct call *find(const struct calls *calls, const char *id)
{
	struct call *call;

	HASH_FIND_STR(calls->by_id, id, call);
	return call;
}

static void drop(struct calls *calls, struct call *call)
{
	HASH_DEL(calls->by_id, call);
	free(call);
}

void calls_clear(struct calls *calls)
{
	while (calls->by_id)
		drop(calls, calls->by_id);
}

static struct call *get(struct calls *calls, const char *id)
{
	struct call *call = find(calls, id);

	if (call)
		return call;
	if (HASH_COUNT(calls->by_id) >= CALLS_MAX) {
		drop(calls, calls->by_id);
		calls->evicted++;
	}
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	TEXT_COPY(call->id, id);
	HASH_ADD_STR(calls->by_id, id, call);
	return call;
}

void calls_note(struct calls *calls, const struct event *event)
{
	const struct event_cri_call *told = &event->cri_call;
	bool sound = *told->container_id && told->began_ns && told->began_ns < event->boot_ns;
	struct call *call = sound ? get(calls, told->container_id) : NULL;
	struct span span = {told->began_ns, event->boot_ns};

	if (!call)
		return;
	if (told->method == CRI_START_CONTAINER)
		call->started = span;
	else
		call->made = span;
}

const struct call *calls_find(const struct calls *calls, const char *id)
{
	return find(calls, id);
}
