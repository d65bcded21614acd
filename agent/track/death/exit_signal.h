/* SPDX-License-Identifier: Apache-2.0 */
/* What the signals that were sent to a process say of its end. */
#pragma once

#include "track/container.h"

/* A fault, an abort, or a call that a filter forbids: what no process does on purpose. */
bool signal_is_fault(int signal);

/*
 * By the kernel, without a reason of its own: SIGKILL to what is left of a pid namespace whose first process ended
 * (zap_pid_ns_processes), and to an OOM victim. The sender is who ran then: that first process, or who allocated.
 */
bool signal_is_private(const struct signal_seen *seen);

/*
 * The signal that explains the end. For a death by signal: the one of that number. A process that handles SIGTERM
 * ends by itself: then the last that was sent to it. Ignored signals explain nothing, but for SIGABRT: abort() in
 * pid 1 raises it in vain and goes on to a fault instruction. NULL: none was seen.
 */
const struct signal_seen *exit_explaining(const struct event_exit *exit);

/* The verdict on a process that a signal ended; seen explains it, or NULL. */
enum exit_verdict exit_by_signal(const struct containers *all, const struct event_exit *exit,
				 const struct signal_seen *seen, uint64_t own_cgroup_id);

/* The fault itself, be it that the end was by another signal; NULL: there was none. */
const struct signal_seen *exit_fault(const struct event_exit *exit);
