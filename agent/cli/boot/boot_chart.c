// SPDX-License-Identifier: Apache-2.0
#include "cli/boot/boot_chart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/boot/boot_show.h"
#include "cli/chart/chart_making.h"
#include "model/boot_words.h"
#include "model/json.h"
#include "model/sentence.h"

#define UNITS_MAX 60

static const char *const group_titles[CHART_GROUP_COUNT] = {
	[CHART_BOOT] = "Boot",	       [CHART_PATH] = "Critical path", [CHART_PODS] = "Pods",
	[CHART_PULLS] = "Image pulls", [CHART_UNITS] = "Units",
};

static const struct chart_legend legend[] = {
	{"sandbox", "sandbox"},
	{"init", "init"},
	{"pull", "pull"},
	{"create", "create"},
	{"runtime", "runtime"},
	{"app", "app"},
	{"probe", "probe"},
	{"wait", "wait"},
	{"waiting", "waits, says Kubernetes"},
	{"failed", "failed"},
	{"critical", "on the critical path"},
	{"reconstructed", "reconstructed"},
	{"usual", "usual"},
	{NULL, NULL},
};

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

static struct chart_row *phase_row(struct chart_making *making, const struct boot_report *report,
				   enum boot_phase phase, const char *label)
{
	struct usual usual = {0};
	struct chart_text text;
	struct chart_row *row;
	char *detail = NULL;

	if (report->verdict.enough)
		boot_history_usual_phase(&report->history, phase, &usual);
	if (usual.median_ns && chart_text_begin(making, &text)) {
		fprintf(text.out, "usually %s", text_of_duration(usual.median_ns));
		detail = chart_text_done(making, &text);
	}
	row = chart_add_row(making, CHART_BOOT, chart_safe(making, label), detail);
	if (row)
		row->usual_ns = usual.median_ns;
	return row;
}

static void add_phases(struct chart_making *making, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;

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
		chart_add_bar(making, phase_row(making, report, phase->phase, label), bar);
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

static void add_path(struct chart_making *making, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;

	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *step = &boot->steps[i];
		struct chart_bar bar = {
			.style = step_style(step),
			.critical = true,
			.reconstructed = step->reconstructed,
		};
		char title[BOOT_TITLE_SIZE];
		struct chart_row *row;

		chart_place(making, step->span, &bar);
		boot_step_title(step, title);
		bar.title = chart_title(making, title, &bar, step->detail);
		row = chart_add_row(making, CHART_PATH, chart_safe(making, title),
				    chart_safe(making, step->detail));
		if (row)
			row->step = true;
		chart_add_bar(making, row, bar);
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

static void add_pulls(struct chart_making *making, const struct boot_report *report)
{
	const struct boot_records *pulls = &report->pulls;

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
	chart_leave_out(making, CHART_PULLS, pulls->left_out);
}

static uint64_t weight(const struct boot_report *report, const struct record_unit *unit)
{
	if (*unit->result || !unit->span.to_ns || unit_critical(&report->record.boot, unit))
		return UINT64_MAX;
	return unit->span.to_ns > unit->span.from_ns ? unit->span.to_ns - unit->span.from_ns : 0;
}

static int compare_weight(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a < b) - (a > b);
}

/* So that UNITS_MAX are at least that long. Those that took no time, like most targets, are not shown either. */
static uint64_t least_weight(const struct boot_report *report)
{
	const struct boot_records *units = &report->units;
	cleanup_free uint64_t *weights = calloc(units->count + 1, sizeof(*weights));

	if (!weights || units->count <= UNITS_MAX)
		return 1;
	for (size_t i = 0; i < units->count; i++)
		weights[i] = weight(report, &units->all[i].unit);
	qsort(weights, units->count, sizeof(*weights), compare_weight);
	return weights[UNITS_MAX - 1] ?: 1;
}

static void add_units(struct chart_making *making, const struct boot_report *report)
{
	const struct boot_records *units = &report->units;
	uint64_t least = least_weight(report);

	chart_leave_out(making, CHART_UNITS, units->left_out);
	for (size_t i = 0; i < units->count; i++) {
		const struct record_unit *unit = &units->all[i].unit;
		struct chart_bar bar = {
			.style = *unit->result ? "failed" : "unit",
			.critical = unit_critical(&report->record.boot, unit),
		};

		if (weight(report, unit) < least) {
			chart_leave_out(making, CHART_UNITS, 1);
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
	struct chart chart = {
		.what = "the boot",
		.legend = legend,
		.total_ns = boot_report_total(report),
	};
	struct chart_making making = {
		.chart = &chart,
		.before_ns = boot_report_offset(report, 0),
	};

	for (enum boot_chart_group group = 0; group < CHART_GROUP_COUNT; group++)
		chart_add_group(&making, chart_safe(&making, group_titles[group]));
	add_phases(&making, report);
	add_path(&making, report);
	boot_chart_add_pods(&making, report);
	add_pulls(&making, report);
	add_units(&making, report);
	if (making.error < 0) {
		chart_done(&chart);
		return making.error;
	}
	*ret = chart;
	return 0;
}
