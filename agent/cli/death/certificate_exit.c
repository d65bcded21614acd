// SPDX-License-Identifier: Apache-2.0
/* The rows of a container's end. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/death/certificate.h"
#include "model/json.h"
#include "model/sentence_death.h"
#include "model/signal_words.h"

static void quoted(FILE *out, const char *text)
{
	fputc('"', out);
	text_print_safe(out, text);
	fputc('"', out);
}

static void process(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	if (!exit->pid)
		return;
	text_print_safe(out, *exit->comm ? exit->comm : "its first process");
	fprintf(out, " (pid %" PRIu32 ")", exit->pid);
	if (*exit->file) {
		fputs(", last executed ", out);
		text_print_safe(out, exit->file);
	}
}

static void lived(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	if (!exit->started_ns || exit->verdict == EXIT_START_FAILED)
		return;
	fputs("from ", out);
	certificate_time(out, death, exit->started_ns);
	if (exit->listen_ns >= exit->started_ns)
		fprintf(out, ", listened on port %u after %s", exit->listen_port,
			text_of_duration(exit->listen_ns - exit->started_ns));
	else if (exit->kernel_ns) /* else nobody watched */
		fputs(", never listened", out);
}

static void sent_by(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;
	char name[SIGNAL_TEXT_SIZE];

	if (!exit->sender_signal)
		return;
	signal_text(exit->sender_signal, name);
	fputs(name, out);
	if (!exit->sender_pid) {
		fputs(exit->verdict == EXIT_CRASHED ? " by the kernel: a fault of the process"
						    : " by the kernel",
		      out);
		return;
	}
	fputs(" by ", out);
	text_print_safe(out, exit->sender_comm);
	fprintf(out, " (pid %" PRIu32 ")", exit->sender_pid);
	if (exit->verdict == EXIT_STOPPED)
		fputs(", the container runtime", out);
	else if (exit->sender_pid == exit->pid)
		fputs(", itself", out);
	else
		fputs(exit->sender_inside ? ", in the container" : ", outside of the container",
		      out);
}

static void stop_cause(FILE *out, const struct death *death)
{
	const struct stop *stop = &death->exit->exit.stop;
	const char *cause = sentence_stop_cause(stop->cause);

	if (cause)
		fputs(cause, out);
	else if (death->exit->exit.verdict == EXIT_STOPPED && !*stop->told)
		fputs("why is not known: Kubernetes did not tell", out);
	if (*stop->told) {
		fputs(cause ? ": " : "Kubernetes said: ", out);
		quoted(out, stop->told);
	}
}

static void stop_times(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;
	const struct stop *stop = &exit->stop;
	uint64_t ended_ns = exit->kernel_ns ?: exit->finished_ns;

	if (!stop->term_ns)
		return;
	fputs("SIGTERM ", out);
	certificate_time(out, death, stop->term_ns);
	if (stop->kill_ns > stop->term_ns)
		fprintf(out, ", SIGKILL %s later", text_of_duration(stop->kill_ns - stop->term_ns));
	else if (ended_ns > stop->term_ns)
		fprintf(out, ", it ended %s later", text_of_duration(ended_ns - stop->term_ns));
	if (stop->grace_s)
		fprintf(out, ", of %" PRIu32 "s", stop->grace_s);
	if (stop->hook_ns)
		fprintf(out, ", its preStop hook took %s", text_of_duration(stop->hook_ns));
	if (stop->overran)
		fputs(": its time was up", out);
}

static void start_failure(FILE *out, const struct death *death)
{
	const struct failed_start *failed = &death->exit->exit.failed;

	if (failed->kind == FAILURE_NONE)
		return;
	sentence_failed_start(out, failed);
	if (*failed->text && failed->kind != FAILURE_OTHER) {
		certificate_next_line(out);
		quoted(out, failed->text);
	}
}

