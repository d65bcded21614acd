/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/compete.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* More at once than half of these are counted as so many. */
#define EDGES_MAX 512
/* What has not come to its end by then hangs, and takes nothing from others. */
#define HANGS_NS (300 * NS_PER_SECOND)

/* A start begins (+1) or is over (-1). */
struct edge {
	uint64_t at_ns;
	int step;
};

static bool is_busy(enum phase phase)
{
	return phase == PHASE_SANDBOX || phase == PHASE_CREATE || phase == PHASE_RUNTIME ||
	       phase == PHASE_APP;
}

/* From 0: it was not seen. */
static struct span start_of(const struct container *c)
{
	uint64_t from_ns = container_first_sign_ns(c), to_ns = c->exec_ns;

	if (c->exec_ns && c->listen_ns > c->exec_ns)
		to_ns = c->listen_ns;
	if (!to_ns)
		to_ns = c->runtime_failed_ns ?: c->task_start_ns ?: c->task_exited_ns ?: c->gone_ns;
	return (struct span){from_ns, to_ns ? to_ns : from_ns + HANGS_NS};
}

static bool is_other(const struct container *c, const struct container *own)
{
	return c != own && strcmp(c->id, own->subject.sandbox_id) != 0;
}

/* An end comes before a begin at the same moment. */
static int by_time(const void *one, const void *other)
{
	const struct edge *a = one, *b = other;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->step - b->step;
}

static uint32_t most_within(const struct containers *all, const struct container *own,
			    struct span within)
{
	struct edge edges[EDGES_MAX];
	uint32_t count = 0, now = 0, most = 0;

	for (const struct container *c = all->by_id; c && count + 2 <= EDGES_MAX;
	     c = c->by_id.next) {
		struct span span = start_of(c);

		if (!span.from_ns || span.from_ns >= within.to_ns || span.to_ns <= within.from_ns ||
		    !is_other(c, own))
			continue;
		edges[count++] = (struct edge){span.from_ns, 1};
		edges[count++] = (struct edge){span.to_ns, -1};
	}
	qsort(edges, count, sizeof(*edges), by_time);
	for (uint32_t i = 0; i < count && edges[i].at_ns < within.to_ns; i++) {
		now += (uint32_t)edges[i].step;
		if (now > most && (i + 1 == count || edges[i + 1].at_ns > within.from_ns))
			most = now;
	}
	return most;
}

uint32_t compete_count(const struct containers *all, const struct container *container,
		       const struct record_start *start)
{
	uint32_t most = 0;

	/* it was not seen, nor was what started beside it */
	if (!container_first_sign_ns(container))
		return 0;
	for (uint32_t i = 0; i < start->phase_count; i++) {
		uint32_t count = is_busy(start->phases[i].phase)
					 ? most_within(all, container, start->phases[i].span)
					 : 0;

		if (count > most)
			most = count;
	}
	return most;
}
