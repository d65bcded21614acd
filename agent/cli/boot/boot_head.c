// SPDX-License-Identifier: Apache-2.0
/* What all shown forms of a boot report say in the same words. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/boot/boot_show.h"
#include "model/boot_words.h"
#include "model/json.h"

static void duration(FILE *out, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(ns, text);
	fputs(text, out);
}

void boot_show_usual(FILE *out, const struct boot_report *report)
{
	const struct boot_verdict *verdict = &report->verdict;

	if (!verdict->enough) {
		fprintf(out, "nothing to compare with yet: %" PRIu32 " of %d boots", verdict->boots,
			BOOT_HISTORY_ENOUGH);
		return;
	}
	if (verdict->slower)
		fputs("slower than usual: ", out);
	else if (report->record.boot.state == BOOT_READY)
		fputs("as usual: ", out);
	fputs("median ", out);
	duration(out, verdict->usual_ns);
	fprintf(out, " of %" PRIu32 " boots", verdict->boots);
}

void boot_show_state(FILE *out, const struct boot_report *report)
{
	enum boot_state state = report->record.boot.state;

	fputs(boot_words_state(state), out);
	if (state != BOOT_STATE_NONE)
		duration(out, boot_report_total(report));
}

void boot_show_began(FILE *out, const struct boot_report *report)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text(boot_report_began(report), 0, time);
	time[strlen("2026-11-23")] = ' ';
	fputs(time, out);
}

void boot_show_headline(FILE *out, const struct boot_report *report, bool colour)
{
	const struct record_boot *boot = &report->record.boot;

	fputs("Boot of ", out);
	boot_show_began(out, report);
	fprintf(out, "   %s",
		!colour				    ? ""
		: boot->state == BOOT_NOT_RECOVERED ? "\033[1;31m"
						    : "\033[1m");
	boot_show_state(out, report);
	fprintf(out, "%s   ", colour ? "\033[0m" : "");
	if (boot->state != BOOT_READY && boot->pods_expected)
		fprintf(out, "%" PRIu32 " of %" PRIu32 " pods ready   ", boot->pods_ready,
			boot->pods_expected);
	boot_show_usual(out, report);
}

bool boot_show_before(FILE *out, const struct record_boot *boot)
{
	const char *end = boot_words_end(boot->last_end);

	if (!*end && !boot->down_ns && !*boot->last_evidence)
		return false;
	fputs(*end ? end : "not known how it ended", out);
	if (boot->down_ns) {
		fputs(", down for ", out);
		duration(out, boot->down_ns);
	}
	if (*boot->last_evidence) {
		fputs(" (", out);
		text_print_safe(out, boot->last_evidence);
		fputc(')', out);
	}
	return true;
}

void boot_step_title(const struct boot_step *step, char ret[static BOOT_TITLE_SIZE])
{
	switch (step->kind) {
	case BOOT_STEP_POD:
		snprintf(ret, BOOT_TITLE_SIZE, "%s of %s", phase_name(step->phase), step->pod);
		break;
	case BOOT_STEP_PEER:
		snprintf(ret, BOOT_TITLE_SIZE, "%s waiting for another pod", step->pod);
		break;
	case BOOT_STEP_IDLE:
		snprintf(ret, BOOT_TITLE_SIZE, "nothing seen");
		break;
	default:
		snprintf(ret, BOOT_TITLE_SIZE, "%s", *step->name ? step->name : step->detail);
	}
}
