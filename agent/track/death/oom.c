/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/oom.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/death/oom_detail.h"
#include "track/death/oom_near.h"
#include "track/death/oom_series.h"

#define PENDING_MAX 256
#define LOOK_NS	    NS_PER_SECOND

/* memory.oom.group kills one after the other without waiting (4 victims took 6 ms). */
#define GROUP_WINDOW_NS (20 * NS_PER_MS)
/* A group is killed one by one, and between them the kernel writes a line, maybe to a slow serial console. */
#define GROUP_PAUSE_NS (2 * NS_PER_SECOND)
/* A victim that has not ended by then is told unconfirmed first: a large one takes its time. */
#define CONFIRM_NS (20 * NS_PER_MS)
/* The container's init usually follows its child within this time, if it does. */
#define SURVIVAL_NS (2 * NS_PER_SECOND)
/* A victim's end is waited for: on a machine that thrashes it takes its time. */
#define END_NS (10 * NS_PER_SECOND)
/* For the container's names, where the kill was read before containerd was asked. */
#define NAMES_NS (10 * NS_PER_SECOND)

struct pending {
	bool used, told;
	bool nameless; /* told as final; should containerd say whose it was, it is told once more */
	bool counted;  /* in its series */
	struct process victim, invoker;
	uint64_t limit_cgroup_id;
	char container_id[ID_SIZE];
	uint64_t first_ns, last_ns; /* when it was; of its last victim */
	/* as the agent's time goes: it may be read long after; ended_ns: the first victim's end, 0 not seen */
	uint64_t seen_ns, ended_ns, due_ns;
	struct record_oom record;
};

struct ooms {
	const struct containers *containers;
	const struct pods *pods;
	struct oom_near *near;
	struct oom_serieses *serieses;
	record_fn emit;
	void *context;
	struct pending pending[PENDING_MAX];
	uint64_t due_ns;
};

struct ooms *ooms_new(const struct containers *containers, const struct pods *pods, record_fn emit,
		      void *context)
{
	struct ooms *ooms = calloc(1, sizeof(*ooms));

	if (!ooms)
		return NULL;
	ooms->containers = containers;
	ooms->pods = pods;
	ooms->near = oom_near_new();
	ooms->serieses = oom_serieses_new(ooms->containers);
	ooms->emit = emit;
	ooms->context = context;
	ooms->due_ns = UINT64_MAX;
	if (!ooms->near || !ooms->serieses) {
		ooms_free(ooms);
		return NULL;
	}
	return ooms;
}

void ooms_free(struct ooms *ooms)
{
	if (!ooms)
		return;
	oom_near_free(ooms->near);
	oom_serieses_free(ooms->serieses);
	free(ooms);
}

static enum limit_scope scope_of(const struct event_oom *oom)
{
	if (*oom->killer) /* it acts before a limit is hit, by a measure of its own */
		return SCOPE_NONE;
	if (!oom->by_limit)
		return SCOPE_NODE;
	if (*oom->container_id && strstr(oom->limit_path, oom->container_id))
		return SCOPE_CONTAINER;
	const char *leaf = strrchr(oom->limit_path, '/');

	leaf = leaf ? leaf + 1 : oom->limit_path;
	/* pod<uid> with the cgroupfs driver, kubepods-burstable-pod<uid>.slice with systemd's */
	if (*oom->container_id && (strncmp(leaf, "pod", 3) == 0 || strstr(leaf, "-pod")))
		return SCOPE_POD;
	return SCOPE_CGROUP;
}

static void add_victim(const struct ooms *ooms, struct record_oom *record,
		       const struct event_oom *oom)
{
	const struct container *container = containers_find(ooms->containers, oom->container_id);

	record->victim_total++;
	if (record->victim_count == OOM_VICTIMS_MAX)
		return;
	struct oom_victim *victim = &record->victims[record->victim_count++];

	*victim = (struct oom_victim){
		.pid = oom->victim.pid,
		.start_ns = oom->victim.start_ns,
		.init = container && container->init.pid == oom->victim.pid,
		.anon_kb = oom->anon_kb,
		.file_kb = oom->file_kb,
		.shmem_kb = oom->shmem_kb,
		.swap_kb = oom->swap_kb,
		.pagetable_kb = oom->pagetable_kb,
		.total_vm_kb = oom->total_vm_kb,
		.oom_score_adj = oom->oom_score_adj,
		.uid = oom->uid,
	};
	TEXT_COPY(victim->comm, oom->comm);
	TEXT_COPY(victim->parent_comm, oom->parent_comm);
}

