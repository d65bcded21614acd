// SPDX-License-Identifier: Apache-2.0
/* The boot report for a terminal. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/boot/boot_show.h"
#include "cli/columns.h"
#include "model/boot_words.h"
#include "model/sentence.h"

#define BAR_WIDTH     30
#define LABEL_MIN     10
#define LONGEST_UNITS 5
#define MARK	      "  [reconstructed]"

static void print_bar(FILE *out, uint64_t part_ns, uint64_t longest_ns, bool colour)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	uint64_t parts =
		longest_ns ? (uint64_t)((double)part_ns / (double)longest_ns * BAR_WIDTH * 8) : 0;

	if (colour)
		fputs("\033[36m", out);
	for (uint64_t i = 0; i < parts / 8; i++)
		fputs("█", out);
	fputs(parts ? eighths[parts % 8] : "▏", out);
	if (colour)
		fputs("\033[0m", out);
	for (uint64_t i = (parts + 7) / 8 + !parts; i < BAR_WIDTH; i++)
		fputc(' ', out);
}

/* --- phases ----------------------------------------------------------------------------------- */

static uint64_t overlap(struct span one, struct span other)
{
	uint64_t from = one.from_ns > other.from_ns ? one.from_ns : other.from_ns;
	uint64_t to = one.to_ns < other.to_ns ? one.to_ns : other.to_ns;

	return to > from ? to - from : 0;
}

/* The step of the critical path that most of a phase went to. */
static const struct boot_step *main_step(const struct record_boot *boot, struct span phase,
					 uint64_t *ret_ns)
{
	const struct boot_step *found = NULL;

	*ret_ns = 0;
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++)
		if (overlap(boot->steps[i].span, phase) > *ret_ns) {
			found = &boot->steps[i];
			*ret_ns = overlap(found->span, phase);
		}
	return found;
}

/* The runtime's own unit, the milestone that ends the phase: that says nothing new. */
static bool says_the_same(const struct boot_phase_span *phase, const struct boot_step *step)
{
	return step->kind == BOOT_STEP_MILESTONE || strcmp(step->name, phase->unit) == 0;
}

static void print_note(FILE *out, const struct boot_report *report,
		       const struct boot_phase_span *phase)
{
	const struct boot_verdict *verdict = &report->verdict;
	bool outside = phase->phase == BOOT_PHASE_FIRMWARE || phase->phase == BOOT_PHASE_LOADER;
	uint64_t ns;
	const struct boot_step *step = main_step(&report->record.boot, phase->span, &ns);
	const char *comma = "  ";

	if (verdict->slower && verdict->grown == phase->phase) {
		fprintf(out, "  %s longer than usual", text_of_duration(verdict->grown_ns));
		comma = ", ";
	}
	if (!outside && step && ns >= NS_PER_SECOND && ns >= span_length(phase->span) / 3 &&
	    !says_the_same(phase, step)) {
		char title[BOOT_TITLE_SIZE];

		boot_step_title(step, title);
		fprintf(out, "%s%s of it ", comma, text_of_duration(ns));
		text_print_safe(out, title);
	}
}

static void print_phases(FILE *out, const struct boot_report *report, bool colour)
{
	const struct record_boot *boot = &report->record.boot;
	uint32_t count = boot->phase_count < BOOT_PHASES_MAX ? boot->phase_count : BOOT_PHASES_MAX;
	int width = LABEL_MIN;
	uint64_t longest_ns = 0;
	char label[UNIT_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		boot_words_phase(boot, boot->phases[i].phase, label);
		if (columns_of(label) > width)
			width = columns_of(label);
		if (span_length(boot->phases[i].span) > longest_ns)
			longest_ns = span_length(boot->phases[i].span);
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct boot_phase_span *phase = &boot->phases[i];
		cleanup_free char *line = NULL;
		size_t size = 0;
		FILE *text = open_memstream(&line, &size);

		if (!text)
			return;
		boot_words_phase(boot, phase->phase, label);
		fputs("  ", text);
		columns_print(text, label, width);
		fprintf(text, " %11s  ", text_of_duration(span_length(phase->span)));
		print_bar(text, span_length(phase->span), longest_ns, colour);
		print_note(text, report, phase);
		if (phase->reconstructed)
			fputs(MARK, text);
		fclose(text);
		while (size && line[size - 1] == ' ')
			line[--size] = '\0';
		fprintf(out, "%s\n", line);
	}
}

/* --- what is missing, units, gaps ------------------------------------------------------------- */

