// SPDX-License-Identifier: Apache-2.0
#include "cli/boot_chart.h"

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

struct making {
	struct chart *chart;
	const struct boot_report *report;
	int error;
};

/* --- rows and bars ---------------------------------------------------------------------------- */

/* A text that is printed piece by piece: fill(), then take it with done(). */
struct text {
	char *text;
	size_t size;
	FILE *out;
};

static bool begin(struct making *making, struct text *text)
{
	text->out = open_memstream(&text->text, &text->size);
	if (!text->out)
		making->error = -ENOMEM;
	return text->out;
}

static char *done(struct making *making, struct text *text)
{
	if (fclose(text->out) != 0)
		making->error = -ENOMEM;
	return text->text;
}

static char *safe(struct making *making, const char *from)
{
	struct text text;

	if (!begin(making, &text))
		return NULL;
	text_print_safe(text.out, from);
	return done(making, &text);
}

/* Owns label and detail from now on. */
static struct chart_row *add_row(struct making *making, enum chart_group group, char *label,
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
static void place(struct making *making, struct span span, struct chart_bar *bar)
{
	bar->open = !span.to_ns;
	bar->from_ns = boot_report_offset(making->report, span.from_ns);
	bar->to_ns = bar->open ? making->chart->total_ns
			       : boot_report_offset(making->report, span.to_ns);
	if (bar->to_ns < bar->from_ns)
		bar->to_ns = bar->from_ns;
}

/* Owns the bar's title from now on. */
static void add_bar(struct making *making, struct chart_row *row, struct chart_bar bar)
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
static char *title_of(struct making *making, const char *name, const struct chart_bar *bar,
		      const char *detail)
{
	struct text text;

	if (!begin(making, &text))
		return NULL;
	text_print_safe(text.out, name);
	fprintf(text.out, " %s%s", columns_duration(bar->to_ns - bar->from_ns),
		bar->open ? " so far" : "");
	if (*detail) {
		fputs(": ", text.out);
		text_print_safe(text.out, detail);
	}
	return done(making, &text);
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

static void add_phases(struct making *making)
{
	const struct record_boot *boot = &making->report->record.boot;

	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++) {
		const struct boot_phase_span *phase = &boot->phases[i];
		struct chart_bar bar = {
			.style = phase_style(phase->phase),
			.reconstructed = phase->reconstructed,
		};
		char label[UNIT_SIZE];

		place(making, phase->span, &bar);
		if (phase->phase == BOOT_PHASE_FIRMWARE) {
			bar.from_ns = 0;
			bar.to_ns = boot->firmware_ns;
		} else if (phase->phase == BOOT_PHASE_LOADER) {
			bar.from_ns = boot->firmware_ns;
			bar.to_ns = boot->firmware_ns + boot->loader_ns;
		}
		boot_words_phase(boot, phase->phase, label);
		bar.title = title_of(making, label, &bar, "");
		add_bar(making, add_row(making, CHART_BOOT, safe(making, label), NULL), bar);
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

static void add_path(struct making *making)
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

		place(making, step->span, &bar);
		boot_step_title(step, title);
		bar.title = title_of(making, title, &bar, step->detail);
		add_bar(making,
			add_row(making, CHART_PATH, safe(making, title),
				safe(making, step->detail)),
			bar);
	}
}

static bool overlaps(struct span one, struct span other)
{
	return one.from_ns < other.to_ns && other.from_ns < one.to_ns;
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

static bool phase_critical(const struct record_boot *boot, const struct subject *subject,
			   const struct phase_span *phase)
{
	char pod[POD_PATH_SIZE];

	snprintf(pod, sizeof(pod), "%s/%.90s", subject->pod_namespace, subject->pod);
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *step = &boot->steps[i];

		if ((step->kind == BOOT_STEP_POD || step->kind == BOOT_STEP_PEER) &&
		    strcmp(step->pod, pod) == 0 &&
		    (!*step->name || strcmp(step->name, subject->container) == 0) &&
		    (step->kind == BOOT_STEP_PEER || step->phase == phase->phase) &&
		    overlaps(step->span, phase->span))
			return true;
	}
	return false;
}

/* --- pods ------------------------------------------------------------------------------------- */

static char *subject_label(struct making *making, const struct record *record, const char *what)
{
	struct text text;

	if (!begin(making, &text))
		return NULL;
	sentence_subject(text.out, record);
	fputs(what, text.out);
	return done(making, &text);
}

static char *sentence_of(struct making *making, const struct record *record)
{
	struct text text;

	if (!begin(making, &text))
		return NULL;
	sentence_text(text.out, record);
	return done(making, &text);
}

/* The row of an earlier start of the same container, if this one comes after it. */
static struct chart_row *row_before(struct making *making, const char *label, uint64_t from_ns)
{
	for (size_t i = making->chart->count; i > 0; i--) {
		struct chart_row *row = &making->chart->rows[i - 1];

		if (row->group == CHART_PODS && row->label && strcmp(row->label, label) == 0)
			return row->count && row->bars[row->count - 1].to_ns > from_ns ? NULL : row;
	}
	return NULL;
}

static void add_start(struct making *making, const struct record *record)
{
	const struct record_start *start = &record->start;
	char *label = subject_label(making, record, "");
	struct chart_row *row =
		label ? row_before(making, label,
				   boot_report_offset(making->report, start->span.from_ns))
		      : NULL;

	if (row)
		free(label);
	else
		row = add_row(making, CHART_PODS, label, sentence_of(making, record));
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &start->phases[i];
		struct chart_bar bar = {
			.style = phase->phase < PHASE_COUNT ? phase_name(phase->phase) : "idle",
			.reconstructed = phase->reconstructed,
			.critical = phase_critical(&making->report->record.boot, &record->subject,
						   phase),
		};

		place(making, phase->span, &bar);
		bar.title = title_of(making, phase_name(phase->phase), &bar, "");
		add_bar(making, row, bar);
	}
}

