// SPDX-License-Identifier: Apache-2.0
/* The critical path of a boot for a terminal: a line per step, with its moment since power-on. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/boot/boot_show.h"
#include "cli/columns.h"
#include "model/json.h"

#define SUBJECT_MIN 18
#define SUBJECT_MAX 44
#define MARK	    "  [reconstructed]"

/* Whom a step is about. Not safe. */
static const char *step_subject(const struct boot_step *step)
{
	switch (step->kind) {
	case BOOT_STEP_POD:
	case BOOT_STEP_PEER:
		return step->pod;
	case BOOT_STEP_IDLE:
		return "";
	default:
		return step->name;
	}
}

/* A pod with more than one container on the path: its steps say which. */
static bool several_containers(const struct record_boot *boot, const struct boot_step *step)
{
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *other = &boot->steps[i];

		if (other->kind == BOOT_STEP_POD && strcmp(other->pod, step->pod) == 0 &&
		    strcmp(other->name, step->name) != 0)
			return true;
	}
	return false;
}

static void print_step_words(FILE *out, const struct record_boot *boot,
			     const struct boot_step *step)
{
	switch (step->kind) {
	case BOOT_STEP_POD:
		if (*step->name && several_containers(boot, step)) {
			text_print_safe(out, step->name);
			fputc(' ', out);
		}
		fprintf(out, "%s %s", phase_name(step->phase),
			text_of_duration(span_length(step->span)));
		break;
	case BOOT_STEP_PEER:
		fprintf(out, "waited %s for another pod",
			text_of_duration(span_length(step->span)));
		break;
	case BOOT_STEP_IDLE:
		fprintf(out, "%s that nothing explains", text_of_duration(span_length(step->span)));
		break;
	default:
		fputs(text_of_duration(span_length(step->span)), out);
	}
	if (*step->detail) {
		fputs(": ", out);
		text_print_safe(out, step->detail);
	}
	if (step->reconstructed)
		fputs(MARK, out);
	fputc('\n', out);
}

static void print_offset(FILE *out, const struct boot_report *report, uint64_t boot_ns)
{
	char text[48];

	snprintf(text, sizeof(text), "+%.1fs",
		 (double)boot_report_offset(report, boot_ns) / (double)NS_PER_SECOND);
	fprintf(out, "  %9s  ", text);
}

static int subject_width(const struct record_boot *boot)
{
	int width = SUBJECT_MIN;

	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		int own = columns_of(step_subject(&boot->steps[i]));

		if (own > width)
			width = own;
	}
	return width < SUBJECT_MAX ? width : SUBJECT_MAX;
}

static void print_end(FILE *out, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;

	print_offset(out, report, boot_report_end(report));
	if (boot->state == BOOT_READY && !boot->pods_expected)
		fputs("ready; no pods were expected\n", out);
	else if (boot->state == BOOT_READY)
		fprintf(out, "%s%" PRIu32 " pod%s ready\n", boot->pods_expected > 1 ? "all " : "",
			boot->pods_ready, boot->pods_expected > 1 ? "s" : "");
	else
		fprintf(out, "%s: %" PRIu32 " of %" PRIu32 " pods ready\n",
			boot->state == BOOT_NOT_RECOVERED ? "not recovered" : "waking",
			boot->pods_ready, boot->pods_expected);
}

void boot_show_path(FILE *out, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;
	int width = subject_width(boot);
	const char *before = NULL;

	if (!boot->step_count)
		return;
	fputs("\nCritical path\n", out);
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *step = &boot->steps[i];
		const char *subject = step_subject(step);

		print_offset(out, report, step->span.from_ns);
		columns_print(out, before && strcmp(before, subject) == 0 ? "" : subject, width);
		fputs("  ", out);
		print_step_words(out, boot, step);
		before = subject;
	}
	print_end(out, report);
	if (boot->steps_left_out)
		fprintf(out,
			"  %" PRIu32
			" short step%s left out; their time went to their neighbours\n",
			boot->steps_left_out, boot->steps_left_out > 1 ? "s" : "");
}
