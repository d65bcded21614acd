// SPDX-License-Identifier: Apache-2.0
#include "cli/chart/chart_making.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "model/sentence.h"

bool chart_text_begin(struct chart_making *making, struct chart_text *text)
{
	text->out = open_memstream(&text->text, &text->size);
	if (!text->out)
		making->error = -ENOMEM;
	return text->out;
}

char *chart_text_done(struct chart_making *making, struct chart_text *text)
{
	if (fclose(text->out) != 0)
		making->error = -ENOMEM;
	return text->text;
}

char *chart_safe(struct chart_making *making, const char *from)
{
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	text_print_safe(text.out, from);
	return chart_text_done(making, &text);
}

size_t chart_add_group(struct chart_making *making, char *title)
{
	struct chart *chart = making->chart;

	if (chart->group_count == chart->group_room) {
		size_t room = chart->group_room ? chart->group_room * 2 : 8;
		struct chart_group *groups = reallocarray(chart->groups, room, sizeof(*groups));

		if (!groups) {
			free(title);
			making->error = -ENOMEM;
			return 0;
		}
		chart->groups = groups;
		chart->group_room = room;
	}
	chart->groups[chart->group_count] = (struct chart_group){.title = title};
	return chart->group_count++;
}

void chart_leave_out(struct chart_making *making, size_t group, size_t count)
{
	if (group < making->chart->group_count)
		making->chart->groups[group].left_out += count;
}

struct chart_row *chart_add_row(struct chart_making *making, size_t group, char *label,
				char *detail)
{
	struct chart *chart = making->chart;

	if (chart->count == chart->room) {
		size_t room = chart->room ? chart->room * 2 : 64;
		struct chart_row *rows = reallocarray(chart->rows, room, sizeof(*rows));

		if (!rows) {
			free(label);
			free(detail);
			making->error = -ENOMEM;
			return NULL;
		}
		chart->rows = rows;
		chart->room = room;
	}
	chart->rows[chart->count] =
		(struct chart_row){.group = group, .label = label, .detail = detail};
	return &chart->rows[chart->count++];
}

static uint64_t offset(const struct chart_making *making, uint64_t boot_ns)
{
	return making->before_ns + (boot_ns > making->origin_ns ? boot_ns - making->origin_ns : 0);
}

void chart_place(struct chart_making *making, struct span span, struct chart_bar *bar)
{
	bar->open = !span.to_ns;
	bar->from_ns = offset(making, span.from_ns);
	bar->to_ns = bar->open ? making->chart->total_ns : offset(making, span.to_ns);
	if (bar->to_ns < bar->from_ns)
		bar->to_ns = bar->from_ns;
}

void chart_add_bar(struct chart_making *making, struct chart_row *row, struct chart_bar bar)
{
	if (row && row->count == row->room) {
		size_t room = row->room ? row->room * 2 : 4;
		struct chart_bar *bars = reallocarray(row->bars, room, sizeof(*bars));

		if (bars) {
			row->bars = bars;
			row->room = room;
		} else {
			making->error = -ENOMEM;
		}
	}
	if (!row || row->count == row->room) {
		free(bar.title);
		free(bar.lines);
		return;
	}
	row->critical |= bar.critical;
	row->bars[row->count++] = bar;
}

char *chart_title(struct chart_making *making, const char *name, const struct chart_bar *bar,
		  const char *detail)
{
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	text_print_safe(text.out, name);
	fprintf(text.out, " %s%s", text_of_duration(bar->to_ns - bar->from_ns),
		bar->open ? " so far" : "");
	if (*detail) {
		fputs(": ", text.out);
		text_print_safe(text.out, detail);
	}
	return chart_text_done(making, &text);
}

char *chart_sentence(struct chart_making *making, const struct record *record)
{
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	sentence_text(text.out, record);
	return chart_text_done(making, &text);
}

void chart_done(struct chart *chart)
{
	for (size_t i = 0; i < chart->count; i++) {
		for (size_t j = 0; j < chart->rows[i].count; j++) {
			free(chart->rows[i].bars[j].title);
			free(chart->rows[i].bars[j].lines);
		}
		free(chart->rows[i].bars);
		free(chart->rows[i].label);
		free(chart->rows[i].detail);
	}
	free(chart->rows);
	for (size_t i = 0; i < chart->group_count; i++)
		free(chart->groups[i].title);
	free(chart->groups);
}
