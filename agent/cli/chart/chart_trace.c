// SPDX-License-Identifier: Apache-2.0
/* A process per group of rows, a thread per row, a complete event ("X") per bar. */
#include "cli/chart/chart_trace.h"

#include <errno.h>

#include "cli/chart/chart_json.h"
#include "cli/json_safe.h"

static void name_it(json_t *events, const char *what, size_t pid, size_t tid, json_t *name)
{
	json_array_append_new(events, json_pack("{ss ss sI sI s{so}}", "ph", "M", "name", what,
						"pid", (json_int_t)pid, "tid", (json_int_t)tid,
						"args", "name", name));
}

static void order_it(json_t *events, const char *what, size_t pid, size_t tid)
{
	json_array_append_new(events,
			      json_pack("{ss ss sI sI s{sI}}", "ph", "M", "name", what, "pid",
					(json_int_t)pid, "tid", (json_int_t)tid, "args",
					"sort_index", (json_int_t)(tid ? tid : pid)));
}

static void add_bar(json_t *events, const struct chart_row *row, const struct chart_bar *bar,
		    size_t tid)
{
	json_t *args = json_pack("{sb sb}", "critical", bar->critical, "reconstructed",
				 bar->reconstructed);

	if (row->detail && *row->detail)
		json_object_set_new(args, "detail", json_safe_text(row->detail));
	if (bar->lines)
		json_object_set_new(args, "lines", chart_json_lines(bar));
	if (bar->open)
		json_object_set_new(args, "open", json_true());
	if (bar->share)
		json_object_set_new(args, "share", json_true());
	json_array_append_new(events, json_pack("{ss so ss sf sf sI sI so}", "ph", "X", "name",
						json_safe_text(bar->title ?: ""), "cat", bar->style,
						"ts", (double)bar->from_ns / 1e3, "dur",
						(double)(bar->to_ns - bar->from_ns) / 1e3, "pid",
						(json_int_t)row->group + 1, "tid", (json_int_t)tid,
						"args", args));
}

static json_t *events_of(const struct chart *chart)
{
	json_t *events = json_array();

	for (size_t i = 0; i < chart->count; i++) {
		const struct chart_row *row = &chart->rows[i];
		size_t pid = row->group + 1, tid = i + 1;

		if (!i || row->group != chart->rows[i - 1].group) {
			name_it(events, "process_name", pid, 0,
				json_safe_text(chart->groups[row->group].title ?: ""));
			order_it(events, "process_sort_index", pid, 0);
		}
		name_it(events, "thread_name", pid, tid, json_safe_text(row->label ?: ""));
		order_it(events, "thread_sort_index", pid, tid);
		for (size_t j = 0; j < row->count; j++)
			add_bar(events, row, &row->bars[j], tid);
	}
	return events;
}

int chart_trace(FILE *out, const struct chart *chart, json_t *about)
{
	json_auto_t *trace = json_pack("{so ss sO}", "traceEvents", events_of(chart),
				       "displayTimeUnit", "ms", "otherData", about);

	if (!trace ||
	    json_dumpf(trace, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15)) < 0)
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}
