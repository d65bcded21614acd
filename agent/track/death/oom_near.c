/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/oom_near.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/text.h"

#define NEAR_MAX 256

struct near_limit {
	char path[CGROUP_PATH_SIZE];
	uint64_t since_ns;
	UT_hash_handle hh;
};

struct oom_near {
	struct near_limit *by_path; /* the first is the one that was told longest ago */
	uint64_t evicted;
};

struct oom_near *oom_near_new(void)
{
	return calloc(1, sizeof(struct oom_near));
}

static void drop(struct oom_near *all, struct near_limit *near)
{
	HASH_DEL(all->by_path, near);
	free(near);
}

void oom_near_free(struct oom_near *all)
{
	while (all && all->by_path)
		drop(all, all->by_path);
	free(all);
}

static struct near_limit *find(const struct oom_near *all, const char *path)
{
	struct near_limit *near;

	HASH_FIND_STR(all->by_path, path, near);
	return near;
}

void oom_near_note(struct oom_near *all, const struct event *event)
{
	const struct event_memory *memory = &event->memory;
	struct near_limit *near = find(all, memory->path);

	if (near)
		drop(all, near);
	if (memory->step != MEMORY_NEAR)
		return;
	if (HASH_COUNT(all->by_path) >= NEAR_MAX) {
		drop(all, all->by_path);
		all->evicted++;
	}
	near = calloc(1, sizeof(*near));
	if (!near)
		return;
	TEXT_COPY(near->path, memory->path);
	near->since_ns = event->boot_ns;
	HASH_ADD_STR(all->by_path, path, near);
}

uint64_t oom_near_killed(struct oom_near *all, const char *path, uint64_t boot_ns)
{
	struct near_limit *near = find(all, path);
	uint64_t near_ns = 0;

	if (!near)
		return 0;
	if (boot_ns > near->since_ns)
		near_ns = boot_ns - near->since_ns;
	drop(all, near);
	return near_ns;
}

uint64_t oom_near_evicted(const struct oom_near *all)
{
	return all->evicted;
}
