// SPDX-License-Identifier: Apache-2.0
#include "cli/boot_chart_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/boot_show.h"
#include "cli/columns.h"
#include "model/boot_words.h"
#include "model/json.h"
#include "model/sentence.h"

#define UNITS_MAX 60

const char *chart_group_title(enum chart_group group)
{
	static const char *const titles[CHART_GROUP_COUNT] = {
		[CHART_BOOT] = "Boot",	 [CHART_PATH] = "Critical path",
		[CHART_PODS] = "Pods",	 [CHART_PULLS] = "Image pulls",
		[CHART_UNITS] = "Units",
	};

	return group < CHART_GROUP_COUNT ? titles[group] : "";
}

/* --- rows and bars ---------------------------------------------------------------------------- */

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

/* Owns label and detail from now on. */
struct chart_row *chart_add_row(struct chart_making *making, enum chart_group group, char *label,
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

/* On the axis of the chart; what is not over goes to its end. */
void chart_place(struct chart_making *making, struct span span, struct chart_bar *bar)
{
	bar->open = !span.to_ns;
	bar->from_ns = boot_report_offset(making->report, span.from_ns);
	bar->to_ns = bar->open ? making->chart->total_ns
			       : boot_report_offset(making->report, span.to_ns);
	if (bar->to_ns < bar->from_ns)
		bar->to_ns = bar->from_ns;
}

/* Owns the bar's title from now on. */
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
		return;
	}
	row->critical |= bar.critical;
	row->bars[row->count++] = bar;
}

/* "pull 1min 1.0s", with what follows the colon where there is something. */
char *chart_title(struct chart_making *making, const char *name, const struct chart_bar *bar,
		  const char *detail)
{
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	text_print_safe(text.out, name);
	fprintf(text.out, " %s%s", columns_duration(bar->to_ns - bar->from_ns),
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

/* --- the boot and its critical path ------------------------------------------------------------ */

static const char *phase_style(enum boot_phase phase)
{
	static const char *const styles[BOOT_PHASE_COUNT] = {
		[BOOT_PHASE_NONE] = "idle",
		[BOOT_PHASE_FIRMWARE] = "boot-firmware",
		[BOOT_PHASE_LOADER] = "boot-loader",
		[BOOT_PHASE_KERNEL] = "boot-kernel",
		[BOOT_PHASE_INITRD] = "boot-initrd",
		[BOOT_PHASE_USERSPACE] = "boot-userspace",
		[BOOT_PHASE_RUNTIME] = "boot-runtime",
		[BOOT_PHASE_NODE] = "boot-node",
		[BOOT_PHASE_PODS] = "boot-pods",
	};

	return phase < BOOT_PHASE_COUNT ? styles[phase] : "idle";
}

static struct chart_row *phase_row(struct chart_making *making, enum boot_phase phase,
				   const char *label)
{
	struct boot_usual usual = {0};
	struct chart_text text;
	struct chart_row *row;
	char *detail = NULL;

	if (making->report->verdict.enough)
		boot_history_usual_phase(&making->report->history, phase, &usual);
	if (usual.median_ns && chart_text_begin(making, &text)) {
		fprintf(text.out, "usually %s", columns_duration(usual.median_ns));
		detail = chart_text_done(making, &text);
	}
	row = chart_add_row(making, CHART_BOOT, chart_safe(making, label), detail);
	if (row)
		row->usual_ns = usual.median_ns;
	return row;
}

static void add_phases(struct chart_making *making)
{
	const struct record_boot *boot = &making->report->record.boot;

	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++) {
		const struct boot_phase_span *phase = &boot->phases[i];
		struct chart_bar bar = {
			.style = phase_style(phase->phase),
			.reconstructed = phase->reconstructed,
		};
		char label[UNIT_SIZE];

		chart_place(making, phase->span, &bar);
		if (phase->phase == BOOT_PHASE_FIRMWARE) {
			bar.from_ns = 0;
			bar.to_ns = boot->firmware_ns;
		} else if (phase->phase == BOOT_PHASE_LOADER) {
			bar.from_ns = boot->firmware_ns;
			bar.to_ns = boot->firmware_ns + boot->loader_ns;
		}
		boot_words_phase(boot, phase->phase, label);
		bar.title = chart_title(making, label, &bar, "");
		chart_add_bar(making, phase_row(making, phase->phase, label), bar);
	}
}

static const char *step_style(const struct boot_step *step)
{
	switch (step->kind) {
	case BOOT_STEP_UNIT:
		return "unit";
	case BOOT_STEP_MILESTONE:
		return "milestone";
	case BOOT_STEP_POD:
		return step->phase < PHASE_COUNT ? phase_name(step->phase) : "idle";
	case BOOT_STEP_PEER:
		return "peer";
	default:
		return "idle";
	}
}

static void add_path(struct chart_making *making)
{
	const struct record_boot *boot = &making->report->record.boot;

	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *step = &boot->steps[i];
		struct chart_bar bar = {
			.style = step_style(step),
			.critical = true,
			.reconstructed = step->reconstructed,
		};
		char title[BOOT_TITLE_SIZE];

		chart_place(making, step->span, &bar);
		boot_step_title(step, title);
		bar.title = chart_title(making, title, &bar, step->detail);
		chart_add_bar(making,
			      chart_add_row(making, CHART_PATH, chart_safe(making, title),
					    chart_safe(making, step->detail)),
			      bar);
	}
}

