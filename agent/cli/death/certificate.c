// SPDX-License-Identifier: Apache-2.0
#include "cli/death/certificate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/death_advice.h"
#include "model/sentence.h"
#include "model/sentence_death.h"
#include "model/sentence_oom.h"

#define LABEL_WIDTH 12
#define DAY_LENGTH  strlen("2026-11-23T")

static void wall_text(const struct record *record, uint64_t boot_ns,
		      char ret[static WALL_TEXT_SIZE])
{
	clock_wall_text((int64_t)boot_ns + record->wall_offset_ns, 0, ret);
}

void certificate_time(FILE *out, const struct death *death, uint64_t boot_ns)
{
	const struct record *head = death_head(death);
	char time[WALL_TEXT_SIZE], of_head[WALL_TEXT_SIZE];

	wall_text(head, boot_ns, time);
	wall_text(head, head->boot_ns, of_head);
	fputs(strncmp(time, of_head, DAY_LENGTH) == 0 ? time + DAY_LENGTH : time, out);
}

void certificate_next_line(FILE *out)
{
	fprintf(out, "\n  %-*s", LABEL_WIDTH, "");
}

static void print_row(FILE *out, const struct certificate_row *row, const struct death *death)
{
	char *text = NULL;
	size_t size = 0;
	FILE *words = open_memstream(&text, &size);

	if (!words)
		return;
	row->print(words, death);
	fclose(words);
	if (size)
		fprintf(out, "  %-*s%s\n", LABEL_WIDTH, row->label, text);
	free(text);
}

static void print_rows(FILE *out, const struct certificate_row *rows, const struct death *death)
{
	for (; rows->label; rows++)
		print_row(out, rows, death);
}

static void print_subject(FILE *out, const struct record *record)
{
	sentence_subject(out, record);
	if (record->subject.attempt)
		fprintf(out, ", restart %" PRIu32, record->subject.attempt);
	if (*record->subject.image) {
		fputs(", image ", out);
		text_print_safe(out, record->subject.image);
	}
	fputc('\n', out);
}

static void print_head(FILE *out, const struct record *record, bool colour)
{
	char time[WALL_TEXT_SIZE];

	print_subject(out, record);
	wall_text(record, record->boot_ns, time);
	fprintf(out, "%s  %s", time, colour ? "\033[1m" : "");
	if (record->type == RECORD_EXIT)
		sentence_verdict(out, &record->exit);
	else if (record->type == RECORD_OOM)
		sentence_kill(out, record);
	else
		sentence_text(out, record);
	if (record->type == RECORD_EXIT && record_duration_ns(record) &&
	    record->exit.verdict != EXIT_START_FAILED)
		fprintf(out, ", after %s", text_of_duration(record_duration_ns(record)));
	if (record->type == RECORD_EXIT && record_reconstructed(record))
		fputs(" [reconstructed]", out);
	fprintf(out, "%s\n", colour ? "\033[0m" : "");
}

static void print_advice(FILE *out, const struct death *death)
{
	char advice[CAUSE_SIZE];

	if (death_advice(death->exit, death->oom, death->child, advice)) {
		fprintf(out, "  %-*s", LABEL_WIDTH, "to do");
		text_print_safe(out, advice);
		fputc('\n', out);
	}
}

void certificate_print(FILE *out, const struct death *death, bool colour)
{
	print_head(out, death_head(death), colour);
	if (death->exit)
		print_rows(out, certificate_exit_rows, death);
	if (death->oom)
		print_rows(out, certificate_oom_rows, death);
	if (death->child)
		print_rows(out, certificate_child_rows, death);
	print_advice(out, death);
}
