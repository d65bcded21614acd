// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a thread waits for, by the system call that it is in, its arguments and its file descriptor. A part of
 * stall.bpf.c; a syscall tracepoint would slow every call of the machine.
 */
#pragma once

#include "bpf/probe.h"

/* By number: enum wire_wait. Set by the agent, whose headers know the numbers. */
const volatile __u8 syscall_waits[WIRE_SYSCALLS] = {};

struct wait {
	__u64 until_ns;
	__u8 stall, timed_out, shared;
};

static __always_inline __u64 after_ns(__u64 now_ns, __u64 seconds, __u64 ns)
{
	if ((__s64)seconds < 0 || seconds > 1000000000)
		return 0;
	return now_ns + seconds * 1000000000ull + ns;
}

static __always_inline __u64 after_ms(__u64 now_ns, __s32 ms)
{
	return ms < 0 ? 0 : now_ns + (__u64)(__u32)ms * 1000000ull;
}

static __always_inline __u64 after_timespec(__u64 now_ns, __u64 user, __u64 unit_ns)
{
	__u64 time[2];

	if (!user || bpf_probe_read_user(time, sizeof(time), (void *)user))
		return 0;
	return after_ns(now_ns, time[0], time[1] * unit_ns);
}

#define FUTEX_COMMANDS	     0x7f
#define FUTEX_WAIT	     0
#define FUTEX_WAIT_BITSET    9
#define FUTEX_CLOCK_REALTIME 256

/* FUTEX_WAIT's timeout is relative, the others' a time of day or of the monotonic clock. */
static __always_inline __u64 futex_until(struct syscall *call, __u64 now_ns)
{
	__u64 command = call->arguments[1] & FUTEX_COMMANDS;

	if (command == FUTEX_WAIT)
		return after_timespec(now_ns, call->arguments[3], 1);
	if (command != FUTEX_WAIT_BITSET || call->arguments[1] & FUTEX_CLOCK_REALTIME)
		return 0;
	__u64 until = after_timespec(0, call->arguments[3], 1), now = bpf_ktime_get_ns();

	return until ? now_ns + since(until, now) : 0;
}

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define AF_UNIX	 1

static __always_inline struct file *file_of(struct task_struct *task, __u64 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* A local socket's peer is most often of the same pod. */
static __always_inline bool is_remote(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk, __sk_common.skc_family) != AF_UNIX;
}

static __always_inline void wait_for_file(struct wait *wait, struct task_struct *task, __u64 fd)
{
	struct file *file = file_of(task, fd);
	__u16 type = file ? BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT : 0;

	if (type == S_IFSOCK && is_remote(file)) {
		wait->stall = WIRE_STALL_NETWORK;
		wait->shared = 0;
	} else if (type == S_IFREG || type == S_IFBLK) {
		wait->stall = WIRE_STALL_DISK; /* FUSE and network file systems */
		wait->shared = 0;
	}
}

/* poll(2) with a socket: an answer is due, also if it never comes. */
static __always_inline void wait_for_poll(struct wait *wait, struct task_struct *task,
					  struct syscall *call)
{
	struct {
		__s32 fd;
		__u32 events;
	} first;

	if (call->arguments[1] == 0 ||
	    bpf_probe_read_user(&first, sizeof(first), (void *)call->arguments[0])) {
		wait->stall = wait->timed_out = WIRE_STALL_SLEEP;
		wait->shared = 0;
		return;
	}
	struct file *file = file_of(task, (__u32)first.fd);

	if (file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK)
		wait->timed_out = WIRE_STALL_NETWORK;
}

/* The same read of the same file waits for the same thing as the last time. */
static __always_inline void wait_as_before(struct wait *wait, struct wire_thread *thread,
					   struct task_struct *task, struct syscall *call)
{
	__u64 key = call->arguments[0] << 16 | call->number | 1ull << 63;

	if (thread->last_call != key) {
		wait_for_file(wait, task, call->arguments[0]);
		thread->last_call = key;
		thread->last_stall = wait->stall;
		thread->last_shared = wait->shared;
	}
	wait->stall = thread->last_stall;
	wait->shared = thread->last_shared;
}

static __always_inline void wait_in_call(struct wait *wait, struct wire_thread *thread,
					 struct task_struct *task, struct syscall *call,
					 __u64 now_ns)
{
	switch (syscall_waits[call->number & (WIRE_SYSCALLS - 1)]) {
	case WIRE_WAIT_SLEEP:
		wait->stall = WIRE_STALL_SLEEP;
		wait->shared = 0;
		return;
	case WIRE_WAIT_LOCK:
		wait->stall = WIRE_STALL_LOCK;
		return;
	case WIRE_WAIT_FUTEX:
		wait->stall = WIRE_STALL_LOCK;
		wait->until_ns = futex_until(call, now_ns);
		return;
	case WIRE_WAIT_NETWORK:
		wait->stall = WIRE_STALL_NETWORK;
		wait->shared = 0;
		return;
	case WIRE_WAIT_FILE:
		wait_as_before(wait, thread, task, call);
		return;
	case WIRE_WAIT_POLL:
		wait->until_ns = after_ms(now_ns, (__s32)call->arguments[2]);
		break;
	case WIRE_WAIT_PPOLL:
		wait->until_ns = after_timespec(now_ns, call->arguments[2], 1);
		break;
	case WIRE_WAIT_SELECT:
		wait->until_ns = after_timespec(now_ns, call->arguments[4], 1000);
		break;
	case WIRE_WAIT_PSELECT:
		wait->until_ns = after_timespec(now_ns, call->arguments[4], 1);
		break;
	case WIRE_WAIT_EPOLL:
		wait->until_ns = after_ms(now_ns, (__s32)call->arguments[3]);
		break;
	case WIRE_WAIT_EPOLL2:
		wait->until_ns = after_timespec(now_ns, call->arguments[3], 1);
		break;
	default:
		return;
	}
	wait->stall = WIRE_STALL_NETWORK;
	if (syscall_waits[call->number & (WIRE_SYSCALLS - 1)] == WIRE_WAIT_POLL ||
	    syscall_waits[call->number & (WIRE_SYSCALLS - 1)] == WIRE_WAIT_PPOLL)
		wait_for_poll(wait, task, call);
}
