// SPDX-License-Identifier: Apache-2.0
/* What the progressing threads did during a phase, the largest part first; the rows sum to the phase. */
#include "cli/explain/explain_row.h"
#include "cli/explain/explain_topic.h"
#include "cli/explain/explain_words.h"
#include "model/json.h"

#define LEAST_PERCENT 1 /* of the phase: less is not worth a row of its own */

static void print_share(FILE *out, const struct record_start *start, const struct phase_span *phase,
			const char *name, uint64_t ns, const char *note)
{
	explain_row_share(
		out,
		&(struct explain_row){.depth = 1, .name = name, .span = phase->span, .note = note},
		ns, start->span);
}

static void print_stalls(FILE *out, const struct record_start *start,
			 const struct phase_span *phase, const struct phase_stalls *stalls)
{
	uint64_t least_ns = span_length(phase->span) / 100 * LEAST_PERCENT, rest_ns = 0;
	const char *rest = NULL;
	enum stall order[STALL_COUNT];

	explain_stalls_order(&stalls->wall, order);
	for (size_t i = 0; i < STALL_COUNT; i++) {
		uint64_t ns = stalls->wall.ns[order[i]];
		char note[EXPLAIN_WORDS_SIZE];

		if (ns <= least_ns) {
			if (ns)
				rest = rest_ns ? "the rest" : stall_name(order[i]);
			rest_ns += ns;
			continue;
		}
		explain_words_threads(stalls, order[i], note);
		print_share(out, start, phase, stall_name(order[i]), ns, note);
	}
	if (rest_ns)
		print_share(out, start, phase, rest, rest_ns, "");
}

void explain_stalls_order(const struct stall_times *times, enum stall ret[static STALL_COUNT])
{
	for (int i = 0; i < STALL_COUNT; i++) {
		int at = i;

		for (; at > 0 && times->ns[ret[at - 1]] < times->ns[i]; at--)
			ret[at] = ret[at - 1];
		ret[at] = (enum stall)i;
	}
}

void explain_stalls(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	for (uint32_t i = 0; i < start->why.stall_count && i < START_STALLS_MAX; i++) {
		const struct phase_stalls *stalls = &start->why.stalls[i];
		char grade[EXPLAIN_WORDS_SIZE];

		if (stalls->phase != phase->phase)
			continue;
		if (stalls->grade != STALLS_NONE)
			print_stalls(out, start, phase, stalls);
		explain_words_grade(stalls, grade);
		if (*grade)
			explain_row_line(out, 1, "%s", grade);
	}
}
