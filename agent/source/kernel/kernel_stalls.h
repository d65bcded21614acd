/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has counted of a starting container's threads, as of one moment. No I/O. */
#pragma once

#include "bpf/wire.h"
#include "model/event.h"

/* A thread's way until now: what it does at this moment included. Sums to now - the window's beginning. */
struct stall_times kernel_stalls_path(const struct wire_window *window,
				      const struct wire_thread *thread, uint64_t now_ns);

/* Adds what a thread did, and does at this moment: a window's own sums are of threads that have ended. */
void kernel_stalls_add(struct stall_times *times, const struct wire_thread *thread,
		       uint64_t now_ns);

/* What of a start is the same at all its moments: how exact it is, how many threads. */
void kernel_stalls_event(struct event_stall *stall, const struct wire_window *window,
			 const struct wire_thread *thread, uint64_t now_ns);

/* What each system call that may block waits for, by its number (enum wire_wait). */
void kernel_stalls_calls(uint8_t waits[static WIRE_SYSCALLS]);