/* Is this what a step of the critical path tells of? */
static bool unit_critical(const struct record_boot *boot, const struct record_unit *unit)
{
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++)
		if (boot->steps[i].kind == BOOT_STEP_UNIT &&
		    strcmp(boot->steps[i].name, unit->name) == 0)
			return true;
	return false;
}

/* --- pulls and units -------------------------------------------------------------------------- */

static void add_pulls(struct chart_making *making)
{
	const struct boot_records *pulls = &making->report->pulls;

	for (size_t i = 0; i < pulls->count; i++) {
		const struct record_pull *pull = &pulls->all[i].pull;
		struct chart_bar bar = {
			.style = pull->failed ? "failed" : "pull",
			.reconstructed = pull->reconstructed,
		};

		chart_place(making, pull->span, &bar);
		bar.title = chart_title(making, pull->failed ? "failed pull" : "pull", &bar, "");
		chart_add_bar(
			making,
			chart_add_row(making, CHART_PULLS,
				      chart_safe(making, *pull->image ? pull->image : "an image"),
				      chart_sentence(making, &pulls->all[i])),
			bar);
	}
	making->chart->left_out[CHART_PULLS] = pulls->left_out;
}

static uint64_t weight(const struct chart_making *making, const struct record_unit *unit)
{
	if (*unit->result || !unit->span.to_ns || unit_critical(&making->report->record.boot, unit))
		return UINT64_MAX;
	return unit->span.to_ns > unit->span.from_ns ? unit->span.to_ns - unit->span.from_ns : 0;
}

static int compare_weight(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a < b) - (a > b);
}

/* So that UNITS_MAX are at least that long. Those that took no time, like most targets, are not shown either. */
static uint64_t least_weight(const struct chart_making *making)
{
	const struct boot_records *units = &making->report->units;
	cleanup_free uint64_t *weights = calloc(units->count + 1, sizeof(*weights));

	if (!weights || units->count <= UNITS_MAX)
		return 1;
	for (size_t i = 0; i < units->count; i++)
		weights[i] = weight(making, &units->all[i].unit);
	qsort(weights, units->count, sizeof(*weights), compare_weight);
	return weights[UNITS_MAX - 1] ?: 1;
}

static void add_units(struct chart_making *making)
{
	const struct boot_records *units = &making->report->units;
	uint64_t least = least_weight(making);

	making->chart->left_out[CHART_UNITS] = units->left_out;
	for (size_t i = 0; i < units->count; i++) {
		const struct record_unit *unit = &units->all[i].unit;
		struct chart_bar bar = {
			.style = *unit->result ? "failed" : "unit",
			.critical = unit_critical(&making->report->record.boot, unit),
		};

		if (weight(making, unit) < least) {
			making->chart->left_out[CHART_UNITS]++;
			continue;
		}
		chart_place(making, unit->span, &bar);
		bar.title = chart_title(making, *unit->result ? "failed after" : "starting", &bar,
					unit->result);
		chart_add_bar(making,
			      chart_add_row(making, CHART_UNITS, chart_safe(making, unit->name),
					    chart_sentence(making, &units->all[i])),
			      bar);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

int boot_chart_make(struct chart *ret, const struct boot_report *report)
{
	struct chart chart = {.total_ns = boot_report_total(report)};
	struct chart_making making = {.chart = &chart, .report = report};

	add_phases(&making);
	add_path(&making);
	chart_add_pods(&making);
	add_pulls(&making);
	add_units(&making);
	if (making.error < 0) {
		boot_chart_done(&chart);
		return making.error;
	}
	*ret = chart;
	return 0;
}

void boot_chart_done(struct chart *chart)
{
	for (size_t i = 0; i < chart->count; i++) {
		for (size_t j = 0; j < chart->rows[i].count; j++)
			free(chart->rows[i].bars[j].title);
		free(chart->rows[i].bars);
		free(chart->rows[i].label);
		free(chart->rows[i].detail);
	}
	free(chart->rows);
}
