// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/explain_row.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/columns.h"

#define NAME_WIDTH 18
#define BAR_WIDTH  40

/* Columns are those that the bar begins at and is wide, of BAR_WIDTH. */
static void print_bar(FILE *out, struct span whole, struct span part, const char *block)
{
	uint64_t total = span_length(whole) ?: 1;
	uint64_t from = part.from_ns > whole.from_ns ? part.from_ns - whole.from_ns : 0;
	double scale = (double)BAR_WIDTH / (double)total;
	int begin = from < total ? (int)((double)from * scale) : BAR_WIDTH - 1;
	int width =
		span_length(part) < total ? (int)((double)span_length(part) * scale) : BAR_WIDTH;

	for (int i = 0; i < begin; i++)
		fputc(' ', out);
	for (int i = 0; i < (width ?: 1) && begin + i < BAR_WIDTH; i++)
		fputs(width ? block : "▏", out);
}

static void print(FILE *out, const struct explain_row *row, uint64_t ns, struct span bar,
		  struct span whole, const char *block)
{
	fprintf(out, "  %*s", (int)row->depth * 2, "");
	columns_print(out, row->name, NAME_WIDTH - (int)row->depth * 2);
	fprintf(out, " %9s  ", text_of_duration(ns));
	print_bar(out, whole, bar, block);
	if (row->note && *row->note) {
		fputs("  ", out);
		text_print_safe(out, row->note);
	}
	fputs(row->reconstructed ? "  [reconstructed]\n" : "\n", out);
}

void explain_row_print(FILE *out, const struct explain_row *row, struct span whole)
{
	print(out, row, span_length(row->span), row->span, whole, "█");
}

void explain_row_share(FILE *out, const struct explain_row *row, uint64_t ns, struct span whole)
{
	print(out, row, ns, (struct span){row->span.from_ns, row->span.from_ns + ns}, whole, "▒");
}

void explain_row_line(FILE *out, unsigned int depth, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0) {
		text = NULL;
		return;
	}
	fprintf(out, "  %*s", (int)depth * 2, "");
	text_print_safe(out, text);
	fputc('\n', out);
}

void explain_rate(uint64_t bytes, uint64_t ns, char ret[static EXPLAIN_RATE_SIZE])
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(bytes, text);
	snprintf(ret, EXPLAIN_RATE_SIZE, "%s at %.0f MB/s", text,
		 ns ? (double)bytes / 1e6 / ((double)ns / 1e9) : 0);
}
