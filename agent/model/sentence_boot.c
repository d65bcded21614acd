// SPDX-License-Identifier: Apache-2.0
#include "model/sentence_boot.h"

#include <inttypes.h>

#include "base/text.h"
#include "model/boot_history.h"
#include "model/boot_words.h"

static void duration(FILE *out, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(ns, text);
	fputs(text, out);
}

/* ": kernel 2.30s, userspace 14.2s, k3s 21.5s, pods 1min 26.3s" */
static void phases(FILE *out, const struct record_boot *boot)
{
	const char *comma = ": ";
	char label[UNIT_SIZE];

	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++) {
		uint64_t ns = boot_phase_ns(boot, phase);

		if (!ns)
			continue;
		boot_words_phase(boot, phase, label);
		fputs(comma, out);
		text_print_safe(out, label);
		fputc(' ', out);
		duration(out, ns);
		comma = ", ";
	}
}

static void missing(FILE *out, const struct record_boot *boot)
{
	uint32_t i = 0;

	for (; i < boot->missing_count && i < 3 && i < BOOT_MISSING_MAX; i++) {
		const struct boot_missing *one = &boot->missing[i];

		fputs(i ? ", " : "; missing ", out);
		text_print_safe(out, one->pod);
		if (!*one->reason)
			continue;
		fputs(" (", out);
		text_print_safe(out, one->reason);
		fputc(')', out);
	}
	if (i && boot->missing_total > i)
		fprintf(out, " and %" PRIu32 " more", boot->missing_total - i);
}

static void before(FILE *out, const struct record_boot *boot)
{
	const char *end = boot_words_end(boot->last_end);

	if (!*end && !boot->down_ns)
		return;
	fprintf(out, "; before it %s", *end ? end : "an end that is not known");
	if (boot->down_ns) {
		fputs(", down for ", out);
		duration(out, boot->down_ns);
	}
}

void sentence_boot(FILE *out, const struct record_boot *boot)
{
	fputs(boot_words_state(boot->state), out);
	if (boot->state != BOOT_STATE_NONE)
		duration(out, boot_total_ns(boot));
	if (boot->pods_expected)
		fprintf(out, ", %" PRIu32 " of %" PRIu32 " pod%s ready", boot->pods_ready,
			boot->pods_expected, boot->pods_expected == 1 ? "" : "s");
	if (boot->state == BOOT_READY)
		phases(out, boot);
	else
		missing(out, boot);
	before(out, boot);
}

void sentence_unit(FILE *out, const struct record_unit *unit)
{
	uint64_t ns =
		unit->span.to_ns > unit->span.from_ns ? unit->span.to_ns - unit->span.from_ns : 0;

	if (*unit->result) {
		fputs("failed (", out);
		text_print_safe(out, unit->result);
		fputs(")", out);
	} else {
		fputs(unit->span.to_ns ? "started" : "is starting", out);
	}
	if (unit->span.to_ns) {
		fputs(*unit->result ? " after " : " in ", out);
		duration(out, ns);
	}
	if (*unit->after) {
		fputs(", after ", out);
		text_print_safe(out, unit->after);
	}
}
