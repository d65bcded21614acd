// SPDX-License-Identifier: Apache-2.0
#include "model/sentence_death.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"
#include "model/signal_words.h"

/* Who sent what ended a process, or what the kernel found. */
struct ending {
	enum exit_verdict verdict;
	int32_t code, signal, sender_signal;
	uint32_t sender_pid;
	const char *sender_comm;
	uint64_t fault_address;
	int32_t fault_code;
};

static void signal_name(FILE *out, int32_t signal)
{
	char text[SIGNAL_TEXT_SIZE];

	signal_text(signal, text);
	fputs(text, out);
}

static void sender(FILE *out, const struct ending *ending)
{
	if (!ending->sender_pid)
		return;
	fputs(" by ", out);
	text_print_safe(out, ending->sender_comm);
	fprintf(out, " (pid %" PRIu32 ")", ending->sender_pid);
}

static void crashed(FILE *out, const struct ending *ending)
{
	if (ending->sender_signal == SIGABRT) {
		fputs("aborted itself (SIGABRT)", out);
		return;
	}
	if (!ending->signal) {
		fprintf(out, "crashed: exit code %" PRId32, ending->code);
		return;
	}
	fputs("crashed: ", out);
	signal_name(out, ending->signal);
	if (ending->sender_signal == ending->signal && !ending->sender_pid)
		signal_print_fault(out, ending->signal, ending->fault_address, ending->fault_code);
}

static void ended(FILE *out, const struct ending *ending)
{
	switch (ending->verdict) {
	case EXIT_COMPLETED:
		fputs("completed", out);
		break;
	case EXIT_ERROR:
		fprintf(out, "ended with exit code %" PRId32, ending->code);
		break;
	case EXIT_CRASHED:
		crashed(out, ending);
		break;
	case EXIT_OOM_KILLED:
		fputs("killed for memory", out);
		break;
	case EXIT_STOPPED:
		fputs("stopped through the container runtime", out);
		break;
	case EXIT_KILLED:
		fputs("killed from outside with ", out);
		signal_name(out, ending->signal);
		sender(out, ending);
		break;
	case EXIT_SELF_KILLED:
		fputs("killed from inside with ", out);
		signal_name(out, ending->signal);
		sender(out, ending);
		break;
	case EXIT_SIGNALED:
		fputs("ended by ", out);
		signal_name(out, ending->signal);
		fputs(", sender not seen", out);
		break;
	case EXIT_START_FAILED:
		fputs("never started", out);
		break;
	default:
		fputs("is gone; how it ended could not be found", out);
	}
}

/* --- containers ------------------------------------------------------------------------------- */

const char *sentence_stop_cause(enum stop_cause cause)
{
	static const char *const texts[STOP_CAUSE_COUNT] = {
		[STOP_LIVENESS] = "its liveness probe failed",
		[STOP_STARTUP] = "its startup probe failed",
		[STOP_DELETION] = "the pod was deleted",
		[STOP_DRAIN] = "the pod was evicted through the API (drain)",
		[STOP_EVICTION] = "the kubelet evicted the pod",
		[STOP_PREEMPTION] = "a pod of higher priority needed the place",
		[STOP_TAINT] = "the node got a taint that the pod doesn't tolerate",
		[STOP_SHUTDOWN] = "the node shuts down",
		[STOP_DEADLINE] = "its activeDeadlineSeconds were over",
		[STOP_HOOK] = "its postStart hook failed",
		[STOP_CHANGED] = "the pod or its sandbox changed",
		[STOP_GONE] = "the pod is no more, or its static file",
	};

	return cause < STOP_CAUSE_COUNT ? texts[cause] : NULL;
}

/* "stopped, its liveness probe failed: SIGTERM, exit code 143" */
static void stopped(FILE *out, const struct record_exit *exit)
{
	const char *cause = sentence_stop_cause(exit->stop.cause);

	if (cause)
		fprintf(out, "stopped, %s", cause);
	else
		fputs("stopped through the container runtime", out);
	if (exit->stop.term_ns && exit->stop.kill_ns > exit->stop.term_ns)
		fprintf(out, ": SIGKILL %s after SIGTERM",
			text_of_duration(exit->stop.kill_ns - exit->stop.term_ns));
	else if (exit->sender_signal || exit->signal) {
		fputs(": ", out);
		signal_name(out, exit->sender_signal ?: exit->signal);
	}
	if (exit->stop.overran)
		fputs(", its time was up", out);
	fprintf(out, ", exit code %" PRId32, exit->code);
}

void sentence_verdict(FILE *out, const struct record_exit *exit)
{
	struct ending ending = {
		.verdict = exit->verdict,
		.code = exit->code,
		.signal = exit->signal,
		.sender_signal = exit->sender_signal,
		.sender_pid = exit->sender_pid,
		.sender_comm = exit->sender_comm,
		.fault_address = exit->fault_address,
		.fault_code = exit->fault_code,
	};

	if (exit->verdict == EXIT_STOPPED)
		stopped(out, exit);
	else
		ended(out, &ending);
}

