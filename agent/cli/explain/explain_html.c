// SPDX-License-Identifier: Apache-2.0
/* A pod as a page: what stands above and in its waterfall. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/chart/chart_html.h"
#include "cli/explain/explain_chart.h"
#include "cli/explain/explain_show.h"
#include "cli/json_safe.h"
#include "cli/xml.h"
#include "model/cause.h"
#include "model/json.h"
#include "model/sentence.h"

#define HAPPENED_MAX 50

static void show_ready(FILE *out, const struct dossier *dossier)
{
	explain_show_ready(out, dossier, "");
}

typedef void (*part_fn)(FILE *out, const struct dossier *dossier);

/* The caller frees it; NULL for want of memory. */
static char *text_of(part_fn part, const struct dossier *dossier)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	part(out, dossier);
	fclose(out);
	return text;
}

static void print_part(FILE *out, part_fn part, const struct dossier *dossier)
{
	cleanup_free char *text = text_of(part, dossier);

	xml_print(out, text ?: "");
}

static void print_row(FILE *out, const char *head, const char *words)
{
	fputs("<tr><td>", out);
	xml_print(out, head);
	fputs("</td><td>", out);
	xml_print(out, words);
	fputs("</td></tr>\n", out);
}

/* The top cause of each start that is drawn, and what would help. */
static void print_causes(FILE *out, const struct dossier *dossier)
{
	fputs("<table id=\"causes\">\n", out);
	for (size_t i = 0; i < dossier->count; i++) {
		const struct record *record = &dossier->records[i];
		char cause[CAUSE_SIZE];

		if (!dossier_is_latest_start(dossier, i) || !start_cause(&record->start, cause))
			continue;
		print_row(out, record->subject.container, cause);
		if (*record->start.why.advice)
			print_row(out, "", record->start.why.advice);
	}
	fputs("</table>\n", out);
}

static void print_happened(FILE *out, const struct dossier *dossier)
{
	size_t happened = 0, seen = 0;

	for (size_t i = 0; i < dossier->count; i++)
		happened += dossier->records[i].type != RECORD_START;
	if (!happened)
		return;
	fputs("<h2>What happened</h2>\n<table id=\"happened\">\n", out);
	for (size_t i = 0; i < dossier->count; i++) {
		const struct record *record = &dossier->records[i];
		cleanup_free char *text = NULL;
		char time[WALL_TEXT_SIZE];
		size_t size = 0;
		FILE *plain;

		if (record->type == RECORD_START || ++seen + HAPPENED_MAX <= happened)
			continue;
		plain = open_memstream(&text, &size);
		if (!plain)
			return;
		sentence_text(plain, record);
		fclose(plain);
		clock_wall_text((int64_t)record->boot_ns + record->wall_offset_ns, 0, time);
		print_row(out, time, text);
	}
	fputs("</table>\n", out);
}

static void print_summary(FILE *out, const struct dossier *dossier)
{
	fputs("<header>\n<h1>", out);
	print_part(out, explain_show_name, dossier);
	fputs("</h1>\n<p>", out);
	print_part(out, show_ready, dossier);
	if (dossier->earlier)
		fprintf(out, " (and %zu earlier pod%s of this name)", dossier->earlier,
			dossier->earlier > 1 ? "s" : "");
	fputs("</p>\n", out);
	print_causes(out, dossier);
	fputs("</header>\n", out);
}

static void print_title(FILE *out, const struct dossier *dossier)
{
	fputs("Start of ", out);
	explain_show_name(out, dossier);
}

static json_t *data_of(const struct dossier *dossier, const struct chart *chart)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dossier->count; i++)
		json_array_append_new(list, record_to_json(&dossier->records[i]));
	return json_pack("{so so}", "total_ns", json_safe_number(chart->total_ns), "records", list);
}

int explain_show_html(FILE *out, const struct dossier *dossier)
{
	cleanup_free char *above = text_of(print_summary, dossier);
	cleanup_free char *below = text_of(print_happened, dossier);
	cleanup_free char *title = text_of(print_title, dossier);
	json_auto_t *data = NULL;
	struct chart chart;
	int r = above && below && title ? explain_chart_make(&chart, dossier, true) : -ENOMEM;

	if (r < 0)
		return r;
	data = data_of(dossier, &chart);
	r = data ? chart_html(out, &chart,
			      &(struct chart_page){.title = title,
						   .summary = above,
						   .below = below,
						   .search = "container, phase, file, peer",
						   .data = data})
		 : -ENOMEM;
	chart_done(&chart);
	return r;
}
