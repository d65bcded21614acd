/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/child.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/memory_killer.h"
#include "model/usual.h"
#include "track/death/exit_signal.h"
#include "track/death/stop_signals.h"

#define PROGRAMS_MAX   1024
#define INTERVALS_MAX  8
#define LOOP_DEATHS    3
#define LOOP_WINDOW_NS (20 * 60 * NS_PER_SECOND)
/* Whether the container goes on shows by then. */
#define SURVIVAL_NS (2 * NS_PER_SECOND)
#define AGAIN_NS    (10 * NS_PER_SECOND)
/* For the container's names, where a death was read before containerd was asked. */
#define NAMES_NS (10 * NS_PER_SECOND)
#define LOOK_NS	 NS_PER_SECOND

struct name {
	char container_id[ID_SIZE];
	char comm[COMM_SIZE];
};

/* One program of one container; the one that died longest ago gives way. */
struct program {
	struct name name;
	struct record_child record;
	uint64_t intervals[INTERVALS_MAX]; /* newest last, in a ring */
	uint32_t interval_count;
	uint64_t deaths[LOOP_DEATHS]; /* newest first */
	uint32_t told;		      /* of count */
	bool settled;		      /* what was told says whether the container goes on */
	bool ended;		      /* its container is no more; told once that has a name */
	uint64_t seen_ns;	      /* when the agent read of the first */
	uint64_t due_ns;	      /* 0: nothing is to be told */
	UT_hash_handle hh;
};

struct children {
	struct containers *containers;
	record_fn emit;
	void *context;
	struct program *programs; /* in the order of their last deaths */
	uint64_t due_ns;
	uint64_t lost;
};

struct children *children_new(struct containers *containers, record_fn emit, void *context)
{
	struct children *children = calloc(1, sizeof(*children));

	if (!children)
		return NULL;
	children->containers = containers;
	children->emit = emit;
	children->context = context;
	children->due_ns = UINT64_MAX;
	return children;
}

static void drop(struct children *children, struct program *program)
{
	HASH_DEL(children->programs, program);
	free(program);
}

void children_free(struct children *children)
{
	while (children && children->programs)
		drop(children, children->programs);
	free(children);
}

uint64_t children_lost(const struct children *children)
{
	return children->lost;
}

/* A program calls itself what it likes: what can't stand in a key is told apart by a hash. */
static void make_key(const struct name *name, char ret[static KEY_SIZE])
{
	char comm[COMM_SIZE];
	bool changed = false;
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; name->comm[i]; i++) {
		unsigned char c = (unsigned char)name->comm[i];
		bool plain = c < 128 && (isalnum(c) || strchr("._-:", c));

		hash = (hash ^ c) * 16777619u;
		comm[i] = plain ? (char)c : '_';
		changed |= !plain;
	}
	comm[i] = '\0';
	if (changed)
		snprintf(ret, KEY_SIZE, "%.64s-%s-%08" PRIx32, name->container_id, comm, hash);
	else
		snprintf(ret, KEY_SIZE, "%.64s-%s", name->container_id, comm);
}

static uint64_t median(const struct program *program)
{
	uint64_t sorted[INTERVALS_MAX];
	uint32_t count =
		program->interval_count < INTERVALS_MAX ? program->interval_count : INTERVALS_MAX;

	memcpy(sorted, program->intervals, sizeof(sorted));
	return usual_median(sorted, count);
}

static void tell(struct children *children, struct program *program, uint64_t now_ns)
{
	const struct container *c =
		containers_find(children->containers, program->name.container_id);
	bool named = (c && c->identified) || now_ns >= program->seen_ns + NAMES_NS;
	uint64_t survived_ns = program->record.first_ns + SURVIVAL_NS;
	bool settled = program->settled || (named && (program->ended || now_ns >= survived_ns));
	struct record record = {.type = RECORD_CHILD, .final = settled};

	make_key(&program->name, record.key);
	if (c)
		record.subject = c->subject;
	TEXT_COPY(record.subject.container_id, program->name.container_id);
	program->record.interval_ns = median(program);
	if (!c || container_ended(c))
		program->record.container_survived = c ? SURVIVAL_NO : SURVIVAL_UNKNOWN;
	else
		program->record.container_survived = settled ? SURVIVAL_YES : SURVIVAL_UNKNOWN;
	record.boot_ns = program->record.last_ns;
	record.child = program->record;
	children->emit(children->context, &record);
	program->told = program->record.count;
	program->settled = settled;
	program->due_ns = settled ? 0 : now_ns < survived_ns ? survived_ns : now_ns + LOOK_NS;
}