static void add_wait(struct making *making, const struct record *record)
{
	struct chart_bar bar = {.style = "waiting"};

	place(making, record->wait.span, &bar);
	bar.title = title_of(making, record->wait.reason, &bar, record->wait.message);
	add_bar(making,
		add_row(making, CHART_PODS, subject_label(making, record, " waits"),
			sentence_of(making, record)),
		bar);
}

static bool same_pod(const struct record *one, const struct record *other)
{
	return strcmp(one->subject.pod_namespace, other->subject.pod_namespace) == 0 &&
	       strcmp(one->subject.pod, other->subject.pod) == 0 &&
	       (*one->subject.pod ||
		strcmp(one->subject.container_id, other->subject.container_id) == 0);
}

/* A pod's own start has the phases of the container that was ready last: shown where that is not known. */
static bool is_shown(const struct boot_records *starts, const struct record *record)
{
	if (*record->subject.container || !*record->subject.pod)
		return true;
	for (size_t i = 0; i < starts->count; i++)
		if (*starts->all[i].subject.container && same_pod(&starts->all[i], record))
			return false;
	return true;
}

static bool seen_before(const struct boot_records *records, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_pod(&records->all[i], &records->all[index]))
			return true;
	return false;
}

static bool has_start(const struct boot_records *starts, const struct record *record)
{
	for (size_t i = 0; i < starts->count; i++)
		if (same_pod(&starts->all[i], record))
			return true;
	return false;
}

static void add_pods(struct making *making)
{
	const struct boot_records *starts = &making->report->starts;
	const struct boot_records *waits = &making->report->waits;

	for (size_t i = 0; i < starts->count; i++) {
		const struct record *first = &starts->all[i];

		if (seen_before(starts, i))
			continue;
		for (size_t j = i; j < starts->count; j++)
			if (same_pod(&starts->all[j], first) && is_shown(starts, &starts->all[j]))
				add_start(making, &starts->all[j]);
		for (size_t j = 0; j < waits->count; j++)
			if (same_pod(&waits->all[j], first))
				add_wait(making, &waits->all[j]);
	}
	for (size_t i = 0; i < waits->count; i++)
		if (!has_start(starts, &waits->all[i]))
			add_wait(making, &waits->all[i]);
	making->chart->left_out[CHART_PODS] = starts->left_out + waits->left_out;
}

static void add_pulls(struct making *making)
{
	const struct boot_records *pulls = &making->report->pulls;

	for (size_t i = 0; i < pulls->count; i++) {
		const struct record_pull *pull = &pulls->all[i].pull;
		struct chart_bar bar = {
			.style = pull->failed ? "failed" : "pull",
			.reconstructed = pull->reconstructed,
		};

		place(making, pull->span, &bar);
		bar.title = title_of(making, pull->failed ? "failed pull" : "pull", &bar, "");
		add_bar(making,
			add_row(making, CHART_PULLS,
				safe(making, *pull->image ? pull->image : "an image"),
				sentence_of(making, &pulls->all[i])),
			bar);
	}
	making->chart->left_out[CHART_PULLS] = pulls->left_out;
}

/* --- units ------------------------------------------------------------------------------------ */

static uint64_t weight(const struct making *making, const struct record_unit *unit)
{
	if (*unit->result || unit_critical(&making->report->record.boot, unit))
		return UINT64_MAX;
	return unit->span.to_ns > unit->span.from_ns ? unit->span.to_ns - unit->span.from_ns : 0;
}

static int compare_weight(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a < b) - (a > b);
}

/* So that UNITS_MAX are at least that long. */
static uint64_t least_weight(const struct making *making)
{
	const struct boot_records *units = &making->report->units;
	cleanup_free uint64_t *weights = calloc(units->count + 1, sizeof(*weights));

	if (!weights || units->count <= UNITS_MAX)
		return 0;
	for (size_t i = 0; i < units->count; i++)
		weights[i] = weight(making, &units->all[i].unit);
	qsort(weights, units->count, sizeof(*weights), compare_weight);
	return weights[UNITS_MAX - 1];
}

static void add_units(struct making *making)
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
		place(making, unit->span, &bar);
		bar.title = title_of(making, *unit->result ? "failed after" : "starting", &bar,
				     unit->result);
		add_bar(making,
			add_row(making, CHART_UNITS, safe(making, unit->name),
				sentence_of(making, &units->all[i])),
			bar);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

int boot_chart_make(struct chart *ret, const struct boot_report *report)
{
	struct chart chart = {.total_ns = boot_report_total(report)};
	struct making making = {.chart = &chart, .report = report};

	add_phases(&making);
	add_path(&making);
	add_pods(&making);
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
