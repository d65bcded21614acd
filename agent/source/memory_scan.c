/* SPDX-License-Identifier: Apache-2.0 */
#include "source/memory_scan.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/cgroup.h"
#include "client/cgroup_memory.h"
#include "client/pressure.h"
#include "client/process_badness.h"

/* Of a cgroup so many processes are looked at, some 60 µs each; those beyond are counted only. */
#define PROCESSES_MAX 256
/* Of the node so many are ranked by their oom_score, and the first ones looked at. */
#define NODE_PROCESSES_MAX 4096
#define NODE_LOOK_MAX	   32

struct scan {
	const struct memory_places *places;
	const struct event *kill;
	uint64_t total_kb;
	uint32_t count; /* of the candidates, by badness */
	struct process_badness best[OOM_NEIGHBOURS_MAX];
};

/* Returns 0, or -ENAMETOOLONG. */
static int directory(const char *root, const char *path, char ret[static PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s%s", root, path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void fill_state(struct memory_state *state, const struct cgroup_memory *memory)
{
	*state = (struct memory_state){
		.usage_bytes = memory->usage_bytes,
		.limit_bytes = memory->limit_bytes,
		.peak_bytes = memory->peak_bytes,
		.anon_bytes = memory->anon_bytes,
		.file_bytes = memory->file_bytes > memory->shmem_bytes
				      ? memory->file_bytes - memory->shmem_bytes
				      : 0,
		.shmem_bytes = memory->shmem_bytes,
		.kernel_bytes = memory->kernel_bytes,
		.swap_bytes = memory->swap_bytes,
		.swap_limit_bytes = memory->swap_limit_bytes,
		.limit_hits = memory->limit_hits,
		.kills = memory->kills,
		.stalled10 = memory->stalled10,
		.stalled60 = memory->stalled60,
		.stalled300 = memory->stalled300,
	};
}

static int read_memory(const struct memory_places *places, const char *path,
		       struct cgroup_memory *ret)
{
	char dir[PATH_MAX], psi_dir[PATH_MAX];
	int r = directory(places->memory_dir, path, dir);

	if (r == 0 && places->psi_dir)
		r = directory(places->psi_dir, path, psi_dir);
	return r < 0 ? r
		     : cgroup_memory_read(dir, places->psi_dir ? psi_dir : NULL, places->v1, ret);
}

int memory_scan_state(const struct memory_places *places, const char *path,
		      struct memory_state *ret)
{
	struct cgroup_memory memory;
	int r = read_memory(places, path, &memory);

	if (r == 0)
		fill_state(ret, &memory);
	return r;
}

/* --- the victim among those of its name ------------------------------------------------------ */

/* A clock tick is the step of the times in /proc; pids grow within one. */
static bool is_older(const struct process_badness *process, const struct process *than)
{
	const uint64_t tick_ns = 10 * NS_PER_MS;
	uint64_t other = than->start_ns / tick_ns * tick_ns;

	return process->start_ns != other ? process->start_ns < other : process->pid < than->pid;
}

static void count_workers(const struct scan *scan, const uint32_t *pids, uint32_t count,
			  struct event_memory *memory)
{
	const struct event_oom *oom = &scan->kill->oom;

	memory->worker = memory->workers = 1;
	for (uint32_t i = 0; i < count; i++) {
		struct process_badness other;

		/* the parent is no worker, and one that took the victim's place came after the kill */
		if (pids[i] == oom->victim.pid ||
		    process_badness_read(scan->places->proc, pids[i], &other) < 0 ||
		    strcmp(other.comm, oom->comm) != 0 || other.parent_pid != oom->parent_pid ||
		    other.start_ns > scan->kill->boot_ns)
			continue;
		memory->workers++;
		memory->worker += is_older(&other, &oom->victim);
	}
}

/* The directory of the victim's container, which may lie above its own. False where it has none. */
static bool container_dir(const struct scan *scan, char ret[static PATH_MAX])
{
	const struct event_oom *oom = &scan->kill->oom;
	const char *id = *oom->container_id ? strstr(oom->cgroup_path, oom->container_id) : NULL;

	if (!id || directory(scan->places->memory_dir, oom->cgroup_path, ret) < 0)
		return false;
	ret[strlen(scan->places->memory_dir) + (size_t)(id - oom->cgroup_path) + strcspn(id, "/")] =
		'\0';
	return true;
}

static void note_workers(const struct scan *scan, struct event_memory *memory)
{
	uint32_t pids[PROCESSES_MAX];
	char dir[PATH_MAX];
	int total = container_dir(scan, dir) ? cgroup_processes(dir, pids, PROCESSES_MAX) : -ENOENT;

	/* of more than are looked at the place would be a guess; none: all have died together */
	if (total > 0 && total <= PROCESSES_MAX)
		count_workers(scan, pids, (uint32_t)total, memory);
}

/* --- its neighbours -------------------------------------------------------------------------- */

static void weigh(struct scan *scan, uint32_t pid)
{
	struct process_badness process;
	uint32_t at = scan->count;

	if (pid == scan->kill->oom.victim.pid ||
	    process_badness_read(scan->places->proc, pid, &process) < 0 ||
	    process.oom_score_adj == PROCESS_NEVER_KILLED || process.start_ns > scan->kill->boot_ns)
		return;
	int64_t points = process_badness_kb(&process, scan->total_kb);

	while (at > 0 && process_badness_kb(&scan->best[at - 1], scan->total_kb) < points)
		at--;
	if (at == OOM_NEIGHBOURS_MAX)
		return;
	scan->count += scan->count < OOM_NEIGHBOURS_MAX;
	memmove(scan->best + at + 1, scan->best + at, (scan->count - at - 1) * sizeof(*scan->best));
	scan->best[at] = process;
}

/* The innermost part of the path that is a container's; "" if none is. */
static void container_of(const struct memory_places *places, uint32_t pid,
			 char ret_id[static ID_SIZE])
{
	char path[4096];

	*ret_id = '\0';
	if (process_cgroup(places->proc, pid, places->v1, path, sizeof(path)) < 0)
		return;
	for (char *part, *rest = path; (part = strsep(&rest, "/"));)
		cgroup_name_container(part, ret_id, ID_SIZE);
}

static void emit_neighbours(const struct scan *scan, uint32_t total, event_fn on_event,
			    void *context)
{
	for (uint32_t i = 0; i < scan->count; i++) {
		const struct process_badness *process = &scan->best[i];
		struct event event = {.type = EVENT_NEIGHBOUR, .boot_ns = scan->kill->boot_ns};
		struct event_neighbour *neighbour = &event.neighbour;

		neighbour->victim_pid = scan->kill->oom.victim.pid;
		neighbour->victim_start_ns = scan->kill->oom.victim.start_ns;
		neighbour->total = total;
		neighbour->who = (struct oom_neighbour){
			.pid = process->pid,
			.start_ns = process->start_ns,
			.rss_kb = process->rss_kb,
			.swap_kb = process->swap_kb,
			.oom_score_adj = process->oom_score_adj,
			.points_kb = process_badness_kb(process, scan->total_kb),
		};
		TEXT_COPY(neighbour->who.comm, process->comm);
		container_of(scan->places, process->pid, neighbour->container_id);
		on_event(context, &event);
	}
}

static struct event memory_event(const struct event *kill)
{
	struct event event = {.type = EVENT_MEMORY, .boot_ns = kill->boot_ns};

	event.memory.step = MEMORY_AT_KILL;
	event.memory.victim_pid = kill->oom.victim.pid;
	event.memory.victim_start_ns = kill->oom.victim.start_ns;
	return event;
}

/* --- a cgroup's limit ------------------------------------------------------------------------ */

/* A path that was cut, or one that was made anew, must not be taken for it. */
static bool is_that(const char *dir, uint64_t cgroup_id)
{
	struct stat found;

	return stat(dir, &found) == 0 && (!cgroup_id || found.st_ino == cgroup_id);
}

static uint64_t node_swap_kb(const char *proc)
{
	char path[PATH_MAX], line[256];
	uint64_t kb = 0;

	snprintf(path, sizeof(path), "%s/meminfo", proc);
	cleanup_fclose FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SwapTotal: %" SCNu64, &kb) == 1)
			break;
	return kb;
}

/* As mem_cgroup_get_max() has it: the limit, and as much swap as there is and may be used. */
static uint64_t shared_kb(const struct memory_places *places, const struct cgroup_memory *memory,
			  uint64_t limit_bytes)
{
	uint64_t swap_kb = memory->swap_forbidden ? 0 : node_swap_kb(places->proc);

	if (memory->swap_limit_bytes && memory->swap_limit_bytes / 1024 < swap_kb)
		swap_kb = memory->swap_limit_bytes / 1024;
	return limit_bytes / 1024 + swap_kb;
}

static int scan_limit(struct scan *scan, event_fn on_event, void *context)
{
	const struct event_oom *oom = &scan->kill->oom;
	struct event event = memory_event(scan->kill);
	struct cgroup_memory memory;
	uint32_t pids[PROCESSES_MAX];
	char dir[PATH_MAX];
	int r = directory(scan->places->memory_dir, oom->limit_path, dir);

	if (r < 0 || !is_that(dir, oom->limit_cgroup_id))
		return -ENOENT;
	r = read_memory(scan->places, oom->limit_path, &memory);
	if (r < 0)
		return r;
	fill_state(&event.memory.state, &memory);
	scan->total_kb = shared_kb(scan->places, &memory, oom->limit_bytes);
	int total = cgroup_processes(dir, pids, PROCESSES_MAX);

	for (int i = 0; i < total && i < PROCESSES_MAX; i++)
		weigh(scan, pids[i]);
	event.memory.processes = total > 0 ? (uint32_t)total : 0;
	note_workers(scan, &event.memory);
	TEXT_COPY(event.memory.path, oom->limit_path);
	TEXT_COPY(event.memory.container_id, oom->container_id);
	cgroup_path_pod_uid(oom->cgroup_path, event.memory.pod_uid, sizeof(event.memory.pod_uid));
	on_event(context, &event);
	emit_neighbours(scan, event.memory.processes, on_event, context);
	return 0;
}

/* --- the node -------------------------------------------------------------------------------- */

static void fill_node_state(const struct memory_places *places, struct memory_state *state)
{
	uint64_t available = 0;
	struct cgroup_memory psi = {0};
	char path[PATH_MAX], text[256];

	if (pressure_memory(places->proc, &state->limit_bytes, &available) == 0)
		state->usage_bytes = state->limit_bytes - available;
	snprintf(path, sizeof(path), "%s/pressure/memory", places->proc);
	cleanup_fclose FILE *file = fopen(path, "re");

	if (!file || !fgets(text, sizeof(text), file) || !cgroup_memory_parse_pressure(text, &psi))
		return;
	state->stalled10 = psi.stalled10;
	state->stalled60 = psi.stalled60;
	state->stalled300 = psi.stalled300;
}

struct ranked {
	uint32_t pid;
	int32_t score;
};

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->score < y->score) - (x->score > y->score);
}

