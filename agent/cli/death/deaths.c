// SPDX-License-Identifier: Apache-2.0
#include "cli/death/deaths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* From the kill of a container's process to the end of the container: others have to be killed too. */
#define KILL_TO_END_NS (5 * NS_PER_SECOND)

const struct record *death_head(const struct death *death)
{
	return death->exit ?: death->oom ?: death->child;
}

static bool kills_init(const struct record_oom *oom)
{
	for (uint32_t i = 0; i < oom->victim_count && i < OOM_VICTIMS_MAX; i++)
		if (oom->victims[i].init)
			return true;
	return oom->container_survived == SURVIVAL_NO;
}

/* Did this kill bring that end? */
static bool brought(const struct dossier *dossier, size_t kill, size_t end)
{
	const struct record *oom = &dossier->records[kill], *exit = &dossier->records[end];
	uint64_t ended_ns = exit->exit.kernel_ns ?: exit->exit.finished_ns ?: exit->boot_ns;

	return dossier->boots[kill] == dossier->boots[end] &&
	       strcmp(oom->subject.container_id, exit->subject.container_id) == 0 &&
	       kills_init(&oom->oom) && oom->boot_ns <= ended_ns + KILL_TO_END_NS &&
	       ended_ns <= oom->boot_ns + KILL_TO_END_NS;
}

/* Of several kills the last one. */
static const struct record *kill_of(const struct dossier *dossier, size_t end)
{
	for (size_t i = dossier->count; i-- > 0;)
		if (dossier->records[i].type == RECORD_OOM && brought(dossier, i, end))
			return &dossier->records[i];
	return NULL;
}

static bool is_told_by_an_end(const struct dossier *dossier, size_t kill)
{
	for (size_t i = 0; i < dossier->count; i++)
		if (dossier->records[i].type == RECORD_EXIT && brought(dossier, kill, i) &&
		    kill_of(dossier, i) == &dossier->records[kill])
			return true;
	return false;
}

static bool make(const struct dossier *dossier, size_t at, bool completed, struct death *ret)
{
	const struct record *record = &dossier->records[at];

	*ret = (struct death){0};
	switch (record->type) {
	case RECORD_EXIT:
		if ((record->exit.verdict == EXIT_COMPLETED) != completed)
			return false;
		ret->exit = record;
		ret->oom = kill_of(dossier, at);
		return true;
	case RECORD_OOM:
		ret->oom = record;
		return !completed && !is_told_by_an_end(dossier, at);
	case RECORD_CHILD:
		ret->child = record;
		return !completed;
	default:
		return false;
	}
}

static void collect(struct death_list *list, const struct dossier *dossier, const char *container,
		    bool completed)
{
	for (size_t i = dossier->count; i-- > 0;) {
		const struct subject *subject = &dossier->records[i].subject;

		if (container && strcmp(subject->container, container) != 0)
			continue;
		if (make(dossier, i, completed, &list->deaths[list->count]))
			list->count++;
	}
}

int deaths_find(struct death_list *ret, const struct dossier *dossier, const char *container)
{
	struct death_list list = {
		.deaths = calloc(dossier->count + 1, sizeof(*list.deaths)),
	};

	if (!list.deaths)
		return -ENOMEM;
	collect(&list, dossier, container, false);
	if (!list.count)
		collect(&list, dossier, container, true);
	*ret = list;
	return 0;
}

void deaths_done(struct death_list *list)
{
	free(list->deaths);
	*list = (struct death_list){0};
}
