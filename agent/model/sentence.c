/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sentence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/cause.h"
#include "model/json.h"
#include "model/sentence_boot.h"
#include "model/sentence_death.h"
#include "model/sentence_oom.h"
#include "model/sentence_pull.h"

#define SUBJECT_WIDTH 32

bool sentence_colour(FILE *out)
{
	const char *off = getenv("NO_COLOR");

	return isatty(fileno(out)) && (!off || !*off);
}

static void phase_detail(FILE *out, const struct record_start *start, enum phase phase)
{
	if (phase == PHASE_SANDBOX && span_length(start->network))
		fprintf(out, " (network %s)", text_of_duration(span_length(start->network)));
	if (phase == PHASE_PULL && start->pull_bytes)
		fprintf(out, " (%s)", text_of_bytes(start->pull_bytes));
}

/* "sandbox 1.1s (network 1.0s), create 20ms, runtime 70ms, app 1.0s" */
static void phases(FILE *out, const struct record_start *start)
{
	const char *comma = ": ";

	for (uint32_t i = 0; i < start->phase_count; i++) {
		const struct phase_span *span = &start->phases[i];

		if (span->phase == PHASE_WAIT &&
		    span_length(span->span) < span_length(start->span) / 20)
			continue;
		fprintf(out, "%s%s %s", comma, phase_name(span->phase),
			text_of_duration(span_length(span->span)));
		phase_detail(out, start, span->phase);
		comma = ", ";
	}
}

/* "; app: disk 22.1s, read llama-7b.gguf 3.8GiB at 174 MB/s": where that is worth a second */
static void top_cause(FILE *out, const struct record_start *start)
{
	char text[CAUSE_SIZE];
	const char *colon;

	if (start_cause(start, text) < NS_PER_SECOND || !(colon = strstr(text, ": ")))
		return;
	fprintf(out, "; %.*s", (int)strcspn(text, " "), text);
	text_print_safe(out, colon);
}

static void start_text(FILE *out, const struct record *record)
{
	const struct record_start *start = &record->start;

	switch (start->state) {
	case START_LISTENING:
		if (start_was_probed(start))
			fprintf(out, "ready after %s, listening on port %u",
				text_of_duration(span_length(start->span)), start->listen_port);
		else
			fprintf(out, "listening on port %u after %s", start->listen_port,
				text_of_duration(span_length(start->span)));
		break;
	case START_FAILED:
		fprintf(out, "failed to start after %s",
			text_of_duration(span_length(start->span)));
		break;
	case START_EXITED:
		fprintf(out, "executed after %s, ended",
			text_of_duration(span_length(start->span)));
		break;
	case START_READY:
		fprintf(out, "ready after %s", text_of_duration(span_length(start->span)));
		break;
	case START_SILENT:
		fprintf(out, "executed after %s, runs without listening",
			text_of_duration(span_length(start->span)));
		break;
	default:
		fprintf(out, "executed after %s", text_of_duration(span_length(start->span)));
	}
	if (start->init_container)
		fputs(" (init container)", out);
	phases(out, start);
	top_cause(out, start);
}

static void gap_text(FILE *out, const struct record *record)
{
	const struct record_gap *gap = &record->gap;

	text_print_safe(out, gap->cause);
	if (span_length(gap->span))
		fprintf(out, " for %s", text_of_duration(span_length(gap->span)));
	if (gap->count)
		fprintf(out, ", %" PRIu64 " lost", gap->count);
}

static void wait_text(FILE *out, const struct record *record)
{
	const struct record_wait *wait = &record->wait;

	fputs(wait->over ? "waited" : "waits", out);
	if (span_length(wait->span))
		fprintf(out, " %s", text_of_duration(span_length(wait->span)));
	fputs(": ", out);
	text_print_safe(out, wait->reason);
	if (wait->count > 1)
		fprintf(out, " %" PRIu32 "x", wait->count);
	if (!wait->over && wait->next_retry_ns) {
		char time[WALL_TEXT_SIZE];

		clock_wall_text((int64_t)wait->next_retry_ns + record->wall_offset_ns, 0, time);
		fprintf(out, ", next try at %s", time + strlen("2026-11-23T"));
	}
	if (*wait->message) {
		fputs(": ", out);
		text_print_safe(out, wait->message);
	}
}

void sentence_text(FILE *out, const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		start_text(out, record);
		break;
	case RECORD_OOM:
		sentence_oom(out, record);
		break;
	case RECORD_EXIT:
		sentence_exit(out, record);
		break;
	case RECORD_PULL:
		sentence_pull(out, record);
		break;
	case RECORD_GAP:
		gap_text(out, record);
		break;
	case RECORD_WAIT:
		wait_text(out, record);
		break;
	case RECORD_BOOT:
		sentence_boot(out, &record->boot);
		break;
	case RECORD_UNIT:
		sentence_unit(out, &record->unit);
		break;
	case RECORD_CHILD:
		sentence_child(out, &record->child);
		break;
	case RECORD_HOST:
		sentence_host(out, &record->host);
		break;
	default:
		break;
	}
	if (record_reconstructed(record))
		fputs(" [reconstructed]", out);
}

void sentence_subject(FILE *out, const struct record *record)
{
	const struct subject *subject = &record->subject;

	if (*subject->pod) {
		text_print_safe(out, subject->pod_namespace);
		fputc('/', out);
		text_print_safe(out, subject->pod);
		if (*subject->container) {
			fputc('/', out);
			text_print_safe(out, subject->container);
		}
	} else if (*subject->container_id) {
		char id[13]; /* as much of it as people use */

		TEXT_COPY(id, subject->container_id);
		fputs("container ", out);
		text_print_safe(out, id);
	} else if (record->type == RECORD_PULL) {
		text_print_safe(out, *record->pull.image ? record->pull.image : "an image");
	} else if (record->type == RECORD_GAP) {
		text_print_safe(out, record->gap.source);
	} else if (record->type == RECORD_UNIT) {
		text_print_safe(out, record->unit.name);
	} else if (record->type == RECORD_HOST) {
		text_print_safe(out, record->host.resource);
	} else {
		fputs("node", out);
	}
}

static const char *colour_of(const struct record *record)
{
	switch (record->type) {
	case RECORD_OOM:
		return "\033[31m";
	case RECORD_EXIT:
		return record->exit.verdict == EXIT_COMPLETED ||
				       record->exit.verdict == EXIT_STOPPED
			       ? "\033[2m"
			       : "\033[33m";
	case RECORD_BOOT:
		return record->boot.state == BOOT_NOT_RECOVERED ? "\033[31m" : "\033[32m";
	case RECORD_CHILD:
	case RECORD_HOST:
		return "\033[33m";
	case RECORD_UNIT:
		return *record->unit.result ? "\033[33m" : "\033[2m";
	case RECORD_START:
		return "\033[32m";
	case RECORD_GAP:
		return "\033[35m";
	default:
		return "\033[36m";
	}
}

void sentence_line(FILE *out, const struct record *record, bool colour)
{
	char time[WALL_TEXT_SIZE], *subject = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&subject, &size);

	if (!text)
		return;
	sentence_subject(text, record);
	fclose(text);
	clock_wall_text((int64_t)record->boot_ns + record->wall_offset_ns, 0, time);
	fprintf(out, "%s %s%-5s%s %-*s ", time + strlen("2026-11-23T"),
		colour ? colour_of(record) : "", record_type_name(record->type),
		colour ? "\033[0m" : "", SUBJECT_WIDTH, subject);
	sentence_text(out, record);
	fputc('\n', out);
	free(subject);
}
