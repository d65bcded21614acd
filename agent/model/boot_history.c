// SPDX-License-Identifier: Apache-2.0
#include "model/boot_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static uint64_t length(struct span span)
{
	return span.to_ns > span.from_ns ? span.to_ns - span.from_ns : 0;
}

uint64_t boot_total_ns(const struct record_boot *boot)
{
	return boot->firmware_ns + boot->loader_ns + length(boot->span);
}

uint64_t boot_phase_ns(const struct record_boot *boot, enum boot_phase phase)
{
	uint64_t sum_ns = 0;

	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++)
		if (boot->phases[i].phase == phase)
			sum_ns += length(boot->phases[i].span);
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

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

/* Sorts what it is given. */
static uint64_t median(uint64_t *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	if (count % 2)
		return values[count / 2];
	return values[count / 2 - 1] + (values[count / 2] - values[count / 2 - 1]) / 2;
}

static void usual(const uint64_t *values, uint32_t count, struct boot_usual *ret)
{
	uint64_t sorted[BOOT_HISTORY_MAX];

	*ret = (struct boot_usual){0};
	if (!count)
		return;
	memcpy(sorted, values, count * sizeof(*values));
	ret->median_ns = median(sorted, count);
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = sorted[i] > ret->median_ns ? sorted[i] - ret->median_ns
						       : ret->median_ns - sorted[i];
	uint64_t deviation_ns = median(sorted, count);

	ret->spread_ns = deviation_ns / 10000 * 14826 + deviation_ns % 10000 * 14826 / 10000;
}

void boot_history_usual(const struct boot_history *history, struct boot_usual *ret)
{
	usual(history->total_ns, history->count, ret);
}

void boot_history_usual_phase(const struct boot_history *history, enum boot_phase phase,
			      struct boot_usual *ret)
{
	static const uint64_t none[BOOT_HISTORY_MAX];

	usual(phase < BOOT_PHASE_COUNT ? history->phase_ns[phase] : none, history->count, ret);
}

static void find_grown(const struct boot_history *history, const struct record_boot *boot,
		       struct boot_verdict *verdict)
{
	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++) {
		uint64_t ns = boot_phase_ns(boot, phase);
		struct boot_usual before;

		boot_history_usual_phase(history, phase, &before);
		if (ns > before.median_ns && ns - before.median_ns > verdict->grown_ns) {
			verdict->grown = phase;
			verdict->grown_ns = ns - before.median_ns;
		}
	}
}

static uint64_t larger(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

void boot_history_judge(const struct boot_history *history, const struct record_boot *boot,
			struct boot_verdict *ret)
{
	struct boot_verdict verdict = {
		.boots = history->count,
		.enough = history->count >= BOOT_HISTORY_ENOUGH,
	};
	struct boot_usual before;

	if (verdict.enough) {
		boot_history_usual(history, &before);
		verdict.usual_ns = before.median_ns;
		verdict.spread_ns = before.spread_ns;
		verdict.limit_ns =
			before.median_ns +
			larger(larger(3 * before.spread_ns, NS_PER_SECOND), before.median_ns / 5);
		verdict.slower = boot_total_ns(boot) > verdict.limit_ns;
		find_grown(history, boot, &verdict);
	}
	*ret = verdict;
}
