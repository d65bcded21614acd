// SPDX-License-Identifier: Apache-2.0
#include "cli/explain_words.h"

#include <inttypes.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/explain_row.h"

void explain_words_file(const struct file_read *file, char ret[static EXPLAIN_WORDS_SIZE])
{
	char rate[EXPLAIN_RATE_SIZE];

	explain_rate(file->bytes, explain_length(file->span), rate);
	snprintf(ret, EXPLAIN_WORDS_SIZE, "read %s %s%s%s", *file->path ? file->path : "a file",
		 rate, *file->device ? " from " : "", file->device);
}

void explain_words_grade(const struct phase_stalls *stalls, char ret[static EXPLAIN_WORDS_SIZE])
{
	static const char *const grades[STALL_GRADE_COUNT] = {
		[STALLS_NONE] = "what it did was not measured",
		[STALLS_PARTIAL] = "measured in part",
		[STALLS_COARSE] = "only CPU and throttling are known",
	};
	const char *grade = stalls->grade < STALL_GRADE_COUNT ? grades[stalls->grade] : NULL;

	*ret = '\0';
	if (grade)
		snprintf(ret, EXPLAIN_WORDS_SIZE, "%s%s%s", grade, *stalls->reason ? ": " : "",
			 stalls->reason);
}

void explain_words_threads(const struct phase_stalls *stalls, enum stall stall,
			   char ret[static EXPLAIN_WORDS_SIZE])
{
	bool worked = stall <= STALL_DISK; /* idle threads wait, too: that tells nothing */
	uint64_t wall_ns = stalls->wall.ns[stall], all_ns = stalls->threads.ns[stall];

	*ret = '\0';
	if (worked && stalls->thread_count > 1 && all_ns > wall_ns &&
	    all_ns - wall_ns > wall_ns / 2)
		snprintf(ret, EXPLAIN_WORDS_SIZE, "all %" PRIu32 " threads together %s",
			 stalls->thread_count, columns_duration(all_ns));
}