static struct program *get(struct children *children, const struct name *name, uint64_t now_ns)
{
	struct program *program;

	HASH_FIND(hh, children->programs, name, sizeof(*name), program);
	if (program) {
		HASH_DEL(children->programs, program);
	} else {
		if (HASH_COUNT(children->programs) >= PROGRAMS_MAX) {
			if (children->programs->told != children->programs->record.count)
				tell(children, children->programs, now_ns);
			drop(children, children->programs);
		}
		program = calloc(1, sizeof(*program));
		if (!program) {
			children->lost++;
			return NULL;
		}
		program->name = *name;
		program->seen_ns = now_ns;
	}
	HASH_ADD(hh, children->programs, name, sizeof(program->name), program);
	return program;
}

static void note_time(struct program *program, uint64_t boot_ns, uint32_t count)
{
	struct record_child *record = &program->record;
	uint64_t since_ns = boot_ns > record->last_ns ? boot_ns - record->last_ns : 0;

	if (record->count)
		program->intervals[program->interval_count++ % INTERVALS_MAX] = since_ns / count;
	if (!record->count || boot_ns < record->first_ns)
		record->first_ns = boot_ns;
	if (boot_ns < record->last_ns) /* of another CPU, and read later */
		boot_ns = record->last_ns;
	for (uint32_t i = 0; i < count && i < LOOP_DEATHS; i++) {
		memmove(&program->deaths[1], &program->deaths[0],
			sizeof(uint64_t) * (LOOP_DEATHS - 1));
		program->deaths[0] = boot_ns;
	}
	record->count += count;
	record->last_ns = boot_ns;
	record->looping = record->count >= LOOP_DEATHS &&
			  boot_ns - program->deaths[LOOP_DEATHS - 1] <= LOOP_WINDOW_NS;
}

/* Of the last one. */
static void note_end(struct record_child *record, const struct containers *all,
		     const struct event_exit *exit, uint64_t boot_ns, uint32_t count)
{
	const struct signal_seen *seen = exit_explaining(exit), *fault = exit_fault(exit);
	bool same = record->signal == exit->signal && record->code == exit->code;

	record->same = same ? record->same + count : count;
	record->verdict = exit_by_signal(all, exit, seen, exit->cgroup_id);
	record->pid = exit->who.pid;
	record->code = exit->code;
	record->signal = exit->signal;
	record->core_dumped = exit->core_dumped;
	record->fault_address = fault ? fault->address : 0;
	record->fault_code = fault ? fault->code : 0;
	record->age_ns = exit->who.start_ns && boot_ns > exit->who.start_ns
				 ? boot_ns - exit->who.start_ns
				 : 0;
	TEXT_COPY(record->comm, exit->comm);
	TEXT_COPY(record->file, exit->file);
	TEXT_COPY(record->parent_comm, exit->parent_comm);
	bool sent = seen && !seen->from_kernel;

	record->sender_pid = sent ? seen->sender.pid : 0;
	TEXT_COPY(record->sender_comm, sent ? seen->sender_comm : "");
	record->sender_inside = sent && seen->sender_cgroup_id == exit->cgroup_id;
}

/* By a killer in user space, of the host's. */
static bool killed_for_memory(const struct containers *all, const struct signal_seen *seen)
{
	return memory_killer(seen->sender_comm) &&
	       !containers_find_cgroup(all, seen->sender_cgroup_id);
}

