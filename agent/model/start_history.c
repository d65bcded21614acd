// SPDX-License-Identifier: Apache-2.0
#include "model/start_history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

bool start_history_counts(const struct record *record)
{
	return record->type == RECORD_START && *record->subject.image &&
	       *record->subject.container_id && record->start.state != START_READY &&
	       record->start.state != START_FAILED && record_duration_ns(record);
}

struct start_sample start_history_sample(const struct record *record)
{
	struct start_sample sample = {
		.total_ns = record_duration_ns(record),
		.reconstructed = record_reconstructed(record),
	};

	for (uint32_t i = 0; i < record->start.phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &record->start.phases[i];

		if (phase->phase < PHASE_COUNT && phase->span.to_ns > phase->span.from_ns)
			sample.phase_ns[phase->phase] += phase->span.to_ns - phase->span.from_ns;
	}
	return sample;
}

static void judge_phase(const struct start_sample *samples, uint32_t earlier, enum phase phase,
			uint64_t *values, struct start_verdict *verdict)
{
	uint64_t latest_ns = samples[earlier].phase_ns[phase], median_ns;

	for (uint32_t i = 0; i < earlier; i++)
		values[i] = samples[i].phase_ns[phase];
	verdict->phases[phase] = usual_of(values, earlier);
	median_ns = verdict->phases[phase].median_ns;
	if (latest_ns > median_ns && latest_ns - median_ns > verdict->grown_ns) {
		verdict->grown = phase;
		verdict->grown_ns = latest_ns - median_ns;
	}
}

int start_history_judge(const struct start_sample *samples, uint32_t count,
			struct start_verdict *ret)
{
	struct start_verdict verdict = {.earlier = count ? count - 1 : 0};
	cleanup_free uint64_t *values = calloc(count + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		verdict.reconstructed += samples[i].reconstructed;
	verdict.enough = verdict.earlier >= USUAL_ENOUGH;
	if (verdict.earlier) {
		for (uint32_t i = 0; i < verdict.earlier; i++)
			values[i] = samples[i].total_ns;
		verdict.total = usual_of(values, verdict.earlier);
		verdict.slower = verdict.enough &&
				 samples[verdict.earlier].total_ns > usual_limit_ns(&verdict.total);
		for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++)
			judge_phase(samples, verdict.earlier, phase, values, &verdict);
	}
	*ret = verdict;
	return 0;
}
