/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/kube_boot_note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/boot_words.h"
#include "model/json.h"

#define STEPS_TOLD 5

static void duration(FILE *out, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(ns, text);
	fputs(text, out);
}

static void phase_words(FILE *out, const struct record_boot *boot, enum boot_phase phase)
{
	char name[UNIT_SIZE];

	boot_words_phase(boot, phase, name);
	text_print_safe(out, name);
}

/* ", slower than usual (median 58.2s of 9 boots): pods took 60.0s more" */
static void usual(FILE *out, const struct record_boot *boot, const struct boot_verdict *verdict)
{
	if (!verdict->enough)
		return;
	fputs(verdict->slower ? ", slower than usual (median " : " (median ", out);
	duration(out, verdict->usual_ns);
	fprintf(out, " of %" PRIu32 " boots)", verdict->boots);
	if (verdict->slower && verdict->grown) {
		fputs(": ", out);
		phase_words(out, boot, verdict->grown);
		fputs(" took ", out);
		duration(out, verdict->grown_ns);
		fputs(" more", out);
	}
}

struct share {
	uint32_t place;
	uint64_t ns;
};

static int longest_first(const void *a, const void *b)
{
	const struct share *of_a = a, *of_b = b;

	if (of_a->ns != of_b->ns)
		return of_a->ns < of_b->ns ? 1 : -1;
	return (int)of_a->place - (int)of_b->place;
}

static void phases(FILE *out, const struct record_boot *boot)
{
	struct share shares[BOOT_PHASE_COUNT];
	const char *comma = "; ";

	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++)
		shares[phase] = (struct share){phase, boot_phase_ns(boot, phase)};
	qsort(shares, BOOT_PHASE_COUNT, sizeof(*shares), longest_first);
	for (int i = 0; i < BOOT_PHASE_COUNT && shares[i].ns; i++) {
		fputs(comma, out);
		phase_words(out, boot, shares[i].place);
		fputc(' ', out);
		duration(out, shares[i].ns);
		comma = ", ";
	}
}

static void step_words(FILE *out, const struct boot_step *step)
{
	if (step->kind == BOOT_STEP_IDLE) {
		fputs("nothing that was seen", out);
	} else if (*step->pod) {
		text_print_safe(out, step->pod);
		if (*step->name) {
			fputc('/', out);
			text_print_safe(out, step->name);
		}
		if (step->kind == BOOT_STEP_POD)
			fprintf(out, " %s", phase_name(step->phase));
	} else {
		text_print_safe(out, step->name);
	}
	fputc(' ', out);
	duration(out, span_length(step->span));
	if (*step->detail) {
		fputs(" (", out);
		text_print_safe(out, step->detail);
		fputc(')', out);
	}
}

/* Not in order, but the longest first: what a person should look at. */
static void critical_path(FILE *out, const struct record_boot *boot)
{
	uint32_t count = boot->step_count < BOOT_STEPS_MAX ? boot->step_count : BOOT_STEPS_MAX;
	const char *comma = "; it waited longest for ";
	struct share shares[BOOT_STEPS_MAX];

	for (uint32_t i = 0; i < count; i++)
		shares[i] = (struct share){i, span_length(boot->steps[i].span)};
	qsort(shares, count, sizeof(*shares), longest_first);
	for (uint32_t i = 0; i < count && i < STEPS_TOLD && shares[i].ns; i++) {
		fputs(comma, out);
		step_words(out, &boot->steps[shares[i].place]);
		comma = ", ";
	}
}

static void missing(FILE *out, const struct record_boot *boot)
{
	uint32_t count =
		boot->missing_count < BOOT_MISSING_MAX ? boot->missing_count : BOOT_MISSING_MAX;
	const char *comma = ": ";

	fprintf(out, "; %" PRIu32 " of %" PRIu32 " pods missing", boot->missing_total,
		boot->pods_expected);
	for (uint32_t i = 0; i < count; i++) {
		const struct boot_missing *pod = &boot->missing[i];

		fputs(comma, out);
		text_print_safe(out, pod->pod);
		if (*pod->reason) {
			fputc(' ', out);
			text_print_safe(out, pod->reason);
		}
		if (*pod->detail) {
			fputs(" (", out);
			text_print_safe(out, pod->detail);
			fputc(')', out);
		}
		comma = ", ";
	}
	if (boot->missing_total > count)
		fprintf(out, ", %" PRIu32 " more", boot->missing_total - count);
}

void kube_boot_note(FILE *out, const struct record_boot *boot, const struct boot_history *earlier)
{
	struct boot_verdict verdict;

	boot_history_judge(earlier, boot, &verdict);
	if (boot->state == BOOT_NOT_RECOVERED) {
		fputs("not recovered after ", out);
		duration(out, span_length(boot->span));
		missing(out, boot);
	} else {
		fputs("ready ", out);
		duration(out, boot_total_ns(boot));
		fprintf(out, " after %s", boot->firmware_ns ? "power-on" : "kernel start");
		usual(out, boot, &verdict);
	}
	phases(out, boot);
	critical_path(out, boot);
	if (!boot->measured)
		fputs(" [reconstructed]", out);
}