/* Of those that were counted while no agent ran, only the cgroup is known. */
static struct container *container_of(const struct children *children,
				      const struct event_exit *exit)
{
	return *exit->container_id ? containers_find(children->containers, exit->container_id)
				   : containers_find_cgroup(children->containers, exit->cgroup_id);
}

static void note_death(struct children *children, const struct event *event, uint64_t now_ns)
{
	const struct event_exit *exit = &event->exit;
	struct container *c = container_of(children, exit);
	const struct signal_seen *seen = exit_explaining(exit);
	uint32_t count = exit->count ? exit->count : 1;
	struct name name = {0};

	if (c && c->init.pid == exit->who.pid)
		return;
	/* one that began before the agent: the kernel's part did not know it */
	if (seen && !signal_is_fault(exit->signal) &&
	    stop_sent_by_runtime(children->containers, seen))
		return;
	if (seen && killed_for_memory(children->containers, seen)) /* oom.c tells */
		return;
	TEXT_COPY(name.container_id, c ? c->id : exit->container_id);
	TEXT_COPY(name.comm, exit->comm);
	struct program *program = get(children, &name, now_ns);

	if (c)
		c->child_deaths += count;
	if (!program)
		return;
	bool first = !program->record.count;

	note_time(program, event->boot_ns, count);
	note_end(&program->record, children->containers, exit, event->boot_ns, count);
	if (first)
		tell(children, program, now_ns);
	else if (!program->due_ns)
		program->due_ns = now_ns + AGAIN_NS;
	if (program->due_ns && program->due_ns < children->due_ns)
		children->due_ns = program->due_ns;
}

/* As it stands. Returns false if it was for the last time: its container has ended and has a name. */
static bool tell_again(struct children *children, struct program *program, uint64_t now_ns)
{
	tell(children, program, now_ns);
	if (program->ended && program->settled) {
		drop(children, program);
		return false;
	}
	if (program->due_ns && program->due_ns < children->due_ns)
		children->due_ns = program->due_ns;
	return true;
}

/* Nothing more comes: told as it stands. */
static void end_container(struct children *children, const char *container_id, uint64_t now_ns)
{
	struct program *program, *next;

	HASH_ITER (hh, children->programs, program, next) {
		if (strcmp(program->name.container_id, container_id) != 0)
			continue;
		program->ended = true;
		if (program->told != program->record.count || !program->settled ||
		    now_ns < program->record.last_ns + SURVIVAL_NS)
			tell_again(children, program, now_ns);
		else
			drop(children, program);
	}
}

/* Deaths that were read before containerd said whose they are. */
static void name_container(struct children *children, const char *container_id, uint64_t now_ns)
{
	struct program *program, *next;

	HASH_ITER (hh, children->programs, program, next)
		if (!program->settled && strcmp(program->name.container_id, container_id) == 0)
			tell_again(children, program, now_ns);
}

void children_event(struct children *children, const struct event *event, uint64_t now_ns)
{
	if (event->type == EVENT_CGROUP_GONE) {
		end_container(children, event->cgroup.container_id, now_ns);
		return;
	}
	if (event->type == EVENT_CONTAINER) {
		name_container(children, event->container.container_id, now_ns);
		return;
	}
	if (event->type != EVENT_EXIT || !event->exit.signal || event->exit.oom_victim ||
	    event->exit.role != ROLE_MEMBER ||
	    (!*event->exit.container_id && !container_of(children, &event->exit)))
		return;
	note_death(children, event, now_ns);
}

uint64_t children_next_tick_ns(const struct children *children)
{
	return children->due_ns;
}

void children_tick(struct children *children, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;
	struct program *program, *next;

	if (now_ns < children->due_ns)
		return;
	HASH_ITER (hh, children->programs, program, next) {
		if (program->due_ns && program->due_ns <= now_ns &&
		    !tell_again(children, program, now_ns))
			continue;
		if (program->due_ns && program->due_ns < next_ns)
			next_ns = program->due_ns;
	}
	children->due_ns = next_ns;
}
