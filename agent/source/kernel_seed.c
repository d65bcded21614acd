/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_seed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/process.h"

struct seed {
	struct kernel_probes *probes;
	event_fn on_event;
	void *context;
	int count;
};

/* The container's first process is the one whose parent is outside: the shim. */
static uint32_t find_init(const char *dir)
{
	char path[4096];
	uint32_t pid, found = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	cleanup_fclose FILE *file = fopen(path, "re");
	while (file && !found && fscanf(file, "%" SCNu32, &pid) == 1) {
		struct process_stat process, parent;

		if (process_stat_read(pid, &process) == 0 &&
		    process_stat_read(process.parent_pid, &parent) == 0 &&
		    (strncmp(parent.comm, "containerd-shim", 15) == 0 ||
		     strcmp(parent.comm, "conmon") == 0))
			found = pid;
	}
	return found;
}

static void on_container(void *context, const char *path, uint64_t cgroup_id, const char *full_path)
{
	struct seed *seed = context;
	struct event event = {
		.type = EVENT_CGROUP_NEW,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = clock_boot_ns(),
		.cgroup.cgroup_id = cgroup_id,
	};
	const char *leaf = strrchr(path, '/');

	if (!leaf || !cgroup_name_container(leaf + 1, event.cgroup.container_id,
					    sizeof(event.cgroup.container_id)))
		return;
	text_copy_tail(event.cgroup.path, sizeof(event.cgroup.path), path);
	cgroup_path_pod_uid(path, event.cgroup.pod_uid, sizeof(event.cgroup.pod_uid));
	kernel_probes_adopt(seed->probes, cgroup_id, find_init(full_path));
	seed->on_event(seed->context, &event);
	seed->count++;
}

int kernel_seed(struct kernel_probes *probes, const char *deciding_dir, event_fn on_event,
		void *context)
{
	struct seed seed = {.probes = probes, .on_event = on_event, .context = context};
	int r = cgroup_walk_containers(deciding_dir, on_container, &seed);

	return r < 0 ? r : seed.count;
}
