/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "cli/explain/explain_place.h"
#include "cli/explain/explain_topic.h"
#include "cli/explain/explain_words.h"

#define INDENT "    "
/* What is less explains nothing. */
#define LEAST_BYTES   (1ull << 20)
#define LEAST_PERCENT 5

static bool matters(const struct file_read *file, uint64_t disk_bytes)
{
	return file->bytes >= LEAST_BYTES && file->bytes >= disk_bytes / 100 * LEAST_PERCENT;
}

static bool is_place(const struct record_start *start, const struct phase_span *phase,
		     const struct file_read *file)
{
	return explain_place(start, file->span) == phase;
}

static void print_file(FILE *out, const struct file_read *file)
{
	char words[EXPLAIN_WORDS_SIZE];

	explain_words_file(file, words);
	fputs(INDENT, out);
	text_print_safe(out, words);
	fputc('\n', out);
}

void explain_files(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	const struct start_why *why = &start->why;
	uint64_t rest = why->disk_bytes, cached;
	char bytes[BYTES_TEXT_SIZE];

	if (!why->reads_measured)
		return;
	for (uint32_t i = 0; i < why->file_count; i++) {
		if (!matters(&why->files[i], why->disk_bytes))
			continue;
		if (is_place(start, phase, &why->files[i]))
			print_file(out, &why->files[i]);
		rest -= why->files[i].bytes < rest ? why->files[i].bytes : rest;
	}
	if (phase->phase != PHASE_APP)
		return;
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
