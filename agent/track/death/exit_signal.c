// SPDX-License-Identifier: Apache-2.0
#include "track/death/exit_signal.h"

#include <signal.h>
#include <string.h>

#include "track/death/stop_signals.h"

#define SIGNALS_KEPT 2

bool signal_is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGTRAP || signal == SIGSYS || signal == SIGABRT;
}

bool signal_is_private(const struct signal_seen *seen)
{
	return seen->from_kernel && !seen->code;
}

const struct signal_seen *exit_explaining(const struct event_exit *exit)
{
	const struct signal_seen *found = NULL;

	for (int i = 0; i < SIGNALS_KEPT; i++) {
		const struct signal_seen *seen = &exit->last[i];

		if (seen->signal == SIGABRT && seen->ignored && exit->signal == SIGSEGV &&
		    seen->sender.pid == exit->who.pid)
			return seen;
		if (!seen->signal || seen->ignored || found)
			continue;
		if (exit->signal ? seen->signal == exit->signal : !seen->from_kernel)
			found = seen;
	}
	return found;
}

enum exit_verdict exit_by_signal(const struct containers *all, const struct event_exit *exit,
				 const struct signal_seen *seen, uint64_t own_cgroup_id)
{
	bool own = seen && seen->sender.pid == exit->who.pid;

	if (signal_is_fault(exit->signal) && (!seen || seen->from_kernel || own))
		return EXIT_CRASHED;
	if (!seen || (!seen->sender.pid && !*seen->sender_comm))
		return EXIT_SIGNALED;
	if (stop_sent_by_runtime(all, seen))
		return EXIT_STOPPED;
	return seen->sender_cgroup_id == own_cgroup_id ? EXIT_SELF_KILLED : EXIT_KILLED;
}

const struct signal_seen *exit_fault(const struct event_exit *exit)
{
	for (int i = 0; i < SIGNALS_KEPT; i++)
		if (exit->last[i].from_kernel && exit->last[i].code > 0 &&
		    signal_is_fault(exit->last[i].signal))
			return &exit->last[i];
	return NULL;
}
