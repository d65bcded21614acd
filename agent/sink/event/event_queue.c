/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/event_queue.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/clock.h"

/* An entry that is quiet for so long begins anew with short intervals. */
#define FORGET_NS (600 * NS_PER_SECOND)
/* Told later than this it is backlog. */
#define LATE_NS ((int64_t)(10 * NS_PER_SECOND))

/* Between the writes of a series; the last goes on. What repeats for hours is told as seldom as the kubelet reports its node. */
static const uint64_t intervals_ns[] = {
	1 * NS_PER_SECOND,  2 * NS_PER_SECOND,	 4 * NS_PER_SECOND,
	8 * NS_PER_SECOND,  16 * NS_PER_SECOND,	 30 * NS_PER_SECOND,
	60 * NS_PER_SECOND, 120 * NS_PER_SECOND, 300 * NS_PER_SECOND};
#define INTERVALS ((uint32_t)(sizeof(intervals_ns) / sizeof(*intervals_ns)))

struct node {
	struct queued entry; /* first: a struct queued * is a struct node * */
	UT_hash_handle hh;
};

struct event_queue {
	struct node *nodes; /* in the order they came: uthash keeps it */
	struct event_budget *budget;
};

struct event_queue *event_queue_new(struct event_budget *budget)
{
	struct event_queue *queue = calloc(1, sizeof(*queue));

	if (queue)
		queue->budget = budget;
	return queue;
}

static void drop(struct event_queue *queue, struct node *node)
{
	HASH_DEL(queue->nodes, node);
	free(node);
}

void event_queue_free(struct event_queue *queue)
{
	if (!queue)
		return;
	while (queue->nodes)
		drop(queue, queue->nodes);
	free(queue);
}

static bool pending(const struct queued *entry)
{
	return entry->written < entry->count;
}

struct queued *event_queue_find(struct event_queue *queue, int64_t id)
{
	struct node *node;

	HASH_FIND(hh, queue->nodes, &id, sizeof(id), node);
	return node ? &node->entry : NULL;
}

int event_queue_note(struct event_queue *queue, const struct queued *entry)
{
	struct queued *known = event_queue_find(queue, entry->id);

	if (known) {
		known->count = entry->count;
		known->last_wall_ns = entry->last_wall_ns;
		return 0;
	}
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->entry = (struct queued){
		.id = entry->id,
		.object = entry->object,
		.urgent = entry->urgent,
		.count = entry->count,
		.written = entry->written,
		.last_wall_ns = entry->last_wall_ns,
	};
	HASH_ADD(hh, queue->nodes, entry.id, sizeof(node->entry.id), node);
	return 0;
}

static enum budget_use use_of(const struct queued *entry)
{
	return entry->late ? BUDGET_BACKLOG : entry->urgent ? BUDGET_DEATH : BUDGET_CHATTER;
}

static uint64_t due(const struct event_queue *queue, const struct queued *entry, uint64_t now_ns)
{
	uint64_t budget_ns =
		event_budget_due_ns(queue->budget, entry->object, use_of(entry), now_ns);
	uint64_t series_ns;

	if (!entry->writes)
		return budget_ns;
	uint32_t repeat = entry->writes - 1;

	series_ns = entry->write_ns + intervals_ns[repeat < INTERVALS ? repeat : INTERVALS - 1];
	return series_ns > budget_ns ? series_ns : budget_ns;
}

/* Deaths first, then as they came into the outbox: after a restart a new entry may be noted before the older ones are. */
static bool before(const struct queued *a, const struct queued *b)
{
	if (!b || a->urgent != b->urgent)
		return !b || a->urgent;
	return a->id < b->id;
}

/* What waited for the API server. A series that goes on is not, it keeps to its intervals. */
static bool is_late(const struct queued *entry, int64_t now_wall_ns)
{
	return !entry->writes && !entry->written && now_wall_ns - entry->last_wall_ns > LATE_NS;
}

struct queued *event_queue_next(struct event_queue *queue, uint64_t now_ns, int64_t now_wall_ns,
				uint64_t *ret_due_ns)
{
	struct queued *best = NULL;
	struct node *node, *next;
	bool late_under_way = false;

	*ret_due_ns = UINT64_MAX;
	HASH_ITER (hh, queue->nodes, node, next)
		late_under_way |= node->entry.under_way && node->entry.late;
	HASH_ITER (hh, queue->nodes, node, next) {
		struct queued *entry = &node->entry;
		uint64_t due_ns;

		if (!pending(entry)) {
			if (!entry->under_way && now_ns - entry->write_ns > FORGET_NS)
				drop(queue, node);
			continue;
		}
		if (entry->under_way)
			continue;
		entry->late = is_late(entry, now_wall_ns);
		if (entry->late && late_under_way)
			continue; /* asked again when the call ends */
		due_ns = due(queue, entry, now_ns);
		if (due_ns > now_ns) {
			*ret_due_ns = due_ns < *ret_due_ns ? due_ns : *ret_due_ns;
			continue;
		}
		if (before(entry, best))
			best = entry;
		if (best && best->urgent)
			break;
	}
	if (!best || !event_budget_take(queue->budget, best->object, use_of(best), now_ns))
		return NULL;
	best->under_way = true;
	return best;
}

void event_queue_written(struct event_queue *queue, struct queued *entry, uint64_t written,
			 uint64_t now_ns)
{
	(void)queue;
	entry->under_way = false;
	entry->late = false; /* what repeats now is fresh */
	if (entry->written < written)
		entry->written = written;
	entry->writes++;
	entry->write_ns = now_ns;
}

void event_queue_failed(struct event_queue *queue, struct queued *entry)
{
	entry->under_way = false;
	event_budget_return(queue->budget, entry->object, use_of(entry));
}

uint32_t event_queue_pending(const struct event_queue *queue)
{
	uint32_t count = 0;

	for (const struct node *node = queue->nodes; node; node = node->hh.next)
		count += pending(&node->entry);
	return count;
}
