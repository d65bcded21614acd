/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_stalls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/text.h"

_Static_assert((int)STALL_COUNT == (int)WIRE_STALL_KINDS &&
		       (int)STALL_THROTTLED == (int)WIRE_STALL_THROTTLED &&
		       (int)STALL_OTHER == (int)WIRE_STALL_OTHER,
	       "one order");

static const struct {
	long number;
	enum wire_wait wait;
} calls[] = {
	{SYS_nanosleep, WIRE_WAIT_SLEEP},     {SYS_clock_nanosleep, WIRE_WAIT_SLEEP},
	{SYS_futex, WIRE_WAIT_FUTEX},	      {SYS_flock, WIRE_WAIT_LOCK},
	{SYS_fcntl, WIRE_WAIT_LOCK},	      {SYS_semop, WIRE_WAIT_LOCK},
	{SYS_semtimedop, WIRE_WAIT_LOCK},     {SYS_connect, WIRE_WAIT_NETWORK},
	{SYS_accept, WIRE_WAIT_NETWORK},      {SYS_accept4, WIRE_WAIT_NETWORK},
	{SYS_read, WIRE_WAIT_FILE},	      {SYS_readv, WIRE_WAIT_FILE},
	{SYS_pread64, WIRE_WAIT_FILE},	      {SYS_preadv, WIRE_WAIT_FILE},
	{SYS_write, WIRE_WAIT_FILE},	      {SYS_writev, WIRE_WAIT_FILE},
	{SYS_pwrite64, WIRE_WAIT_FILE},	      {SYS_fsync, WIRE_WAIT_FILE},
	{SYS_fdatasync, WIRE_WAIT_FILE},      {SYS_recvfrom, WIRE_WAIT_FILE},
	{SYS_recvmsg, WIRE_WAIT_FILE},	      {SYS_recvmmsg, WIRE_WAIT_FILE},
	{SYS_sendto, WIRE_WAIT_FILE},	      {SYS_sendmsg, WIRE_WAIT_FILE},
	{SYS_sendmmsg, WIRE_WAIT_FILE},	      {SYS_ppoll, WIRE_WAIT_PPOLL},
	{SYS_pselect6, WIRE_WAIT_PSELECT},    {SYS_epoll_pwait, WIRE_WAIT_EPOLL},
#ifdef SYS_epoll_pwait2
	{SYS_epoll_pwait2, WIRE_WAIT_EPOLL2},
#endif
#ifdef SYS_poll /* not on arm64 */
	{SYS_poll, WIRE_WAIT_POLL},	      {SYS_select, WIRE_WAIT_SELECT},
	{SYS_epoll_wait, WIRE_WAIT_EPOLL},
#endif
};

void kernel_stalls_calls(uint8_t waits[static WIRE_SYSCALLS])
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		waits[calls[i].number] = (uint8_t)calls[i].wait;
}

static uint64_t since(uint64_t now_ns, uint64_t before_ns)
{
	return now_ns > before_ns ? now_ns - before_ns : 0;
}

static enum stall open_stall(const struct wire_thread *thread)
{
	switch (thread->state) {
	case WIRE_THREAD_RUNNING:
		return STALL_CPU;
	case WIRE_THREAD_READY:
		return STALL_RUN_QUEUE;
	default:
		return thread->stall < STALL_COUNT ? (enum stall)thread->stall : STALL_OTHER;
	}
}

void kernel_stalls_add(struct stall_times *times, const struct wire_thread *thread, uint64_t now_ns)
{
	for (int i = 0; i < STALL_COUNT; i++)
		times->ns[i] += thread->ns[i];
	times->ns[open_stall(thread)] += since(now_ns, thread->since_ns);
}

/* The container's progress, with the stretch that goes on. */
static void read_progress(const struct wire_window *window, uint64_t now_ns,
			  uint64_t ret[static WIRE_PROGRESS_KINDS])
{
	uint64_t ns = since(now_ns, window->changed_ns), counts = window->counts;

	memcpy(ret, window->progress, sizeof(window->progress));
	if (counts & 0xfffff)
		ret[WIRE_PROGRESS_CPU] += ns;
	else if (counts >> 20 & 0xfffff)
		ret[WIRE_PROGRESS_RUN_QUEUE] += ns;
	else if (counts >> 40 & 0xfffff)
		ret[WIRE_PROGRESS_DISK] += ns;
}

/* As bpf/stall.bpf.c does when the wait ends. */
static uint64_t share(struct stall_times *path, const struct wire_window *window,
		      const struct wire_thread *thread, uint64_t ns, uint64_t now_ns)
{
	static const enum stall stalls[WIRE_PROGRESS_KINDS] = {
		[WIRE_PROGRESS_CPU] = STALL_CPU,
		[WIRE_PROGRESS_RUN_QUEUE] = STALL_RUN_QUEUE,
		[WIRE_PROGRESS_THROTTLED] = STALL_THROTTLED,
		[WIRE_PROGRESS_DISK] = STALL_DISK,
	};
	uint64_t now[WIRE_PROGRESS_KINDS];

	read_progress(window, now_ns, now);
	for (int i = 0; i < WIRE_PROGRESS_KINDS; i++) {
		uint64_t part = since(now[i], thread->progress[i]);

		if (part > ns)
			part = ns;
		path->ns[stalls[i]] += part;
		ns -= part;
	}
	return ns;
}

struct stall_times kernel_stalls_path(const struct wire_window *window,
				      const struct wire_thread *thread, uint64_t now_ns)
{
	struct stall_times path;
	uint64_t open_ns = since(now_ns, thread->since_ns);

	memcpy(path.ns, thread->way, sizeof(path.ns));
	if (thread->state == WIRE_THREAD_WAITING && thread->shared)
		open_ns = share(&path, window, thread, open_ns, now_ns);
	path.ns[open_stall(thread)] += open_ns;
	return path;
}

void kernel_stalls_event(struct event_stall *stall, const struct wire_window *window,
			 const struct wire_thread *thread, uint64_t now_ns)
{
	stall->path = kernel_stalls_path(window, thread, now_ns);
	memcpy(stall->threads.ns, window->ended_ns, sizeof(stall->threads.ns));
	stall->thread_count = window->threads;
	stall->grade = STALLS_MEASURED;
	if (window->threads_lost) {
		stall->grade = STALLS_PARTIAL;
		snprintf(stall->reason, sizeof(stall->reason),
			 "no room for %" PRIu32 " of %" PRIu32 " threads", window->threads_lost,
			 window->threads);
	}
}
