/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The maps that the probes share, and the questions that each of them asks. */
#pragma once

#include "bpf/kernel.h"
#include "bpf/wire.h"

#define CONTAINERS_MAX 8192
#define PROCESSES_MAX  4096
#define PREFIXES_MAX   8
#define PREFIX_WORDS   8 /* prefixes of up to 64 characters */

/* A cgroup that is a container's, or lies inside one. */
struct known {
	__u64 container_id; /* cgroup id of the container; its own if it is not nested */
	__u64 sessions_from_ns;
	__u64 began_ns; /* when the entrypoint was executed; 0 until then */
	__u32 init_pid; /* the same */
	__u32 by_runc;	/* only tasks that were seen to be runc's init begin anything in it */
	__u32 reexecs, sessions, listens;
	__u32 targets;	/* whom it waited for, told apart */
	__u32 window;	/* its start's place + 1; 0: it is not watched closely */
	__u32 failures; /* of its connections */
};

/*
 * A process whose end matters. WIRE_ROLE_NONE is runc's init on its way to the entrypoint or to the
 * first program of an exec session: should it end before, that is a start which failed.
 */
struct tracked {
	__u64 cgroup_id; /* the container's; 0 for helpers */
	__u32 role;
	__u32 flags;
	__u32 hooks; /* a runtime's: that were told */
	__u32 pad;
	struct wire_signal last[2];
};

/* A container's life takes about 1.2 kB: some 900 of them while the agent does not read at all. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} ring_main SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ring_chatter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONTAINERS_MAX);
	__type(key, __u64);
	__type(value, struct known);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, __u32);
	__type(value, struct tracked);
} tracked SEC(".maps");

/*
 * How many of `known` and `tracked` have a place. Nearly all that happens on a node is of no container, and a look-up in a
 * table misses the caches three times; the pids of a storm share a few lines of these. Counted up before an entry is made
 * and down after it is gone.
 */
__u32 known_places[WIRE_PLACES] = {};
__u32 tracked_places[WIRE_PLACES] = {};

static __always_inline __u32 *place_of(__u32 places[WIRE_PLACES], __u64 number)
{
	return &places[number & (WIRE_PLACES - 1)];
}

static __always_inline bool put(void *table, __u32 *place, const void *key, const void *value)
{
	__sync_fetch_and_add(place, 1);
	if (bpf_map_update_elem(table, key, value, BPF_NOEXIST) == 0)
		return true;
	__sync_fetch_and_add(place, -1);
	return bpf_map_update_elem(table, key, value, BPF_EXIST) == 0;
}

/* Returns false if it was not there. */
static __always_inline bool take(void *table, __u32 *place, const void *key)
{
	if (bpf_map_delete_elem(table, key))
		return false;
	__sync_fetch_and_add(place, -1);
	return true;
}

static __always_inline struct known *find_known(__u64 id)
{
	return *place_of(known_places, id) ? bpf_map_lookup_elem(&known, &id) : NULL;
}

static __always_inline struct tracked *find_tracked(__u32 pid)
{
	return *place_of(tracked_places, pid) ? bpf_map_lookup_elem(&tracked, &pid) : NULL;
}

/* SIGKILL names its task; before 72ba14deb40a mark_victim only had a pid. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} killed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WIRE_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/*
 * Room to put a helper's record together: only what is used of it goes into the ring. A tracepoint's
 * program is not preempted, or else skipped while it runs on the CPU: only one uses the room at a time.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_exec_helper);
} scratch SEC(".maps");

/* Records with WIRE_URGENT so far: the agent leaves the others for a while, to read many at once. */
__u64 urgent_records = 0;

/* Set by the agent before it loads the programs: the memory controller is on a v1 hierarchy. */
const volatile bool memory_on_v1 = false;

/*
 * The programs outlive the agent: the next one attaches its own beside them, then writes its generation here. From one
 * run to the next those work and these don't, so that nothing is seen twice or not at all.
 */
__u64 generation = 0;
const volatile __u64 my_generation = 0;

static __always_inline bool is_mine(void)
{
	return *(volatile __u64 *)&generation == my_generation;
}

/* Since when these maps are written: the first agent's own note. */
__u64 pinned_ns = 0;

/* What the agent, or the one before it, has told of each cause of loss: its own note. */
__u64 losses_told[WIRE_LOSS_COUNT] = {};
__u64 losses_told_ns = 0;

static __always_inline __u64 at_most(__u64 value, __u64 max)
{
	return value < max ? value : max;
}

static __always_inline __u64 since(__u64 now, __u64 before)
{
	return now > before ? now - before : 0;
}

/*
 * The verifier looks at a function that is not static once, and at the others again for each way that leads to them:
 * with these it is done ten times sooner, while the node boots. Pointers may be NULL by its rules; before 5.12 there were
 * none.
 */
#define VERIFIED_ONCE __noinline

/* The address alone, as these take it. */
static __always_inline __u64 address_of(const void *pointer)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &pointer);
	return address;
}

static __always_inline void count_loss(__u32 cause)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &cause);

	if (count)
		*count += 1;
}

static __always_inline void know(__u64 id, const struct known *entry)
{
	if (!put(&known, place_of(known_places, id), &id, entry))
		count_loss(WIRE_LOSS_TABLE_FULL);
}

static __always_inline void forget(__u64 id)
{
	take(&known, place_of(known_places, id), &id);
}

