/* SPDX-License-Identifier: Apache-2.0 */
#include "track/exit.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "track/stop_signals.h"

/* containerd's exit code for a container whose start failed; CRI calls the reason StartError. */
#define START_FAILED_CODE 128

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGTRAP || signal == SIGSYS || signal == SIGABRT;
}

/*
 * The signal that explains the end. For a death by signal: the one of that number. A process that
 * handles SIGTERM ends by itself: then the last that was sent to it. Ignored signals explain
 * nothing, but for SIGABRT: abort() in pid 1 raises it in vain and goes on to a fault instruction.
 */
static const struct signal_seen *explaining(const struct event_exit *exit)
{
	const struct signal_seen *found = NULL;

	for (int i = 0; i < 2; i++) {
		const struct signal_seen *seen = &exit->last[i];

		if (seen->signal == SIGABRT && seen->ignored && exit->signal == SIGSEGV)
			return seen;
		if (!seen->signal || seen->ignored || found)
			continue;
		if (exit->signal ? seen->signal == exit->signal : !seen->from_kernel)
			found = seen;
	}
	return found;
}

static enum exit_verdict by_signal(const struct containers *all, const struct container *container,
				   const struct signal_seen *seen)
{
	const struct event_exit *exit = &container->exit;
	bool own = seen && seen->sender.pid == exit->who.pid;

	if (is_fault(exit->signal) &&
	    (!seen || seen->from_kernel || own || seen->signal == SIGABRT))
		return EXIT_CRASHED;
	if (!seen || (!seen->sender.pid && !*seen->sender_comm))
		return EXIT_SIGNALED;
	if (stop_sent_by_runtime(all, seen))
		return EXIT_STOPPED;
	return seen->sender_cgroup_id == container->cgroup_id ? EXIT_SELF_KILLED : EXIT_KILLED;
}

static enum exit_verdict by_code(int code)
{
	return code == 0 ? EXIT_COMPLETED : EXIT_ERROR;
}

/* What CRI tells alone: it knows a code above 128, not whether that was a signal, nor its sender. */
static enum exit_verdict by_cri(const struct container *container, int code)
{
	if (strcmp(container->cri_reason, "OOMKilled") == 0)
		return EXIT_OOM_KILLED;
	if (strcmp(container->cri_reason, "StartError") == 0)
		return EXIT_START_FAILED;
	/* containerd 1.6 on finding a task gone after a restart: exit code 255, reason Unknown */
	if (strcmp(container->cri_reason, "Unknown") == 0)
		return EXIT_LOST;
	return by_code(code);
}

bool exit_never_started(const struct container *container)
{
	if (container->exec_ns)
		return false;
	return container->runtime_failed_ns ||
	       (container->live && (container->task_exit_seen || container->exit_seen)) ||
	       (container->state == CONTAINER_EXITED &&
		(strcmp(container->cri_reason, "StartError") == 0 ||
		 (container->live && container->cri_exit_code == START_FAILED_CODE)));
}

static void add_sender(const struct container *container, const struct signal_seen *seen,
		       struct record_exit *ret)
{
	if (!seen)
		return;
	ret->sender_signal = seen->signal;
	if (seen->from_kernel) {
		ret->fault_address = seen->address;
		return;
	}
	ret->sender_pid = seen->sender.pid;
	TEXT_COPY(ret->sender_comm, seen->sender_comm);
	ret->sender_inside = seen->sender_cgroup_id == container->cgroup_id;
}

static int cri_code(const struct container *container)
{
	if (container->task_exit_seen)
		return (int)container->task_exit_status;
	if (container->state == CONTAINER_EXITED)
		return container->cri_exit_code;
	return container->exit.signal ? 128 + container->exit.signal : container->exit.code;
}

/* A program that listened had been loaded: what its log ends in is about another one. */
static void add_failed_start(const struct container *container, struct record_exit *ret)
{
	if (container->failed.kind != FAILURE_LIBRARY || !container->listen_ns)
		ret->failed = container->failed;
}

void exit_build(const struct containers *all, const struct container *container,
		struct record_exit *ret)
{
	const struct event_exit *exit = &container->exit;
	struct record_exit record = {
		.code = cri_code(container),
		.started_ns = container->exec_ns ? container->exec_ns : container->cri_started_ns,
		.finished_ns = container->task_exited_ns    ? container->task_exited_ns
			       : container->cri_finished_ns ? container->cri_finished_ns
			       : container->exit_ns	    ? container->exit_ns
							    : container->runtime_failed_ns,
		.kernel_ns = container->exit_ns,
		.pid = container->init.pid,
		.deaths = container->deaths,
		.looping = container->looping,
	};

	TEXT_COPY(record.reason, container->cri_reason);
	TEXT_COPY(record.message, container->cri_message);
	TEXT_COPY(record.comm, exit->comm);
	add_failed_start(container, &record);
	if (container->log)
		record.log = *container->log;
	TEXT_COPY(record.kubernetes_reason, container->kubernetes_reason);
	record.kubernetes_code = container->kubernetes_code;
	stop_signals(all, container, &record.stop);
	if (exit_never_started(container)) {
		record.verdict = EXIT_START_FAILED;
		if (!container->task_exit_seen && container->state != CONTAINER_EXITED)
			record.code = START_FAILED_CODE;
	} else if (container->exit_seen) {
		const struct signal_seen *seen = explaining(exit);

		record.signal = exit->signal;
		record.core_dumped = exit->core_dumped;
		add_sender(container, seen, &record);
		bool killed_for_memory =
			container->killer_pid ? seen && seen->sender.pid == container->killer_pid
					      : exit->signal == SIGKILL &&
							(exit->oom_victim || container->oom_victim);

		if (killed_for_memory)
			record.verdict = EXIT_OOM_KILLED;
		else if (exit->signal)
			record.verdict = by_signal(all, container, seen);
		else if (seen && exit->code != 0 && stop_sent_by_runtime(all, seen))
			record.verdict = EXIT_STOPPED; /* its own way to end on SIGTERM */
		else
			record.verdict = by_code(exit->code);
	} else if (container->task_exit_seen || container->state == CONTAINER_EXITED) {
		record.verdict = by_cri(container, record.code);
		record.reconstructed = !container->task_exit_seen;
	} else {
		record.verdict = EXIT_LOST;
		record.reconstructed = true;
		record.finished_ns = container->gone_ns;
	}
	*ret = record;
}
