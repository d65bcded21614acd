// SPDX-License-Identifier: Apache-2.0
#include "cli/chart/chart_json.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/json_safe.h"

json_t *chart_json_lines(const struct chart_bar *bar)
{
	cleanup_free char *copy = strdup(bar->lines ?: "");
	json_t *list = json_array();
	char *rest = NULL;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		json_array_append_new(list, json_safe_text(line));
	return list;
}

static json_t *bars_json(const struct chart_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->count; i++) {
		const struct chart_bar *bar = &row->bars[i];

		json_array_append_new(list,
				      json_pack("{so so so so sb sb sb sb}", "title",
						json_safe_text(bar->title ?: ""), "lines",
						chart_json_lines(bar), "from_ns",
						json_safe_number(bar->from_ns), "to_ns",
						json_safe_number(bar->to_ns), "critical",
						bar->critical, "reconstructed", bar->reconstructed,
						"open", bar->open, "share", bar->share));
	}
	return list;
}

json_t *chart_json(const struct chart *chart)
{
	json_t *list = json_array();

	for (size_t i = 0; i < chart->count; i++) {
		const struct chart_row *row = &chart->rows[i];

		json_array_append_new(list, json_pack("{so so sb so}", "label",
						      json_safe_text(row->label ?: ""), "detail",
						      json_safe_text(row->detail ?: ""), "critical",
						      row->critical, "bars", bars_json(row)));
	}
	return list;
}
