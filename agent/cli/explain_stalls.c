// SPDX-License-Identifier: Apache-2.0
/* What the progressing threads did during a phase, the largest part first; the rows sum to the phase. */
#include "cli/explain_row.h"
#include "cli/explain_topic.h"

#include <inttypes.h>
#include <string.h>

#include "cli/columns.h"

#define LEAST_PERCENT 1 /* of the phase: less is not worth a row of its own */

static const char *const words[STALL_COUNT] = {
	[STALL_CPU] = "cpu",	 [STALL_RUN_QUEUE] = "run queue", [STALL_THROTTLED] = "throttled",
	[STALL_DISK] = "disk",	 [STALL_NETWORK] = "network",	  [STALL_LOCK] = "lock",
	[STALL_SLEEP] = "sleep", [STALL_OTHER] = "other",
};

/* Where the threads together did much more of it than the one that counts: the work was shared. */
static void threads_note(const struct phase_stalls *stalls, enum stall stall, char *note,
			 size_t size)
{
	bool worked = stall <= STALL_DISK; /* idle threads wait, too: that tells nothing */

	*note = '\0';
	if (worked && stalls->thread_count > 1 &&
	    stalls->threads.ns[stall] > stalls->wall.ns[stall] + stalls->wall.ns[stall] / 2)
		snprintf(note, size, "all %" PRIu32 " threads together %s", stalls->thread_count,
			 columns_duration(stalls->threads.ns[stall]));
}

static void print_share(FILE *out, const struct record_start *start, const struct phase_span *phase,
			const char *name, uint64_t ns, const char *note)
{
	explain_row_share(
		out,
		&(struct explain_row){.depth = 1, .name = name, .span = phase->span, .note = note},
		ns, start->span);
}

static void print_grade(FILE *out, const struct phase_stalls *stalls)
{
	static const char *const grades[STALL_GRADE_COUNT] = {
		[STALLS_NONE] = "what it did was not measured",
		[STALLS_PARTIAL] = "measured in part",
		[STALLS_COARSE] = "only CPU and throttling are known",
	};
	const char *grade = stalls->grade < STALL_GRADE_COUNT ? grades[stalls->grade] : NULL;

	if (grade)
		explain_row_line(out, 1, "%s%s%s", grade, *stalls->reason ? ": " : "",
				 stalls->reason);
}

static void print_stalls(FILE *out, const struct record_start *start,
			 const struct phase_span *phase, const struct phase_stalls *stalls)
{
	uint64_t least_ns = explain_length(phase->span) / 100 * LEAST_PERCENT, rest_ns = 0;
	bool shown[STALL_COUNT] = {false};

	for (int rank = 0; rank < STALL_COUNT; rank++) {
		int most = -1;
		char note[64];

		for (int i = 0; i < STALL_COUNT; i++)
			if (!shown[i] && (most < 0 || stalls->wall.ns[i] > stalls->wall.ns[most]))
				most = i;
		shown[most] = true;
		if (stalls->wall.ns[most] <= least_ns) {
			rest_ns += stalls->wall.ns[most];
			continue;
		}
		threads_note(stalls, (enum stall)most, note, sizeof(note));
		print_share(out, start, phase, words[most], stalls->wall.ns[most], note);
	}
	if (rest_ns)
		print_share(out, start, phase, "the rest", rest_ns, "");
}

void explain_stalls(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	for (uint32_t i = 0; i < start->why.stall_count && i < START_STALLS_MAX; i++) {
		const struct phase_stalls *stalls = &start->why.stalls[i];

		if (stalls->phase != phase->phase)
			continue;
		if (stalls->grade != STALLS_NONE)
			print_stalls(out, start, phase, stalls);
		print_grade(out, stalls);
	}
}
