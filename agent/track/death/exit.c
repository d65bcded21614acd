/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/exit.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "model/failed_start.h"
#include "track/death/exit_signal.h"
#include "track/death/exit_word.h"
#include "track/death/stop_signals.h"

/* containerd's exit code for a container whose start failed; CRI calls the reason StartError. */
#define START_FAILED_CODE 128

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

/* The fault, and who sent the signal: nobody did of a fault. */
static void add_signal(const struct container *container, const struct signal_seen *seen,
		       struct record_exit *ret)
{
	const struct signal_seen *fault = exit_fault(&container->exit);

	if (fault && (ret->signal == fault->signal || ret->verdict == EXIT_CRASHED)) {
		ret->fault_address = fault->address;
		ret->fault_code = fault->code;
	}
	if (!seen)
		return;
	ret->sender_signal = seen->signal;
	/* of an OOM kill it is who allocated: the kill's own record tells */
	if (seen->from_kernel &&
	    (!signal_is_private(seen) || container->oom_victim || container->exit.oom_victim))
		return;
	ret->sender_pid = seen->sender.pid;
	TEXT_COPY(ret->sender_comm, seen->sender_comm);
	ret->sender_inside = seen->sender_cgroup_id == container->cgroup_id;
}

/* 128 + signal, as everybody counts it. */
static int kernel_code(const struct container *container)
{
	return container->exit.signal ? 128 + container->exit.signal : container->exit.code;
}

static int cri_code(const struct container *container)
{
	if (container->task_exit_seen)
		return (int)container->task_exit_status;
	if (container->state == CONTAINER_EXITED)
		return container->cri_exit_code;
	return kernel_code(container);
}

static const char *cri_message(const struct container *container)
{
	return container->cri_message ? container->cri_message : "";
}

/*
 * A loader complains in a program that was executed, and ends it; one that listened had been loaded: what its log ends
 * in is about another. Of one that was not executed, the log or else the runtime says why.
 */
static void add_failure(const struct container *container, struct record_exit *ret)
{
	const struct failed_start *told = &container->failed;

	if (told->kind != FAILURE_NONE &&
	    (ret->verdict == EXIT_START_FAILED ||
	     (told->kind == FAILURE_LIBRARY && ret->verdict == EXIT_ERROR && !ret->listen_ns)))
		ret->failed = *told;
	else if (ret->verdict == EXIT_START_FAILED)
		failed_start_of_message(cri_message(container), &ret->failed);
}

static enum exit_verdict by_kernel(const struct containers *all, const struct container *container,
				   const struct signal_seen *seen)
{
	const struct event_exit *exit = &container->exit;

	bool for_memory =
		container->killer_pid
			? seen && seen->sender.pid == container->killer_pid
			: exit->signal == SIGKILL && (exit->oom_victim || container->oom_victim);

	if (for_memory)
		return EXIT_OOM_KILLED;
	if (exit->signal)
		return exit_by_signal(all, exit, seen, container->cgroup_id);
	if (seen && exit->code != 0 && stop_sent_by_runtime(all, seen))
		return EXIT_STOPPED; /* its own way to end on SIGTERM */
	return by_code(exit->code);
}

static void judge(const struct containers *all, const struct container *container,
		  struct record_exit *ret)
{
	if (exit_never_started(container)) {
		ret->verdict = EXIT_START_FAILED;
		if (!container->task_exit_seen && container->state != CONTAINER_EXITED)
			ret->code = START_FAILED_CODE;
	} else if (container->exit_seen) {
		const struct signal_seen *seen = exit_explaining(&container->exit);

		ret->signal = container->exit.signal;
		ret->core_dumped = container->exit.core_dumped;
		ret->verdict = by_kernel(all, container, seen);
		add_signal(container, seen, ret);
	} else if (container->task_exit_seen || container->state == CONTAINER_EXITED) {
		ret->verdict = by_cri(container, ret->code);
		ret->reconstructed = !container->task_exit_seen;
	} else {
		ret->verdict = EXIT_LOST;
		ret->reconstructed = true;
		ret->finished_ns = container->gone_ns;
	}
}

/* What others say of it, and whether that can be. */
static void add_words(const struct container *container, struct record_exit *ret)
{
	int code = kernel_code(container);

	TEXT_COPY(ret->reason, container->cri_reason);
	TEXT_COPY(ret->message, cri_message(container));
	TEXT_COPY(ret->kubernetes_reason, container->kubernetes_reason);
	ret->kubernetes_code = container->kubernetes_code;
	ret->cri_wrong = exit_word_wrong(ret, code, ret->reason, container->cri_exit_code);
	ret->kubernetes_wrong =
		exit_word_wrong(ret, code, ret->kubernetes_reason, ret->kubernetes_code);
}

void exit_build(const struct containers *all, const struct container *container,
		struct record_exit *ret)
{
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
		.listen_ns = container->listen_ns,
		.listen_port = container->listen_port,
		.child_deaths = container->child_deaths,
	};

	TEXT_COPY(record.comm, container->exit.comm);
	TEXT_COPY(record.file, *container->last_file ? container->last_file : container->file);
	judge(all, container, &record);
	if (container->core)
		TEXT_COPY(record.core, container->core);
	if (container->log) {
		record.log.lines = container->log_lines;
		TEXT_COPY(record.log.text, container->log);
	}
	add_failure(container, &record);
	stop_signals(all, container, &record.stop);
	add_words(container, &record);
	*ret = record;
}