/* Who killed from user space triggered nothing: that was whatever took the memory. */
static void note_cause(struct record_oom *record, const struct event_oom *oom)
{
	if (*oom->killer) {
		TEXT_COPY(record->killer, oom->killer);
		record->killer_pid = oom->invoker.pid;
		return;
	}
	record->invoker_pid = oom->invoker.pid;
	record->invoker_inside = oom->invoker_cgroup_id == oom->cgroup_id;
	TEXT_COPY(record->invoker_comm, oom->invoker_comm);
}

static void begin(const struct ooms *ooms, struct pending *kill, const struct event_oom *oom,
		  uint64_t boot_ns, uint64_t now_ns)
{
	*kill = (struct pending){
		.used = true,
		.victim = oom->victim,
		.invoker = oom->invoker,
		.limit_cgroup_id = oom->limit_cgroup_id,
		.first_ns = boot_ns,
		.last_ns = boot_ns,
		.seen_ns = now_ns,
		.due_ns = now_ns + CONFIRM_NS,
		.record =
			{
				.scope = scope_of(oom),
				.limit_bytes = oom->limit_bytes,
				.usage_bytes = oom->usage_bytes,
				.group_kill = oom->group_kill,
			},
	};
	TEXT_COPY(kill->container_id, oom->container_id);
	TEXT_COPY(kill->record.limit_path, oom->limit_path);
	TEXT_COPY(kill->record.cgroup_path, oom->cgroup_path);
	note_cause(&kill->record, oom);
	if (oom->by_limit)
		kill->record.near_ns = oom_near_killed(ooms->near, oom->limit_path, boot_ns);
	add_victim(ooms, &kill->record, oom);
}

/* A large victim takes its time, and one that was asked to end may do as it likes. */
static enum survival survival_of(const struct container *container, const struct pending *kill,
				 bool final)
{
	if (!container)
		return SURVIVAL_UNKNOWN;
	if (container_ended(container))
		return SURVIVAL_NO;
	for (uint32_t i = 0; i < kill->record.victim_count; i++)
		if (kill->record.victims[i].init)
			return SURVIVAL_UNKNOWN;
	return final ? SURVIVAL_YES : SURVIVAL_UNKNOWN;
}

static void tell(struct ooms *ooms, struct pending *kill, bool final)
{
	const struct container *container = containers_find(ooms->containers, kill->container_id);
	struct record record = {.type = RECORD_OOM, .final = final, .boot_ns = kill->first_ns};

	snprintf(record.key, sizeof(record.key), "%" PRIu32 "-%" PRIu64, kill->victim.pid,
		 kill->victim.start_ns);
	if (container)
		record.subject = container->subject;
	TEXT_COPY(record.subject.container_id, kill->container_id);
	for (uint32_t i = 0; container && i < kill->record.victim_count; i++)
		kill->record.victims[i].init |= container->init.pid == kill->record.victims[i].pid;
	kill->record.container_survived = survival_of(container, kill, final);
	record.oom = kill->record;
	if (!kill->counted && (final || !container || container->identified)) {
		oom_serieses_add(ooms->serieses, &record);
		kill->record.series = record.oom.series;
		kill->counted = true;
	}
	ooms->emit(ooms->context, &record);
	kill->told = true;
	kill->nameless = final && *kill->container_id && !(container && container->identified);
	kill->used = !final || kill->nameless;
	if (kill->nameless)
		kill->due_ns = UINT64_MAX;
}

static bool same_process(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && (!a->start_ns || !b->start_ns || a->start_ns == b->start_ns);
}

/* The pending kill of which this process is a victim; sets which. */
static struct pending *find_victim(struct ooms *ooms, struct process victim, uint32_t *ret_index)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *kill = &ooms->pending[i];

		for (uint32_t k = 0; kill->used && k < kill->record.victim_count; k++) {
			struct process one = {kill->record.victims[k].pid,
					      kill->record.victims[k].start_ns};

			if (!same_process(&one, &victim))
				continue;
			*ret_index = k;
			return kill;
		}
	}
	return NULL;
}

static struct pending *find_group(struct ooms *ooms, const struct event_oom *oom, uint64_t boot_ns)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *kill = &ooms->pending[i];

		if (kill->used && !kill->nameless && kill->invoker.pid == oom->invoker.pid &&
		    kill->invoker.start_ns == oom->invoker.start_ns &&
		    kill->limit_cgroup_id == oom->limit_cgroup_id &&
		    strcmp(kill->container_id, oom->container_id) == 0 &&
		    boot_ns - kill->last_ns < (oom->group_kill && kill->record.group_kill
						       ? GROUP_PAUSE_NS
						       : GROUP_WINDOW_NS))
			return kill;
	}
	return NULL;
}

/* A free place; the oldest pending kill is told early when there is none. */
static struct pending *free_place(struct ooms *ooms)
{
	struct pending *oldest = &ooms->pending[0];

	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (!ooms->pending[i].used)
			return &ooms->pending[i];
		if (ooms->pending[i].first_ns < oldest->first_ns)
			oldest = &ooms->pending[i];
	}
	if (!oldest->nameless)
		tell(ooms, oldest, true);
	return oldest;
}

