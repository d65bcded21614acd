// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/explain_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/explain/explain_row.h"

/* How much of the file it was: a part may have been cached, or not be wanted. */
static void print_share(FILE *out, const struct file_read *file)
{
	double share = file->size_bytes ? (double)file->bytes / (double)file->size_bytes : 0;

	if (share >= 1.5)
		fprintf(out, "%.1f times over", share);
	else if (share >= 0.95)
		fputs("cold", out);
	else if (share > 0)
		fprintf(out, "%.0f%% of the file", share * 100);
	else
		fputs("size not known", out);
}

void explain_words_file(const struct file_read *file, char ret[static EXPLAIN_WORDS_SIZE])
{
	uint64_t span_ns = span_length(file->span);
	char rate[EXPLAIN_RATE_SIZE];
	FILE *out = fmemopen(ret, EXPLAIN_WORDS_SIZE, "w");

	*ret = '\0';
	if (!out)
		return;
	explain_rate(file->bytes, span_ns, rate);
	if (!span_ns)
		rate[strcspn(rate, " ")] = '\0'; /* at no rate */
	fprintf(out, "read %s%s %s from %s (", *file->path ? file->path : "a file",
		file->outside ? " (the node's path)" : "", rate,
		*file->device ? file->device : "disk");
	print_share(out, file);
	if (file->latency_ns && file->requests && span_ns)
		fprintf(out, ", the disk at work %.0f%% of the time, %s a request",
			(double)file->busy_ns * 100 / (double)span_ns,
			text_of_duration(file->latency_ns / file->requests));
	fputc(')', out);
	fclose(out);
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
			 stalls->thread_count, text_of_duration(all_ns));
}
