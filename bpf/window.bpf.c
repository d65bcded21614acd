// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The windows in which starts are watched closely, and the filter that keeps the rest of the node out.
 *
 * A window opens here, when an entrypoint is executed, and is closed by the agent. Programs called watch_* are attached
 * only while one is open; they run very often, and ask is_watched() first: it costs a few loads. Nothing in this file may need more than the oldest kernel offers: it is
 * part of the programs that are always attached.
 */
#pragma once

#include "bpf/probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WIRE_WINDOWS_MAX);
	__type(key, __u32);
	__type(value, struct wire_window);
} windows SEC(".maps");

/* Whose each window is: a hash, because only one can make an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_WINDOWS_MAX);
	__type(key, __u32);
	__type(value, __u64); /* the container's cgroup id */
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_THREADS_MAX);
	__type(key, __u32); /* thread id */
	__type(value, struct wire_thread);
} threads SEC(".maps");

/* By the lowest bits of cgroup ids: one that is not 0 may belong to an open window. */
__u8 watched[WIRE_WATCHED] = {};
/* Windows are opened; set by the agent when it can close them. */
__u32 windows_wanted = 0;
__u32 windows_open = 0; /* about: the agent counts them when it closes one */
__u32 starts_seen = 0;
/* The programs that are attached on demand are there since; 0: they are not. */
__u64 attached_ns = 0;

static __always_inline bool is_watched(__u64 cgroup_id)
{
	return watched[cgroup_id & (WIRE_WATCHED - 1)];
}

static __always_inline bool may_watch(void)
{
	__u32 seen = ++starts_seen;

	return windows_open < WIRE_WINDOWS_MANY || seen % 4 == 0;
}

static __always_inline bool is_pause(const char file[WIRE_FILE])
{
	return file[0] == '/' && file[1] == 'p' && file[2] == 'a' && file[3] == 'u' &&
	       file[4] == 's' && file[5] == 'e' && !file[6];
}

/* It would take much of the stack. */
static const struct wire_thread new_thread = {};

static __always_inline struct wire_thread *make_thread(__u32 pid, __u64 container_id, __u32 window,
						       __u64 now_ns)
{
	struct wire_thread *thread;

	if (bpf_map_update_elem(&threads, &pid, &new_thread, BPF_ANY))
		return NULL;
	thread = bpf_map_lookup_elem(&threads, &pid);
	if (thread) {
		thread->container_id = container_id;
		thread->window = window;
		thread->since_ns = now_ns;
		thread->limited = 1; /* until it is looked at */
	}
	return thread;
}

static __always_inline __u32 take_slot(__u64 container_id)
{
	__u32 slot;

	for (slot = 0; slot < WIRE_WINDOWS_MAX; slot++) {
		__u32 key =
			slot; /* older verifiers forget what a helper was shown the address of */

		asm volatile("" : "+r"(slot));
		if (!bpf_map_update_elem(&slots, &key, &container_id, BPF_NOEXIST))
			break;
	}
	return slot;
}

/* The entrypoint was executed by this thread, which runs. */
static __always_inline void open_window(struct task_struct *task, struct known *container,
					__u64 container_id, const char file[WIRE_FILE],
					__u64 now_ns)
{
	__u32 pid = BPF_CORE_READ(task, pid), slot;
	struct wire_window *window;

	if (!windows_wanted || is_pause(file))
		return;
	slot = may_watch() ? take_slot(container_id) : WIRE_WINDOWS_MAX;
	window = bpf_map_lookup_elem(&windows, &slot);
	if (!window) {
		count_loss(WIRE_LOSS_WINDOWS);
		return;
	}
	window->began_ns = window->changed_ns = now_ns;
	window->init_pid = pid;
	window->threads = 1;
	if (make_thread(pid, container_id, slot, now_ns))
		window->counts = 1;
	else
		window->threads_lost = 1;
	window->container_id = container_id;
	container->window = slot + 1;
	__sync_fetch_and_add(&windows_open, 1);
	watched[container_id & (WIRE_WATCHED - 1)] = 1;
}

/* A thread that executes a program takes over its leader's id. */
static __always_inline void follow_exec(struct task_struct *task, __u32 old_pid)
{
	__u32 pid = BPF_CORE_READ(task, pid);
	struct wire_thread *thread;

	if (pid == old_pid)
		return;
	thread = bpf_map_lookup_elem(&threads, &old_pid);
	if (!thread)
		return;
	bpf_map_update_elem(&threads, &pid, thread, BPF_ANY);
	bpf_map_delete_elem(&threads, &old_pid);
}

/*
 * Of the thread that is told of, which therefore runs: if its switch in was not seen (begin_unseen_run() in
 * stall.bpf.c), it does since as long as the scheduler has counted, by its last tick.
 */
static __always_inline void end_ready(struct wire_thread *thread, __u64 now_ns, __u64 ran_ns)
{
	if (thread->state != WIRE_THREAD_READY || !thread->ran_ns || thread->since_ns < attached_ns)
		return;
	__u64 ns = since(now_ns, thread->since_ns);
	__u64 waited = ns - at_most(since(ran_ns, thread->ran_ns), ns);

	thread->way[WIRE_STALL_RUN_QUEUE] += waited;
	thread->ns[WIRE_STALL_RUN_QUEUE] += waited;
	thread->since_ns += waited;
	thread->state = WIRE_THREAD_RUNNING;
}

static __always_inline void tell_stalls(struct task_struct *task, __u64 container_id, bool ended,
					__u64 now_ns)
{
	__u32 pid = BPF_CORE_READ(task, pid);
	struct wire_thread *thread = bpf_map_lookup_elem(&threads, &pid);

	if (!thread || !attached_ns || thread->container_id != container_id)
		return;
	__u32 slot = thread->window;
	struct wire_window *window = bpf_map_lookup_elem(&windows, &slot);

	if (!window || window->container_id != container_id)
		return;
	if (!has_room_for_chatter())
		return;
	struct wire_stall *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return;
	}
	fill_header(&record->header, WIRE_STALL, sizeof(*record), WIRE_ROLE_MEMBER, container_id,
		    task);
	record->header.boot_ns = now_ns;
	container_name(deciding_cgroup(task), container_id, record->container);
	record->thread = *thread;
	end_ready(&record->thread, now_ns, BPF_CORE_READ(task, se.sum_exec_runtime));
	record->window = *window;
	record->ended = ended;
	record->pad = 0;
	submit(&ring_main, &record->header, false);
}
