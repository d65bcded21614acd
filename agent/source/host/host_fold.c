/* SPDX-License-Identifier: Apache-2.0 */
#include "source/host/host_fold.h"

#include <string.h>

static void tell(struct folded *folded, uint64_t now_ns, event_fn on_event, void *context)
{
	on_event(context, &folded->event);
	folded->event.host.count = 0;
	folded->told_ns = now_ns;
}

static bool same(const struct folded *folded, const struct event_host *host)
{
	return folded->told_ns && folded->event.host.fact == host->fact &&
	       strcmp(folded->event.host.resource, host->resource) == 0;
}

static struct folded *find(struct host_fold *fold, const struct event_host *host)
{
	for (size_t i = 0; i < HOST_FOLD_MAX; i++)
		if (same(&fold->folded[i], host))
			return &fold->folded[i];
	return NULL;
}

/* What had to wait is told before it gives way. */
static struct folded *make_room(struct host_fold *fold, event_fn on_event, void *context)
{
	struct folded *oldest = &fold->folded[0];

	for (size_t i = 1; i < HOST_FOLD_MAX; i++)
		if (fold->folded[i].told_ns < oldest->told_ns)
			oldest = &fold->folded[i];
	if (oldest->told_ns && oldest->event.host.count)
		on_event(context, &oldest->event);
	*oldest = (struct folded){0};
	return oldest;
}

void host_fold_note(struct host_fold *fold, const struct event *event, event_fn on_event,
		    void *context)
{
	struct folded *folded = find(fold, &event->host);
	uint32_t waiting = folded ? folded->event.host.count : 0;
	uint64_t told_ns = folded ? folded->told_ns : 0;

	if (!folded)
		folded = make_room(fold, on_event, context);
	folded->event = *event;
	folded->event.host.count += waiting;
	folded->told_ns = told_ns ? told_ns : 1;
	if (!told_ns || event->boot_ns >= told_ns + HOST_FOLD_NS)
		tell(folded, event->boot_ns, on_event, context);
}

uint64_t host_fold_due(struct host_fold *fold, uint64_t now_ns, event_fn on_event, void *context)
{
	uint64_t next_ns = UINT64_MAX;

	for (size_t i = 0; i < HOST_FOLD_MAX; i++) {
		struct folded *folded = &fold->folded[i];
		uint64_t due_ns = folded->told_ns + HOST_FOLD_NS;

		if (!folded->told_ns || !folded->event.host.count)
			continue;
		if (due_ns <= now_ns)
			tell(folded, now_ns, on_event, context);
		else if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}
