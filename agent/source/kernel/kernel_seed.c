/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_seed.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/process.h"
#include "source/kernel/kernel_tables.h"

struct seed {
	struct kernel_probes *probes;
	event_fn on_event;
	void *context;
	int count;
};

/* The container's first process, as far as it can be found. */
struct first {
	uint32_t pid; /* 0: none */
	uint64_t start_ns;
	bool executed; /* false: runc's init waits for `runc start` */
};

static bool is_runc_init(const struct process_stat *process)
{
	return strncmp(process->comm, "runc:[2", 7) == 0;
}

/* A runtime put it there: its parent is the shim, or `runc create` while that still runs. */
static bool comes_from_outside(const struct process_stat *process)
{
	struct process_stat parent;

	return is_runc_init(process) || (process_stat_read(process->parent_pid, &parent) == 0 &&
					 (strncmp(parent.comm, "containerd-shim", 15) == 0 ||
					  strcmp(parent.comm, "conmon") == 0));
}

/* The oldest of them; the others are exec sessions. */
static struct first find_first(const char *dir)
{
	char path[4096];
	struct first first = {0};
	uint32_t pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	cleanup_fclose FILE *file = fopen(path, "re");
	while (file && fscanf(file, "%" SCNu32, &pid) == 1) {
		struct process_stat process;

		if (process_stat_read(pid, &process) == 0 && comes_from_outside(&process) &&
		    (!first.pid || process.start_ns < first.start_ns))
			first = (struct first){pid, process.start_ns, !is_runc_init(&process)};
	}
	return first;
}

/*
 * What was read may be over by the time the probes are told: it could have executed, or its pid
 * be another's. The probes are attached, so what is still the same now is theirs from here on. What they
 * followed before is theirs in any case: execve renames a process before it tells of it, and in between
 * it looks like one that was executed unseen.
 */
static bool still_so(const struct first *first)
{
	struct process_stat process;

	return process_stat_read(first->pid, &process) == 0 &&
	       process.start_ns == first->start_ns && is_runc_init(&process) == !first->executed;
}

static void adopt_first(struct kernel_probes *probes, const struct cgroup_found *found)
{
	for (int attempt = 0; attempt < 3; attempt++) {
		struct first first = find_first(found->full_path);

		if (!first.pid)
			return;
		if (!kernel_tables_adopt_init(probes, found->container_id, first.pid,
					      first.start_ns, first.executed) ||
		    still_so(&first))
			return;
		kernel_tables_forget_init(probes, first.pid);
	}
}

static void on_found(void *context, const struct cgroup_found *found)
{
	struct seed *seed = context;
	struct event event = {
		.type = EVENT_CGROUP_NEW,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = clock_boot_ns(),
		.cgroup.cgroup_id = found->id,
	};
	const char *leaf = strrchr(found->path, '/');

	/* also of a cgroup within the container's: systemd in it moves its init further down */
	if (kernel_tables_adopt(seed->probes, found->id, found->container_id))
		adopt_first(seed->probes, found);
	if (found->id != found->container_id || !leaf ||
	    !cgroup_name_container(leaf + 1, event.cgroup.container_id,
				   sizeof(event.cgroup.container_id)))
		return;
	text_copy_tail(event.cgroup.path, sizeof(event.cgroup.path), found->path);
	cgroup_path_pod_uid(found->path, event.cgroup.pod_uid, sizeof(event.cgroup.pod_uid));
	seed->on_event(seed->context, &event);
	seed->count++;
}

int kernel_seed(struct kernel_probes *probes, const char *deciding_dir, event_fn on_event,
		void *context)
{
	struct seed seed = {.probes = probes, .on_event = on_event, .context = context};
	int r = cgroup_walk_containers(deciding_dir, on_found, &seed);

	return r < 0 ? r : seed.count;
}