static void note_victim(struct ooms *ooms, const struct event_oom *oom, uint64_t boot_ns,
			uint64_t now_ns)
{
	struct pending *kill;
	uint32_t index;

	/* a killer asks first (SIGTERM), and makes sure then */
	if (find_victim(ooms, oom->victim, &index))
		return;
	kill = find_group(ooms, oom, boot_ns);
	if (kill) {
		add_victim(ooms, &kill->record, oom);
		kill->last_ns = boot_ns;
		return;
	}
	kill = free_place(ooms);
	begin(ooms, kill, oom, boot_ns, now_ns);
	if (kill->due_ns < ooms->due_ns)
		ooms->due_ns = kill->due_ns;
}

static void note_exit(struct ooms *ooms, const struct event_exit *exit, uint64_t now_ns)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *kill = &ooms->pending[i];
		bool sent = *kill->record.killer;

		if (!kill->used || kill->nameless || kill->ended_ns ||
		    !same_process(&kill->victim, &exit->who))
			continue;
		kill->ended_ns = now_ns;
		if (!exit->oom_victim && !sent)
			continue;
		kill->record.confirmed =
			exit->signal == SIGKILL || (sent && exit->signal == SIGTERM);
		tell(ooms, kill, false);
	}
}

/* What was read after a kill that is told already comes too late. */
static void note_detail(struct ooms *ooms, const struct event *event)
{
	struct process victim = {event->memory.victim_pid, event->memory.victim_start_ns};
	struct pending *kill;
	uint32_t index;

	if (event->type == EVENT_NEIGHBOUR)
		victim = (struct process){event->neighbour.victim_pid,
					  event->neighbour.victim_start_ns};
	else if (event->type == EVENT_POD_MEMORY)
		victim = (struct process){event->pod_memory.victim_pid,
					  event->pod_memory.victim_start_ns};
	kill = find_victim(ooms, victim, &index);
	if (!kill)
		return;
	if (event->type == EVENT_MEMORY)
		oom_detail_memory(&kill->record, index, &event->memory);
	else if (event->type == EVENT_NEIGHBOUR)
		oom_detail_neighbour(ooms->containers, &kill->record, kill->container_id,
				     &event->neighbour);
	else
		oom_detail_pod(ooms->containers, ooms->pods, &kill->record, &event->pod_memory);
}

/* containerd was away, or slow, for longer than a kill waits for its container's name. */
static void note_name(struct ooms *ooms, const char *container_id)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *kill = &ooms->pending[i];

		if (kill->used && kill->nameless && strcmp(kill->container_id, container_id) == 0)
			tell(ooms, kill, true);
	}
}

void ooms_event(struct ooms *ooms, const struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_OOM:
		note_victim(ooms, &event->oom, event->boot_ns, now_ns);
		break;
	case EVENT_CONTAINER:
		note_name(ooms, event->container.container_id);
		break;
	case EVENT_EXIT:
		if (ooms->due_ns != UINT64_MAX)
			note_exit(ooms, &event->exit, now_ns);
		break;
	case EVENT_MEMORY:
		if (event->memory.step == MEMORY_AT_KILL)
			note_detail(ooms, event);
		else
			oom_near_note(ooms->near, event);
		break;
	case EVENT_NEIGHBOUR:
	case EVENT_POD_MEMORY:
		note_detail(ooms, event);
		break;
	default:
		break;
	}
}

uint64_t ooms_lost(const struct ooms *ooms)
{
	return oom_serieses_evicted(ooms->serieses) + oom_near_evicted(ooms->near);
}

uint64_t ooms_next_tick_ns(const struct ooms *ooms)
{
	return ooms->due_ns;
}

static bool is_complete(const struct ooms *ooms, const struct pending *kill, uint64_t now_ns)
{
	const struct container *container = containers_find(ooms->containers, kill->container_id);
	bool named = !*kill->container_id || (container && container->identified);

	if (!named)
		return now_ns >= kill->seen_ns + NAMES_NS;
	return now_ns >= (kill->ended_ns ? kill->ended_ns + SURVIVAL_NS : kill->seen_ns + END_NS);
}

void ooms_tick(struct ooms *ooms, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	if (now_ns < ooms->due_ns)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *kill = &ooms->pending[i];

		if (!kill->used)
			continue;
		if (kill->due_ns <= now_ns) {
			bool final = is_complete(ooms, kill, now_ns);

			if (final || !kill->told)
				tell(ooms, kill, final);
			kill->due_ns = now_ns + LOOK_NS;
		}
		if (kill->used && kill->due_ns < next)
			next = kill->due_ns;
	}
	ooms->due_ns = next;
}