static __always_inline void track(__u32 pid, const struct tracked *entry)
{
	if (!put(&tracked, place_of(tracked_places, pid), &pid, entry))
		count_loss(WIRE_LOSS_TABLE_FULL);
}

/* Returns false if it was not: of two that see the same process, one has its end. */
static __always_inline bool untrack(__u32 pid)
{
	return take(&tracked, place_of(tracked_places, pid), &pid);
}

/*
 * Waking the reader costs about as much as everything else together. So it is woken for what people
 * wait for, when a ring fills, and (flags 0, the ring's own rule) for the first record after it
 * had read all: an idle node wakes nobody, and a reader that waits on purpose is not disturbed.
 */
#define WAKE_MARK (64 * 1024)

static __always_inline bool is_filling(void *ring)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= WAKE_MARK;
}

/*
 * Room for what can be missed with less harm than a start or a death: when three quarters of the ring are full, the rest
 * is left for these. What finds none is counted.
 */
static __always_inline bool has_room_for_chatter(void)
{
	__u64 used = bpf_ringbuf_query(&ring_main, BPF_RB_AVAIL_DATA);

	if (used < bpf_ringbuf_query(&ring_main, BPF_RB_RING_SIZE) / 4 * 3)
		return true;
	count_loss(WIRE_LOSS_MAIN_FILLING);
	return false;
}

static __always_inline void submit(void *ring, struct wire_header *record, bool urgent)
{
	if (urgent || is_filling(ring)) {
		record->flags |= WIRE_URGENT;
		__sync_fetch_and_add(&urgent_records, 1);
		bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	} else {
		bpf_ringbuf_submit(record, 0);
	}
}

/*
 * The cgroup that decides whose a task is: the memory controller's where that is on a v1
 * hierarchy, else the one of v2. On v2 subsys[] can be an ancestor (where the controller is
 * enabled); on v1 dfl_cgrp is the root.
 */
static __always_inline struct cgroup *deciding_cgroup(struct task_struct *task)
{
	if (memory_on_v1)
		return BPF_CORE_READ(
			task, cgroups,
			subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)], cgroup);
	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

static __always_inline __u64 cgroup_id_of(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id);
}

static __always_inline struct known *known_of(struct task_struct *task)
{
	return find_known(cgroup_id_of(deciding_cgroup(task)));
}

/*
 * The same for what a tracepoint was handed, five calls cheaper: the verifier knows its type, and that of what it points
 * to, so they are followed by plain loads (a bad pointer reads as 0). What was read by a call has lost its type.
 */
static __always_inline __u64 quick_cgroup_id(struct task_struct *task)
{
	struct css_set *set = task->cgroups;

	if (memory_on_v1)
		return set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]
			->cgroup->kn->id;
	return set->dfl_cgrp->kn->id;
}

static __always_inline struct known *quick_known_of(struct task_struct *task)
{
	return find_known(quick_cgroup_id(task));
}

/* Byte by byte: the verifier takes no wider load from an array of char. */
static __always_inline void quick_comm(struct task_struct *task, __u64 comm[WIRE_COMM / 8])
{
	volatile char *to = (volatile char *)comm;

#pragma unroll
	for (int i = 0; i < WIRE_COMM; i++)
		to[i] = task->comm[i];
}

/* Its parent is not in a container: a runtime put it there; no process inside can pose as that. */
static __always_inline bool comes_from_outside(struct task_struct *task)
{
	return !known_of(BPF_CORE_READ(task, real_parent));
}

/* An exec session: what an exec probe does is not the start's doing. */
static __always_inline bool is_session(const struct known *container, struct task_struct *task)
{
	__u32 pid = BPF_CORE_READ(task, tgid);

	return container->init_pid != pid && comes_from_outside(task);
}

/* The leaf name of the container's cgroup, from a cgroup at or below it. */
static __always_inline void container_name(struct cgroup *cgroup, __u64 container_id,
					   char name[WIRE_NAME])
{
	for (int i = 0; i < 6; i++) {
		if (cgroup_id_of(cgroup) == container_id)
			break;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
		if (!cgroup)
			break;
	}
	if (!cgroup ||
	    bpf_probe_read_kernel_str(name, WIRE_NAME, BPF_CORE_READ(cgroup, kn, name)) < 0)
		name[0] = 0;
}

static __always_inline void fill_header(struct wire_header *header, __u16 type, __u16 size,
					__u32 role, __u64 cgroup_id, struct task_struct *task)
{
	header->type = type;
	header->size = size;
	header->cpu = bpf_get_smp_processor_id();
	header->boot_ns = bpf_ktime_get_boot_ns();
	header->cgroup_id = cgroup_id;
	header->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	header->pid = BPF_CORE_READ(task, tgid);
	header->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	header->role = role;
	header->flags = 0;
	BPF_CORE_READ_STR_INTO(&header->comm, task, group_leader, comm);
}

/* Its process's, as its own pid namespace counts. */
static __always_inline __u32 namespace_pid_of(struct task_struct *task)
{
	struct pid *ids = BPF_CORE_READ(task, group_leader, thread_pid);
	unsigned int level = BPF_CORE_READ(ids, level);
	struct upid upid = {};

	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (char *)ids + bpf_core_field_offset(struct pid, numbers) +
				      (level & 31) * bpf_core_type_size(struct upid));
	return upid.nr;
}
