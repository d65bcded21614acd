/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/kube_event_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/cause.h"
#include "model/death_advice.h"
#include "model/json.h"
#include "model/sentence.h"
#include "sink/event/kube_boot_note.h"

static void duration(FILE *out, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(ns, text);
	fputs(text, out);
}

static int longest_first(const void *a, const void *b)
{
	uint64_t of_a = span_length(((const struct phase_span *)a)->span);
	uint64_t of_b = span_length(((const struct phase_span *)b)->span);

	return of_a < of_b ? 1 : of_a > of_b ? -1 : 0;
}

static void phase_detail(FILE *out, const struct record_start *start, enum phase phase)
{
	char text[BYTES_TEXT_SIZE];

	if (phase == PHASE_SANDBOX && span_length(start->network)) {
		fputs(" (network ", out);
		duration(out, span_length(start->network));
		fputc(')', out);
	}
	if (phase == PHASE_PULL && start->pull_bytes) {
		text_bytes(start->pull_bytes, text);
		fprintf(out, " (%s)", text);
	}
	if (phase == PHASE_PROBE && start->probe_period_s)
		fprintf(out, " (the probe asks every %us)", start->probe_period_s);
}

/* ". Top cause: pull 61.0s: download 58.0s, 3.9GiB at 69 MB/s. Advice: pull 4.2 GB: pre-pull or mirror" */
static void why(FILE *out, const struct record_start *start)
{
	char cause[CAUSE_SIZE];

	/* without a colon it is the longest phase, which was told first */
	if (start_cause(start, cause) && strstr(cause, ": ")) {
		fputs(". Top cause: ", out);
		text_print_safe(out, cause);
	}
	if (*start->why.advice) {
		fputs(". Advice: ", out);
		text_print_safe(out, start->why.advice);
	}
}

/* "took 1min 34.0s to listen on port 8080: pull 61.0s (3.9GiB), app 24.1s, ...", and why. */
static void start_note(FILE *out, const struct record *record)
{
	const struct record_start *start = &record->start;
	struct phase_span phases[START_PHASES_MAX];
	uint32_t count =
		start->phase_count < START_PHASES_MAX ? start->phase_count : START_PHASES_MAX;
	const char *comma = ": ";

	fputs("took ", out);
	duration(out, record_duration_ns(record));
	if (start->state == START_READY)
		fputs(" from its creation to ready", out);
	else if (start->state == START_LISTENING && start_was_probed(start))
		fprintf(out, " to be ready, listening on port %u", start->listen_port);
	else if (start->state == START_LISTENING)
		fprintf(out, " to listen on port %u", start->listen_port);
	else
		fputs(" to be executed", out);
	memcpy(phases, start->phases, sizeof(phases));
	qsort(phases, count, sizeof(*phases), longest_first);
	for (uint32_t i = 0; i < count && span_length(phases[i].span); i++) {
		if (phases[i].phase == PHASE_WAIT &&
		    span_length(phases[i].span) < record_duration_ns(record) / 20)
			continue;
		fprintf(out, "%s%s ", comma, phase_name(phases[i].phase));
		duration(out, span_length(phases[i].span));
		phase_detail(out, start, phases[i].phase);
		comma = ", ";
	}
	if (record_reconstructed(record))
		fputs(" [reconstructed]", out);
	why(out, start);
}

/* Kubernetes passes on gRPC's wrapping; the cause stands behind the last "desc = ". */
static void wait_note(FILE *out, const struct record_wait *wait)
{
	const char *message = wait->message, *at;

	while ((at = strstr(message, "desc = ")))
		message = at + strlen("desc = ");
	fputs("the image can't be pulled: ", out);
	text_print_safe(out, *message ? message : wait->reason);
}

/* Only with --share-log-lines there are any. */
static void log_note(FILE *out, const struct log_tail *log)
{
	const char *line = log->text;

	while (*line) {
		size_t length = strcspn(line, "\n");
		char text[LOG_TEXT_SIZE];

		text_copy_n(text, sizeof(text), line, length);
		fputs(line == log->text ? "; it wrote last: " : " | ", out);
		text_print_safe(out, text);
		line += length + (line[length] == '\n');
	}
}

static void what_to_do(FILE *out, const struct record *record)
{
	char advice[CAUSE_SIZE];

	if (!death_advice(record->type == RECORD_EXIT ? record : NULL,
			  record->type == RECORD_OOM ? record : NULL,
			  record->type == RECORD_CHILD ? record : NULL, advice))
		return;
	fputs(". Advice: ", out);
	text_print_safe(out, advice);
}

void kube_event_note(const struct record *record, const struct boot_history *earlier,
		     char ret[static KUBE_EVENT_NOTE_SIZE])
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*ret = '\0';
	if (!out)
		return;
	switch (record->type) {
	case RECORD_START:
		start_note(out, record);
		break;
	case RECORD_WAIT:
		wait_note(out, &record->wait);
		break;
	case RECORD_BOOT:
		kube_boot_note(out, &record->boot, earlier);
		break;
	case RECORD_PULL:
		text_print_safe(out, record->pull.image);
		fputs(": ", out);
		sentence_text(out, record);
		break;
	case RECORD_GAP:
		text_print_safe(out, record->gap.source);
		fputs(": ", out);
		sentence_text(out, record);
		break;
	default:
		if (!*record->subject.pod && *record->subject.container_id) {
			sentence_subject(out, record);
			fputs(": ", out);
		}
		sentence_text(out, record);
		if (record->type == RECORD_EXIT)
			log_note(out, &record->exit.log);
		what_to_do(out, record);
	}
	fclose(out);
	text_copy(ret, KUBE_EVENT_NOTE_SIZE, text);
	free(text);
}