/* Returns how many processes there are; the first NODE_PROCESSES_MAX of them are ranked. */
static uint32_t rank(const char *proc, struct ranked *ret, uint32_t *ret_total)
{
	DIR *dir = opendir(proc);
	uint32_t count = 0;

	*ret_total = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		unsigned long pid = strtoul(entry->d_name, NULL, 10);

		*ret_total += pid != 0;
		if (pid && count < NODE_PROCESSES_MAX &&
		    process_oom_score(proc, (uint32_t)pid, &ret[count].score) == 0)
			ret[count++].pid = (uint32_t)pid;
	}
	if (dir)
		closedir(dir);
	qsort(ret, count, sizeof(*ret), by_score);
	return count;
}

static int scan_node(struct scan *scan, event_fn on_event, void *context)
{
	struct ranked *ranked = calloc(NODE_PROCESSES_MAX, sizeof(*ranked));
	struct event event = memory_event(scan->kill);

	if (!ranked)
		return -ENOMEM;
	fill_node_state(scan->places, &event.memory.state);
	scan->total_kb = event.memory.state.limit_bytes / 1024 + node_swap_kb(scan->places->proc);
	uint32_t count = rank(scan->places->proc, ranked, &event.memory.processes);

	for (uint32_t i = 0; i < count && i < NODE_LOOK_MAX; i++)
		weigh(scan, ranked[i].pid);
	free(ranked);
	note_workers(scan, &event.memory);
	TEXT_COPY(event.memory.container_id, scan->kill->oom.container_id);
	on_event(context, &event);
	emit_neighbours(scan, event.memory.processes, on_event, context);
	return 0;
}

int memory_scan_kill(const struct memory_places *places, const struct event *kill,
		     event_fn on_event, void *context)
{
	struct scan scan = {.places = places, .kill = kill};

	return kill->oom.by_limit ? scan_limit(&scan, on_event, context)
				  : scan_node(&scan, on_event, context);
}

void memory_scan_pod(const struct memory_places *places, const struct event *kill,
		     const char *pod_uid, const char *path, event_fn on_event, void *context)
{
	struct event event = {.type = EVENT_POD_MEMORY, .boot_ns = kill->boot_ns};
	struct cgroup_memory memory;

	if (read_memory(places, path, &memory) < 0)
		return;
	event.pod_memory.victim_pid = kill->oom.victim.pid;
	event.pod_memory.victim_start_ns = kill->oom.victim.start_ns;
	event.pod_memory.usage_bytes = cgroup_memory_working_set(&memory);
	TEXT_COPY(event.pod_memory.pod_uid, pod_uid);
	on_event(context, &event);
}