static void print_missing(FILE *out, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;
	uint32_t count =
		boot->missing_count < BOOT_MISSING_MAX ? boot->missing_count : BOOT_MISSING_MAX;

	if (!boot->missing_total)
		return;
	fprintf(out, "\n%s %" PRIu32 " of %" PRIu32 " pods\n",
		boot->state == BOOT_WAKING ? "Not ready yet:" : "Missing:", boot->missing_total,
		boot->pods_expected);
	for (uint32_t i = 0; i < count; i++) {
		const struct boot_missing *one = &boot->missing[i];
		char command[BOOT_COMMAND_SIZE];

		fputs("  ", out);
		text_print_safe(out, one->pod);
		if (*one->container) {
			fputc('/', out);
			text_print_safe(out, one->container);
		}
		fputs("  ", out);
		text_print_safe(out, *one->reason ? one->reason : "no sign of it");
		if (*one->detail) {
			fputs(": ", out);
			text_print_safe(out, one->detail);
		}
		boot_next_command(boot, one, command);
		fprintf(out, "\n      %s\n", command);
	}
	if (boot->missing_total > count)
		fprintf(out, "  and %" PRIu32 " more\n", boot->missing_total - count);
}

/* One that is still starting took longer than any. */
static uint64_t took(const struct record_unit *unit)
{
	return unit->span.to_ns ? span_length(unit->span) : UINT64_MAX;
}

static int compare_length(const void *one, const void *other)
{
	const struct record_unit *a = &(*(const struct record *const *)one)->unit;
	const struct record_unit *b = &(*(const struct record *const *)other)->unit;

	if (!*a->result != !*b->result) /* failed ones first */
		return *a->result ? -1 : 1;
	return (took(a) < took(b)) - (took(a) > took(b));
}

static void print_unit(FILE *out, const struct record_unit *unit, int width)
{
	fprintf(out, "  %9s  ",
		unit->span.to_ns ? text_of_duration(span_length(unit->span)) : "starting");
	columns_print(out, unit->name, *unit->after || *unit->result ? width : 0);
	if (*unit->result) {
		fputs("  failed: ", out);
		text_print_safe(out, unit->result);
	}
	if (*unit->after) {
		fputs("  after ", out);
		text_print_safe(out, unit->after);
	}
	fputc('\n', out);
}

/* All that failed, and the longest of the others; targets and the like take no time. */
static void print_units(FILE *out, const struct boot_report *report)
{
	const struct boot_records *units = &report->units;
	cleanup_free const struct record **sorted = calloc(units->count + 1, sizeof(*sorted));
	size_t count = 0, failed = 0;
	int width = 0;

	if (!sorted)
		return;
	for (size_t i = 0; i < units->count; i++) {
		const struct record_unit *unit = &units->all[i].unit;

		failed += !!*unit->result;
		if (*unit->result || took(unit))
			sorted[count++] = &units->all[i];
	}
	qsort(sorted, count, sizeof(*sorted), compare_length);
	if (count > failed + LONGEST_UNITS)
		count = failed + LONGEST_UNITS;
	for (size_t i = 0; i < count; i++)
		if (columns_of(sorted[i]->unit.name) > width)
			width = columns_of(sorted[i]->unit.name);
	if (count)
		fputs("\nUnits that took longest\n", out);
	for (size_t i = 0; i < count; i++)
		print_unit(out, &sorted[i]->unit, width);
}

static void print_gaps(FILE *out, const struct boot_report *report)
{
	if (!report->gaps.count)
		return;
	fputs("\nWhat may have been missed\n", out);
	for (size_t i = 0; i < report->gaps.count; i++) {
		fputs("  ", out);
		sentence_line(out, &report->gaps.all[i], false);
	}
}

static void print_head(FILE *out, const struct boot_report *report, bool colour)
{
	const struct record_boot *boot = &report->record.boot;
	cleanup_free char *before = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&before, &size);

	if (!text)
		return;
	boot_show_before(text, boot);
	fclose(text);
	boot_show_headline(out, report, colour);
	fputc('\n', out);
	if (size)
		fprintf(out, "  before it: %s\n", before);
	if (!boot->measured)
		fputs("  reconstructed: nodewake came after the container runtime, so these are "
		      "the "
		      "stamps it found\n",
		      out);
	else if (boot->early)
		fputs("  measured: its probes were pinned before the agent ran, and before the "
		      "container runtime\n",
		      out);
	fputc('\n', out);
}

void boot_show_text(FILE *out, const struct boot_report *report, bool colour)
{
	print_head(out, report, colour);
	print_phases(out, report, colour);
	print_missing(out, report);
	boot_show_path(out, report);
	print_units(out, report);
	print_gaps(out, report);
}

void boot_show_progress(FILE *out, const struct boot_report *report, bool colour)
{
	print_head(out, report, colour);
	print_phases(out, report, colour);
	print_missing(out, report);
}
