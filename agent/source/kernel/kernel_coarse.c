/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_coarse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup_cpu.h"

/* The oldest gives way. One that has no exec for so long has failed to start. */
#define STARTS_MAX 256
/* Records wait in the ring for some ms. */
#define LATE_NS (200 * NS_PER_MS)

struct start {
	char container_id[ID_SIZE]; /* "": free */
	char path[CGROUP_PATH_SIZE];
	uint64_t cgroup_id;
	uint64_t
		began_ns; /* its entrypoint was executed; 0: not so far, or it is watched closely */
	uint64_t late_ns; /* so long after that its counters were read: no agent ran; 0: at once */
	struct cgroup_cpu before;
};

struct kernel_coarse {
	char cgroup_root[4096];
	event_fn on_event;
	void *context;
	uint32_t next;
	struct start starts[STARTS_MAX];
};

int kernel_coarse_new(struct kernel_coarse **ret, const char *cgroup_root, event_fn on_event,
		      void *context)
{
	struct kernel_coarse *coarse = calloc(1, sizeof(*coarse));

	if (!coarse)
		return -ENOMEM;
	TEXT_COPY(coarse->cgroup_root, cgroup_root ? cgroup_root : "/sys/fs/cgroup");
	coarse->on_event = on_event;
	coarse->context = context;
	*ret = coarse;
	return 0;
}

void kernel_coarse_free(struct kernel_coarse *coarse)
{
	free(coarse);
}

static struct start *find(struct kernel_coarse *coarse, const char *container_id)
{
	for (size_t i = 0; i < STARTS_MAX && *container_id; i++)
		if (strcmp(coarse->starts[i].container_id, container_id) == 0)
			return &coarse->starts[i];
	return NULL;
}

void kernel_coarse_cgroup(struct kernel_coarse *coarse, const struct event_cgroup *cgroup)
{
	struct start *start = &coarse->starts[coarse->next++ % STARTS_MAX];

	*start = (struct start){.cgroup_id = cgroup->cgroup_id};
	TEXT_COPY(start->container_id, cgroup->container_id);
	TEXT_COPY(start->path, cgroup->path);
}

void kernel_coarse_begin(struct kernel_coarse *coarse, const struct event *exec)
{
	struct start *start = find(coarse, exec->exec.container_id);
	uint64_t late_ns = clock_boot_ns() - exec->boot_ns;

	if (!start || cgroup_cpu_read(coarse->cgroup_root, start->path, &start->before) < 0)
		return;
	start->began_ns = exec->boot_ns;
	start->late_ns = late_ns > LATE_NS ? late_ns : 0;
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

/* False if its cgroup is gone. */
static bool tell(struct kernel_coarse *coarse, const struct start *start, enum stall_step step,
		 uint64_t now_ns)
{
	struct event event = {.type = EVENT_STALL, .boot_ns = now_ns};
	struct event_stall *stall = &event.stall;
	uint64_t left_ns = now_ns > start->began_ns ? now_ns - start->began_ns : 0;
	struct cgroup_cpu now;

	if (cgroup_cpu_read(coarse->cgroup_root, start->path, &now) < 0)
		return false;
	stall->cgroup_id = start->cgroup_id;
	TEXT_COPY(stall->container_id, start->container_id);
	stall->step = step;
	stall->grade = STALLS_COARSE;
	if (start->late_ns)
		snprintf(stall->reason, sizeof(stall->reason),
			 "no agent ran for the first %.0f ms: its cgroup's counters",
			 (double)start->late_ns / NS_PER_MS);
	else
		TEXT_COPY(stall->reason, "too many starts at once: its cgroup's counters");
	stall->threads.ns[STALL_CPU] = now.used_ns - start->before.used_ns;
	stall->threads.ns[STALL_THROTTLED] = now.throttled_ns - start->before.throttled_ns;
	/* of the wall clock at most that, with one thread at a time */
	stall->path.ns[STALL_CPU] = at_most(stall->threads.ns[STALL_CPU], left_ns);
	left_ns -= stall->path.ns[STALL_CPU];
	stall->path.ns[STALL_THROTTLED] = at_most(stall->threads.ns[STALL_THROTTLED], left_ns);
	stall->path.ns[STALL_OTHER] = left_ns - stall->path.ns[STALL_THROTTLED];
	coarse->on_event(coarse->context, &event);
	return true;
}

void kernel_coarse_tell(struct kernel_coarse *coarse, const char *container_id,
			enum stall_step step, uint64_t now_ns)
{
	const struct start *start = find(coarse, container_id);

	if (start && start->began_ns)
		tell(coarse, start, step, now_ns);
}

bool kernel_coarse_tell_all(struct kernel_coarse *coarse, uint64_t window_ns, uint64_t now_ns)
{
	bool any = false;

	for (size_t i = 0; i < STARTS_MAX; i++) {
		struct start *start = &coarse->starts[i];

		if (!start->began_ns)
			continue;
		if (!tell(coarse, start, STALL_SO_FAR, now_ns) ||
		    now_ns > start->began_ns + window_ns)
			*start = (struct start){0};
		any = true;
	}
	return any;
}

void kernel_coarse_end(struct kernel_coarse *coarse, const char *container_id)
{
	struct start *start = find(coarse, container_id);

	if (start)
		*start = (struct start){0};
}
