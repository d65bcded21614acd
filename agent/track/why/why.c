/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/why.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/why/why_private.h"

/* A start that goes on is told of each second: one that has not been for so long is over, and nothing of it is lost. */
#define UNDER_WAY_NS (5 * NS_PER_SECOND)

static struct why_facts *find(const struct whys *whys, const char *container_id)
{
	struct why_facts *facts;

	HASH_FIND_STR(whys->by_id, container_id, facts);
	return facts;
}

static void drop(struct whys *whys, struct why_facts *facts)
{
	HASH_DEL(whys->by_id, facts);
	free(facts->files);
	free(facts->peers);
	free(facts);
}

static struct why_facts *get(struct whys *whys, const char *container_id, uint64_t now_ns)
{
	struct why_facts *facts = *container_id ? find(whys, container_id) : NULL;

	if (!facts && *container_id) {
		if (HASH_COUNT(whys->by_id) >= WHYS_MAX) {
			whys->evicted += now_ns < whys->by_id->touched_ns + UNDER_WAY_NS;
			drop(whys, whys->by_id);
		}
		facts = calloc(1, sizeof(*facts));
		if (!facts)
			return NULL;
		TEXT_COPY(facts->container_id, container_id);
		HASH_ADD_STR(whys->by_id, container_id, facts);
	}
	if (facts)
		facts->touched_ns = now_ns;
	return facts;
}

void whys_clear(struct whys *whys)
{
	while (whys->by_id)
		drop(whys, whys->by_id);
	why_pressure_clear(&whys->pressures);
}

void whys_event(struct whys *whys, const struct event *event, uint64_t now_ns)
{
	struct why_facts *facts;

	switch (event->type) {
	case EVENT_STALL:
		facts = get(whys, event->stall.container_id, now_ns);
		if (facts)
			why_stalls_note(facts, event);
		break;
	case EVENT_CONNECT_FAILED:
	case EVENT_CONNECT_SLOW:
	case EVENT_DNS:
		facts = get(whys,
			    event->type == EVENT_DNS ? event->dns.container_id
						     : event->connect_failed.container_id,
			    now_ns);
		if (facts && !why_peers_note(facts, event))
			whys->peers_lost++;
		break;
	case EVENT_LISTEN:
		facts = get(whys, event->listen.container_id, now_ns);
		if (facts)
			why_peers_listen(facts, event->boot_ns);
		break;
	case EVENT_ADDRESS:
		why_peers_named(&whys->names, event);
		break;
	case EVENT_PRESSURE:
		why_pressure_note(&whys->pressures, event);
		break;
	case EVENT_FILE_READ:
		facts = get(whys, event->file_read.container_id, now_ns);
		if (facts)
			why_files_note(facts, event);
		break;
	case EVENT_CONTAINER_GONE:
		facts = find(whys, event->container_gone.container_id);
		if (facts)
			drop(whys, facts);
		break;
	default:
		break;
	}
}

void whys_fill(const struct whys *whys, const struct pods *pods, const struct container *container,
	       struct record_start *start)
{
	const struct why_facts *facts = find(whys, container->id);

	why_pressure_fill(&whys->pressures, container->subject.pod_uid, start);
	if (!facts)
		return;
	why_stalls_fill(facts, start);
	why_peers_fill(facts, &whys->names, pods, start);
	why_files_fill(facts, start);
}