void sentence_failed_start(FILE *out, const struct failed_start *failed)
{
	static const char *const texts[START_FAILURE_COUNT] = {
		[FAILURE_NOT_FOUND] = "no such program",
		[FAILURE_PERMISSION] = "no permission to execute",
		[FAILURE_DIRECTORY] = "a directory is no program",
		[FAILURE_FORMAT] = "no program, or of another architecture",
		[FAILURE_INTERPRETER] = "the interpreter is missing",
		[FAILURE_LIBRARY] = "a shared library is missing",
		[FAILURE_READ_ONLY] = "the file system is read-only",
		[FAILURE_MOUNT] = "a mount is not possible",
		[FAILURE_WORKING_DIR] = "the working directory is missing",
		[FAILURE_USER] = "no such user or group in the image",
		[FAILURE_CGROUP] = "its cgroup could not be made",
	};
	const char *text = failed->kind < START_FAILURE_COUNT ? texts[failed->kind] : NULL;
	const char *what = *failed->what ? failed->what : text ? "" : failed->text;

	fputs(text ?: "", out);
	if (text && *what)
		fputs(": ", out);
	text_print_safe(out, what);
}

static void failed_start(FILE *out, const struct record_exit *exit)
{
	const struct failed_start *failed = &exit->failed;
	bool told = failed->kind != FAILURE_NONE &&
		    (failed->kind != FAILURE_OTHER || *failed->what || *failed->text);

	if (told) {
		fputs(": ", out);
		sentence_failed_start(out, failed);
	} else if (exit->verdict == EXIT_START_FAILED && *exit->message) {
		fputs(": ", out);
		text_print_safe(out, exit->message);
	}
}

bool sentence_loop_pattern(FILE *out, const struct crash_loop *loop)
{
	static const char *const texts[LOOP_PATTERN_COUNT] = {
		[LOOP_SAME] = "the same end each time",
		[LOOP_CODE] = "the same end each time",
		[LOOP_GROWING] = "it lives longer each time",
		[LOOP_MIXED] = "by different ends",
	};
	const char *text = loop->pattern < LOOP_PATTERN_COUNT ? texts[loop->pattern] : NULL;

	if (!text)
		return false;
	fputs(text, out);
	if (loop->longest_ns)
		fprintf(out, " after %s", text_of_duration(loop->shortest_ns));
	if (loop->longest_ns > loop->shortest_ns)
		fprintf(out, " to %s", text_of_duration(loop->longest_ns));
	return true;
}

static void crash_loop(FILE *out, const struct record_exit *exit)
{
	if (!exit->looping)
		return;
	fprintf(out, "; crash loop, death %" PRIu32 " in a row", exit->deaths);
	if (exit->loop.pattern == LOOP_NONE)
		return;
	fputs(", ", out);
	sentence_loop_pattern(out, &exit->loop);
}

static void host_evidence(FILE *out, const struct record_exit *exit)
{
	if (!exit->host_count)
		return;
	fprintf(out, "; on the host: %s ", host_fact_name(exit->host[0].fact));
	text_print_safe(out, exit->host[0].resource);
	if (exit->host_count > 1)
		fprintf(out, " and %" PRIu32 " more", exit->host_count - 1);
}

void sentence_exit(FILE *out, const struct record *record)
{
	const struct record_exit *exit = &record->exit;
	uint64_t age = record_duration_ns(record);

	sentence_verdict(out, exit);
	if (exit->core_dumped)
		fputs(", core dumped", out);
	if (age && exit->verdict != EXIT_START_FAILED)
		fprintf(out, " after %s", text_of_duration(age));
	crash_loop(out, exit);
	if (record->subject.attempt)
		fprintf(out, " (restart %" PRIu32 ")", record->subject.attempt);
	failed_start(out, exit);
	if (exit->child_deaths)
		fprintf(out, "; %" PRIu32 " of its children died by a signal before",
			exit->child_deaths);
	host_evidence(out, exit);
	if (exit->kubernetes_wrong && *exit->kubernetes_reason) {
		fputs("; Kubernetes says ", out);
		text_print_safe(out, exit->kubernetes_reason);
		fputs(", which is wrong", out);
	}
}

/* --- children --------------------------------------------------------------------------------- */

void sentence_child(FILE *out, const struct record_child *child)
{
	bool itself = child->sender_pid == child->pid, /* abort() */
		fault = !child->sender_pid && (child->fault_code || child->fault_address);
	struct ending ending = {
		.verdict = child->verdict,
		.code = child->code,
		.signal = child->signal,
		.sender_signal = fault || itself ? child->signal : 0,
		.sender_pid = child->sender_pid,
		.sender_comm = child->sender_comm,
		.fault_address = child->fault_address,
		.fault_code = child->fault_code,
	};

	if (child->verdict == EXIT_VERDICT_NONE)
		ending.verdict = child->signal ? EXIT_SIGNALED : EXIT_ERROR;
	text_print_safe(out, child->comm);
	fprintf(out, " (pid %" PRIu32, child->pid);
	if (*child->parent_comm) {
		fputs(", of ", out);
		text_print_safe(out, child->parent_comm);
	}
	fputs(") ", out);
	ended(out, &ending);
	if (child->core_dumped)
		fputs(", core dumped", out);
	if (child->age_ns)
		fprintf(out, " after %s", text_of_duration(child->age_ns));
	if (child->count > 1)
		fprintf(out, ", %" PRIu32 "x", child->count);
	if (child->interval_ns)
		fprintf(out, ", every %s", text_of_duration(child->interval_ns));
	if (child->container_survived == SURVIVAL_YES)
		fputs(": the container goes on", out);
	else if (child->container_survived == SURVIVAL_NO)
		fputs(": the container ended", out);
}

/* --- the host --------------------------------------------------------------------------------- */

void sentence_host(FILE *out, const struct record_host *host)
{
	fputs(host_fact_name(host->fact), out);
	if (*host->detail) {
		fputs(": ", out);
		text_print_safe(out, host->detail);
	}
	if (host->count > 1)
		fprintf(out, ", %" PRIu32 "x", host->count);
}
