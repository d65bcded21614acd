// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes of a container beside its first one that a signal ends while the container goes on.
 *
 * Exits with a code cost one load more than before, and signals that nobody dies of one look at the handler. What is
 * told: faults and aborts, whoever sent them; SIGKILL and the like from outside, but for the container's runtime;
 * SIGKILL from inside, but for the victim's own and its ancestors'. The rest is how programs end their own workers,
 * or what the end of a pid namespace leaves. A storm is folded: the first of a kind is told, then one record in
 * WIRE_CHILD_INTERVAL_NS, which says how many there were.
 */
#pragma once

#include "bpf/probe.h"

#define HURT_MAX  512
#define ANCESTORS 8

/* ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS */
#define FAULT_MASK                                                                            \
	((1ull << 4) | (1ull << 5) | (1ull << 6) | (1ull << 7) | (1ull << 8) | (1ull << 11) | \
	 (1ull << 24) | (1ull << 25) | (1ull << 31))

#define PF_FORKNOEXEC 0x40u

/* A member that got a signal it will die of. */
struct hurt {
	struct wire_signal last[2]; /* newest first */
	char file[WIRE_COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HURT_MAX);
	__type(key, __u32);
	__type(value, struct hurt);
} hurt SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_CHILDREN_MAX);
	__type(key, struct wire_child_key);
	__type(value, struct wire_children);
} children SEC(".maps");

/* The total that was told of each: the agents' own note, from one to the next. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_CHILDREN_MAX);
	__type(key, struct wire_child_key);
	__type(value, __u32);
} children_told SEC(".maps");

static const struct wire_children no_children = {};
static const struct hurt no_hurt = {};

/* Its own doing, or that of one which it descends from: a supervisor, `timeout`, a shell. */
static __always_inline bool is_family(struct task_struct *sender, struct task_struct *victim)
{
	__u32 pid = BPF_CORE_READ(sender, tgid);

	for (int i = 0; i < ANCESTORS; i++) {
		__u32 tgid = BPF_CORE_READ(victim, tgid);

		if (tgid == pid)
			return true;
		if (tgid <= 1)
			return false;
		victim = BPF_CORE_READ(victim, group_leader, real_parent);
	}
	return false;
}

/* The sender is the container's runtime or shim, as far as these were seen to begin; the agent knows them by name too. */
static __always_inline bool by_runtime(struct task_struct *sender)
{
	__u32 pid = BPF_CORE_READ(sender, tgid);
	struct tracked *process = find_tracked(pid);

	return process && (process->role == WIRE_ROLE_RUNTIME || process->role == WIRE_ROLE_SHIM);
}

/* Base name of its program, unless it has executed none since it was forked. */
static __always_inline void read_program(struct task_struct *task, char file[WIRE_COMM])
{
	if (BPF_CORE_READ(task, group_leader, flags) & PF_FORKNOEXEC)
		return;
	const unsigned char *name = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);

	if (bpf_probe_read_kernel_str(file, WIRE_COMM, name) < 0)
		file[0] = 0;
}

VERIFIED_ONCE int is_housekeeping(__u64 victim)
{
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();

	return is_family(sender, (struct task_struct *)victim) || by_runtime(sender);
}

static __always_inline void note_member(struct task_struct *task, const struct wire_signal *seen)
{
	__u32 pid = BPF_CORE_READ(task, tgid);
	struct hurt *entry = bpf_map_lookup_elem(&hurt, &pid);

	if (!entry) {
		bpf_map_update_elem(&hurt, &pid, &no_hurt, BPF_NOEXIST);
		entry = bpf_map_lookup_elem(&hurt, &pid);
		if (!entry)
			return;
		read_program(task, entry->file);
	}
	if (entry->last[0].signal ==
	    SIGKILL) /* what comes later, such as its namespace's end, decides nothing */
		return;
	entry->last[1] = entry->last[0];
	entry->last[0] = *seen;
}

/* last: its two last signals, NULL if none was seen. */
static __always_inline bool is_news(const struct wire_signal *last, __u32 sig, __u64 container_id)
{
	if (FAULT_MASK & (1ull << (sig & 63)))
		return true;
	if (!last)
		return false;
	const struct wire_signal *seen = &last[0];

	if ((__u32)seen->signal != sig)
		seen = &last[1];
	if ((__u32)seen->signal != sig || seen->from_kernel || seen->family)
		return false;
	return sig == SIGKILL || seen->sender_cgroup_id != container_id;
}

static __always_inline struct wire_children *children_like(const struct wire_child_key *key)
{
	struct wire_children *like = bpf_map_lookup_elem(&children, key);

	if (like)
		return like;
	bpf_map_update_elem(&children, key, &no_children, BPF_NOEXIST); /* or another CPU has */
	like = bpf_map_lookup_elem(&children, key);
	if (!like)
		count_loss(WIRE_LOSS_CHILDREN);
	return like;
}

/* Counts it; false if it is one of a storm, and told with a later one. */
static __always_inline bool count_child(struct wire_children *like, __u32 pid, __u64 now_ns)
{
	if (like->last_pid == pid && now_ns - like->last_ns < WIRE_CHILD_INTERVAL_NS)
		return false; /* two threads both found no other alive */
	like->last_pid = pid;
	like->last_ns = now_ns;
	__sync_fetch_and_add(&like->total, 1);
	return !like->told_ns || now_ns - like->told_ns >= WIRE_CHILD_INTERVAL_NS;
}

static __always_inline void read_child(struct wire_exit *record, struct task_struct *task,
				       const struct hurt *entry)
{
	BPF_CORE_READ_STR_INTO(&record->parent_comm, task, group_leader, real_parent, group_leader,
			       comm);
	if (!entry)
		entry = &no_hurt;
	__builtin_memcpy(record->last, entry->last, sizeof(record->last));
	__builtin_memcpy(record->file, entry->file, sizeof(record->file));
}
