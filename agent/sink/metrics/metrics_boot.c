/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_boot.h"

#include "model/json.h"
#include "sink/metrics/metrics_format.h"

static void write_phases(FILE *out, const struct record_boot *boot)
{
	uint64_t ns;

	metrics_family(out, "nodewake_boot_seconds", "gauge", "Time of one phase of this boot.");
	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++)
		if ((ns = boot_phase_ns(boot, phase)))
			metrics_seconds(out, "nodewake_boot_seconds", ns,
					METRICS_LABEL("phase", boot_phase_name(phase)));
}

static void write_states(FILE *out, const struct record_boot *boot, bool known)
{
	metrics_family(out, "nodewake_boot_state", "gauge",
		       "1 for the state that this boot is in, 0 for the others.");
	for (enum boot_state i = BOOT_STATE_NONE + 1; known && i < BOOT_STATE_COUNT; i++)
		metrics_count(out, "nodewake_boot_state", i == boot->state,
			      METRICS_LABEL("state", boot_state_name(i)));
}

static void write_pods(FILE *out, const struct record_boot *boot, bool known)
{
	metrics_family(out, "nodewake_boot_pods_expected", "gauge",
		       "Pods that were there before this boot, and are to become ready.");
	if (known)
		metrics_count(out, "nodewake_boot_pods_expected", boot->pods_expected);
	metrics_family(out, "nodewake_boot_pods_ready", "gauge",
		       "Those of them that were ready when the boot was told last.");
	if (known)
		metrics_count(out, "nodewake_boot_pods_ready", boot->pods_ready);
}

void metrics_boot_write(FILE *out, const struct metrics_boot *metrics)
{
	const struct record_boot *boot = &metrics->boot;
	bool known = boot->state > BOOT_STATE_NONE && boot->state < BOOT_STATE_COUNT;
	struct boot_verdict verdict;

	write_states(out, boot, known);
	write_phases(out, boot);
	metrics_family(out, "nodewake_boot_ready_seconds", "gauge",
		       "From power-on, where firmware tells of it, else from the kernel's start, "
		       "to ready.");
	if (boot->state == BOOT_READY)
		metrics_seconds(out, "nodewake_boot_ready_seconds", boot_total_ns(boot));
	metrics_family(out, "nodewake_boot_slower_than_usual", "gauge",
		       "1 if this boot took longer than those before it usually did.");
	boot_history_judge(&metrics->earlier, boot, &verdict);
	if (boot->state == BOOT_READY)
		metrics_count(out, "nodewake_boot_slower_than_usual", verdict.slower);
	write_pods(out, boot, known);
	metrics_family(out, "nodewake_boot_last_end", "gauge", "1: how the boot before ended.");
	if (known && boot->last_end < BOOT_END_COUNT)
		metrics_count(out, "nodewake_boot_last_end", 1,
			      METRICS_LABEL("end", boot_end_name(boot->last_end)));
}
