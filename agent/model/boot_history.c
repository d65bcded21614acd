// SPDX-License-Identifier: Apache-2.0
#include "model/boot_history.h"

#include <string.h>

uint64_t boot_total_ns(const struct record_boot *boot)
{
	return boot->firmware_ns + boot->loader_ns + span_length(boot->span);
}

uint64_t boot_phase_ns(const struct record_boot *boot, enum boot_phase phase)
{
	uint64_t sum_ns = 0;

	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++)
		if (boot->phases[i].phase == phase)
			sum_ns += span_length(boot->phases[i].span);
	return sum_ns;
}

void boot_history_add(struct boot_history *history, const struct record_boot *boot)
{
	if (boot->state != BOOT_READY || history->count == BOOT_HISTORY_MAX)
		return;
	history->total_ns[history->count] = boot_total_ns(boot);
	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++)
		history->phase_ns[phase][history->count] = boot_phase_ns(boot, phase);
	history->count++;
}

static void usual(const uint64_t *values, uint32_t count, struct usual *ret)
{
	uint64_t sorted[BOOT_HISTORY_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	*ret = usual_of(sorted, count);
}

void boot_history_usual(const struct boot_history *history, struct usual *ret)
{
	usual(history->total_ns, history->count, ret);
}

void boot_history_usual_phase(const struct boot_history *history, enum boot_phase phase,
			      struct usual *ret)
{
	static const uint64_t none[BOOT_HISTORY_MAX];

	usual(phase < BOOT_PHASE_COUNT ? history->phase_ns[phase] : none, history->count, ret);
}

static void find_grown(const struct boot_history *history, const struct record_boot *boot,
		       struct boot_verdict *verdict)
{
	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++) {
		uint64_t ns = boot_phase_ns(boot, phase);
		struct usual before;

		boot_history_usual_phase(history, phase, &before);
		if (ns > before.median_ns && ns - before.median_ns > verdict->grown_ns) {
			verdict->grown = phase;
			verdict->grown_ns = ns - before.median_ns;
		}
	}
}

void boot_history_judge(const struct boot_history *history, const struct record_boot *boot,
			struct boot_verdict *ret)
{
	struct boot_verdict verdict = {
		.boots = history->count,
		.enough = history->count >= BOOT_HISTORY_ENOUGH,
	};
	struct usual before;

	if (verdict.enough) {
		boot_history_usual(history, &before);
		verdict.usual_ns = before.median_ns;
		verdict.spread_ns = before.spread_ns;
		verdict.limit_ns = usual_limit_ns(&before);
		verdict.slower = boot_total_ns(boot) > verdict.limit_ns;
		find_grown(history, boot, &verdict);
	}
	*ret = verdict;
}