static void core(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	if (!exit->core_dumped)
		return;
	if (*exit->core == '|')
		fputs("given to ", out);
	text_print_safe(out, *exit->core ? exit->core + (*exit->core == '|')
					 : "dumped; where is not known");
}

static void loop(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;
	const struct crash_loop *loop = &exit->loop;

	if (!exit->looping && exit->deaths < 2)
		return;
	fprintf(out, "%sdeath %" PRIu32 " in a row", exit->looping ? "crash loop, " : "",
		exit->deaths);
	if (loop->pattern != LOOP_NONE) {
		fputs("; ", out);
		sentence_loop_pattern(out, loop);
	}
	if (loop->first_ns) {
		fputs("; the first at ", out);
		certificate_time(out, death, loop->first_ns);
		fputs(*loop->first ? ": " : "", out);
		text_print_safe(out, loop->first);
	}
	if (loop->retry_ns) {
		fputs("; the next try at ", out);
		certificate_time(out, death, loop->retry_ns);
	}
}

static void children(FILE *out, const struct death *death)
{
	if (death->exit->exit.child_deaths)
		fprintf(out, "%" PRIu32 " died by a signal before", death->exit->exit.child_deaths);
}

static void host(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	for (uint32_t i = 0; i < exit->host_count && i < HOST_EVIDENCE_MAX; i++) {
		if (i)
			certificate_next_line(out);
		certificate_time(out, death, exit->host[i].boot_ns);
		fprintf(out, " %s ", host_fact_name(exit->host[i].fact));
		text_print_safe(out, exit->host[i].resource);
		fputs(*exit->host[i].detail ? ": " : "", out);
		text_print_safe(out, exit->host[i].detail);
	}
}

/* The kernel's fact in two words, beside what others say. */
static void fact(FILE *out, const struct record_exit *exit)
{
	char name[SIGNAL_TEXT_SIZE];

	fputs(": wrong, it was ", out);
	if (exit->verdict == EXIT_OOM_KILLED) {
		fputs("killed for memory", out);
	} else if (exit->signal) {
		signal_text(exit->signal, name);
		fputs(name, out);
	} else {
		fprintf(out, "%s", exit_verdict_name(exit->verdict));
	}
}

static void cri(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	if (!*exit->reason && !*exit->message)
		return;
	text_print_safe(out, *exit->reason ? exit->reason : "no reason");
	fprintf(out, ", exit code %" PRId32, exit->code);
	if (exit->cri_wrong)
		fact(out, exit);
	if (*exit->message) {
		certificate_next_line(out);
		quoted(out, exit->message);
	}
}

static void kubernetes(FILE *out, const struct death *death)
{
	const struct record_exit *exit = &death->exit->exit;

	if (!*exit->kubernetes_reason)
		return;
	text_print_safe(out, exit->kubernetes_reason);
	fprintf(out, ", exit code %" PRId32, exit->kubernetes_code);
	if (exit->kubernetes_wrong)
		fact(out, exit);
}

/* Raw, lines end in \n: each is made safe on its own. */
static void log_lines(FILE *out, const struct death *death)
{
	const struct log_tail *log = &death->exit->exit.log;
	const char *at = log->text;

	while (*at) {
		char line[LOG_TEXT_SIZE];
		size_t length = strcspn(at, "\n");

		text_copy_n(line, sizeof(line), at, length);
		if (at != log->text)
			certificate_next_line(out);
		fputs("| ", out);
		text_print_safe(out, line);
		at += length + (at[length] == '\n');
	}
}

const struct certificate_row certificate_exit_rows[] = {
	{"missing", start_failure},
	{"process", process},
	{"lived", lived},
	{"sent", sent_by},
	{"stopped", stop_cause},
	{"timing", stop_times},
	{"core", core},
	{"children", children},
	{"loop", loop},
	{"host", host},
	{"CRI", cri},
	{"Kubernetes", kubernetes},
	{"log", log_lines},
	{NULL, NULL},
};
