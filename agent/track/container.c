/* SPDX-License-Identifier: Apache-2.0 */
#include "track/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void container_keep(char **kept, const char *text)
{
	free(*kept);
	*kept = *text ? strdup(text) : NULL;
}

struct container *containers_find(const struct containers *all, const char *id)
{
	struct container *found;

	HASH_FIND(by_id, all->by_id, id, strlen(id), found);
	return found;
}

struct container *containers_find_cgroup(const struct containers *all, uint64_t cgroup_id)
{
	struct container *found;

	HASH_FIND(by_cgroup, all->by_cgroup, &cgroup_id, sizeof(cgroup_id), found);
	return found;
}

/* How little is lost with it: who is not told yet, and of whom CRI alone would tell less, is pushed out after the others. */
static int expendable(const struct container *container)
{
	bool told = container->start_final && container->exit_final;
	bool watched = container->live || container->exit_seen;

	if (!container_ended(container) && !container->listed_ended)
		return 0;
	return told || !watched ? 2 : 1;
}

/* The most expendable one; of several the longest untouched. */
static void evict_one(struct containers *all)
{
	struct container *victim = NULL;

	for (struct container *c = all->by_id; c; c = c->by_id.next) {
		int more = victim ? expendable(c) - expendable(victim) : 1;

		if (more > 0 || (more == 0 && c->touched_ns < victim->touched_ns))
			victim = c;
	}
	if (victim)
		containers_remove(all, victim);
	all->evicted++;
}

struct container *containers_get(struct containers *all, const char *id)
{
	struct container *container = *id ? containers_find(all, id) : NULL;

	if (container || !*id)
		return container;
	if (containers_pushes_out(all, id))
		evict_one(all);
	container = calloc(1, sizeof(*container));
	if (!container)
		return NULL;
	TEXT_COPY(container->id, id);
	TEXT_COPY(container->subject.container_id, id);
	container->due_ns = UINT64_MAX;
	HASH_ADD(by_id, all->by_id, id[0], strlen(container->id), container);
	return container;
}

bool containers_pushes_out(const struct containers *all, const char *id)
{
	return HASH_CNT(by_id, all->by_id) >= all->max && !containers_find(all, id);
}

void containers_set_cgroup(struct containers *all, struct container *container, uint64_t cgroup_id)
{
	if (!cgroup_id || container->cgroup_id == cgroup_id)
		return;
	if (container->cgroup_id)
		HASH_DELETE(by_cgroup, all->by_cgroup, container);
	struct container *other = containers_find_cgroup(all, cgroup_id);
	if (other) { /* kernfs ids are not reused within a boot; a replayed file may be joined */
		HASH_DELETE(by_cgroup, all->by_cgroup, other);
		other->cgroup_id = 0;
	}
	container->cgroup_id = cgroup_id;
	HASH_ADD(by_cgroup, all->by_cgroup, cgroup_id, sizeof(container->cgroup_id), container);
}

void containers_remove(struct containers *all, struct container *container)
{
	HASH_DELETE(by_id, all->by_id, container);
	if (container->cgroup_id)
		HASH_DELETE(by_cgroup, all->by_cgroup, container);
	free(container->work);
	free(container->plugins);
	free(container->cri_message);
	free(container->log);
	free(container->core);
	free(container->loop);
	free(container);
}

void containers_clear(struct containers *all)
{
	while (all->by_id)
		containers_remove(all, all->by_id);
}

struct container *containers_sandbox(const struct containers *all,
				     const struct container *container)
{
	return *container->subject.sandbox_id ? containers_find(all, container->subject.sandbox_id)
					      : NULL;
}

bool container_ended(const struct container *container)
{
	return container->exit_seen || container->task_exit_seen || container->gone_ns ||
	       container->state == CONTAINER_EXITED || container->runtime_failed_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a ? b : !b ? a : a < b ? a : b;
}

uint64_t container_first_sign_ns(const struct container *container)
{
	uint64_t first = earlier(earlier(container->snapshot_ns, container->created_ns),
				 earlier(container->runtime_ns, container->exec_ns));

	for (uint32_t i = 0; i < container->plugin_count; i++)
		first = earlier(first, container->plugins[i].span.from_ns);
	return first;
}
