/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain/explain_place.h"

static uint64_t shared_ns(struct span one, struct span other)
{
	struct span both = {one.from_ns > other.from_ns ? one.from_ns : other.from_ns,
			    one.to_ns < other.to_ns ? one.to_ns : other.to_ns};

	return span_length(both);
}

const struct phase_span *explain_place(const struct record_start *start, struct span span)
{
	const struct phase_span *place = NULL;
	uint64_t most_ns = 0;

	for (uint32_t i = 0; i < start->phase_count; i++) {
		const struct phase_span *phase = &start->phases[i];
		uint64_t ns = shared_ns(span, phase->span);

		if (phase->phase != PHASE_APP && (phase->phase != PHASE_PROBE || ns <= most_ns))
			continue;
		most_ns = ns;
		place = phase;
	}
	return place ? place : &start->phases[start->phase_count - 1];
}
