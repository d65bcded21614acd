/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_topic.h"

#include <inttypes.h>

#include "base/text.h"

#define INDENT "    "
/* What is less explains nothing. */
#define LEAST_BYTES   (1ull << 20)
#define LEAST_PERCENT 5

static bool matters(const struct file_read *file, uint64_t disk_bytes)
{
	return file->bytes >= LEAST_BYTES && file->bytes >= disk_bytes / 100 * LEAST_PERCENT;
}

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

static void print_device(FILE *out, const struct file_read *file, uint64_t span_ns)
{
	char latency[DURATION_TEXT_SIZE];

	if (!file->latency_ns || !file->requests || !span_ns)
		return;
	text_duration(file->latency_ns / file->requests, latency);
	fprintf(out, ", the disk at work %.0f%% of the time, %s a request",
		(double)file->busy_ns * 100 / (double)span_ns, latency);
}

static void print_file(FILE *out, const struct file_read *file)
{
	uint64_t span_ns =
		file->span.to_ns > file->span.from_ns ? file->span.to_ns - file->span.from_ns : 0;
	char bytes[BYTES_TEXT_SIZE];

	text_bytes(file->bytes, bytes);
	fputs(INDENT "read ", out);
	text_print_safe(out, *file->path ? file->path : "a file");
	fprintf(out, "%s %s", file->outside ? " (the node's path)" : "", bytes);
	if (span_ns)
		fprintf(out, " at %.0f MB/s", (double)file->bytes / 1e6 / ((double)span_ns / 1e9));
	fputs(" from ", out);
	text_print_safe(out, *file->device ? file->device : "disk");
	fputs(" (", out);
	print_share(out, file);
	print_device(out, file, span_ns);
	fputs(")\n", out);
}

void explain_files(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	const struct start_why *why = &start->why;
	uint64_t rest = why->disk_bytes, cached;
	char bytes[BYTES_TEXT_SIZE];

	if (phase->phase != PHASE_APP || !why->reads_measured)
		return;
	for (uint32_t i = 0; i < why->file_count; i++) {
		if (!matters(&why->files[i], why->disk_bytes))
			continue;
		print_file(out, &why->files[i]);
		rest -= why->files[i].bytes < rest ? why->files[i].bytes : rest;
	}
	text_bytes(rest, bytes);
	if (rest >= LEAST_BYTES)
		fprintf(out, INDENT "read %s%s from disk\n", bytes,
			rest < why->disk_bytes ? " more" : "");
	cached = why->read_bytes > why->disk_bytes ? why->read_bytes - why->disk_bytes : 0;
	text_bytes(cached, bytes);
	if (cached >= LEAST_BYTES)
		fprintf(out, INDENT "read %s without a disk (cached files, pipes, sockets)\n",
			bytes);
}
