// SPDX-License-Identifier: Apache-2.0
/* boot --compare: phase by phase against the usual, or against another boot, and the pods and units that grew. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "cli/boot/boot.h"
#include "cli/boot/boot_json.h"
#include "cli/json_safe.h"
#include "cli/boot/boot_parts.h"
#include "cli/columns.h"
#include "cli/verbs.h"
#include "model/boot_words.h"
#include "model/json.h"

#define SHOWN_MAX  10
#define LEAST_NS   (NS_PER_SECOND / 2) /* smaller differences are noise */
#define NAME_WIDTH 52

struct comparison {
	const struct boot_report *report;
	const char *against; /* a boot id, or "" for the usual */
	uint32_t boots;	     /* it is compared with */
	uint64_t total_ns, before_ns;
	uint64_t phase_ns[BOOT_PHASE_COUNT], phase_before_ns[BOOT_PHASE_COUNT];
	struct boot_parts parts;
};

/* --- gathering -------------------------------------------------------------------------------- */

struct earlier {
	const char *after; /* the boots before this one */
	bool met;
	char ids[BOOT_BASELINE_MAX][BOOT_ID_SIZE];
	size_t count;
};

static int on_boot(void *context, const char *boot_id, const struct record *record)
{
	struct earlier *earlier = context;

	if (earlier->met && record->boot.state == BOOT_READY)
		text_copy(earlier->ids[earlier->count++], BOOT_ID_SIZE, boot_id);
	earlier->met |= strcmp(boot_id, earlier->after) == 0;
	return earlier->count == BOOT_BASELINE_MAX;
}

static int add_boot(struct comparison *comparison, struct store *store, const char *boot_id)
{
	struct boot_report other;
	int r = boot_report_read(&other, store, boot_id);

	if (r < 0)
		return r;
	boot_parts_add(&comparison->parts, &other);
	boot_report_done(&other);
	return 0;
}

static int against_usual(struct comparison *comparison, struct store *store)
{
	const struct boot_report *report = comparison->report;
	struct store_query query = {.type = RECORD_BOOT, .order = STORE_NEWEST_FIRST};
	struct earlier earlier = {.after = report->boot_id};
	int r = store_query(store, &query, on_boot, &earlier);

	comparison->boots = report->verdict.boots;
	comparison->before_ns = report->verdict.usual_ns;
	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++) {
		struct usual usual;

		boot_history_usual_phase(&report->history, phase, &usual);
		comparison->phase_before_ns[phase] = usual.median_ns;
	}
	for (size_t i = 0; r >= 0 && i < earlier.count; i++)
		r = add_boot(comparison, store, earlier.ids[i]);
	return r;
}

static int against_one(struct comparison *comparison, struct store *store,
		       const struct boot_report *other)
{
	comparison->against = other->boot_id;
	comparison->boots = 1;
	comparison->before_ns = boot_report_total(other);
	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++)
		comparison->phase_before_ns[phase] = boot_phase_ns(&other->record.boot, phase);
	return add_boot(comparison, store, other->boot_id);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void print_difference(uint64_t ns, uint64_t before_ns)
{
	uint64_t by_ns = ns > before_ns ? ns - before_ns : before_ns - ns;
	char text[48];

	snprintf(text, sizeof(text), "%s%s", ns > before_ns ? "+" : "-", text_of_duration(by_ns));
	if (by_ns >= LEAST_NS / 5)
		printf(" %13s", text);
}

static void print_row(const char *label, uint64_t ns, uint64_t before_ns)
{
	fputs("  ", stdout);
	columns_print(stdout, label, 14);
	printf(" %11s %11s", ns ? text_of_duration(ns) : "-",
	       before_ns ? text_of_duration(before_ns) : "-");
	print_difference(ns, before_ns);
	putchar('\n');
}

/* As with whole boots: a fifth more is worth a line. */
static bool noticeable(const struct boot_part *part)
{
	uint64_t grown_ns = boot_part_grown(part);

	return grown_ns >= LEAST_NS && grown_ns >= boot_part_before(part) / 5;
}

static void print_parts(const struct comparison *comparison, enum boot_part_kind kind,
			const char *title)
{
	char grown[48];
	int shown = 0;

	for (size_t i = 0; i < comparison->parts.count && shown < SHOWN_MAX; i++) {
		const struct boot_part *part = &comparison->parts.all[i];

		if (part->kind != kind || !noticeable(part))
			continue;
		if (!shown++)
			printf("\n%s\n", title);
		snprintf(grown, sizeof(grown), "+%s", text_of_duration(boot_part_grown(part)));
		printf("  %12s  ", grown);
		columns_print(stdout, part->name, NAME_WIDTH);
		printf("  %s, before %s\n", text_of_duration(part->ns),
		       text_of_duration(boot_part_before(part)));
	}
}

static void print_text(const struct comparison *comparison)
{
	const struct boot_report *report = comparison->report;
	bool usual = !*comparison->against;
	char time[WALL_TEXT_SIZE], label[UNIT_SIZE];

	clock_wall_text(boot_report_began(report), 0, time);
	time[strlen("2026-11-23")] = ' ';
	printf("Boot of %s against ", time);
	if (usual)
		printf("the usual: median of %" PRIu32 " boots\n\n", comparison->boots);
	else
		printf("boot %s\n\n", comparison->against);
	printf("  %-14s %11s %11s %13s\n", "", "this boot", usual ? "usual" : "that boot",
	       "difference");
	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++) {
		uint64_t ns = comparison->phase_ns[phase];
		uint64_t before_ns = comparison->phase_before_ns[phase];

		if (!ns && !before_ns)
			continue;
		boot_words_phase(&report->record.boot, phase, label);
		print_row(label, ns, before_ns);
	}
	print_row("all", comparison->total_ns, comparison->before_ns);
	print_parts(comparison, BOOT_PART_POD, "Containers that took longer to start");
	print_parts(comparison, BOOT_PART_UNIT, "Units that took longer");
}

static json_t *parts_json(const struct comparison *comparison, enum boot_part_kind kind)
{
	json_t *list = json_array();

	for (size_t i = 0; i < comparison->parts.count; i++) {
		const struct boot_part *part = &comparison->parts.all[i];
		json_t *json;

		if (part->kind != kind || !part->before)
			continue;
		json = json_pack("{so so}", "duration_ns", json_safe_number(part->ns), "before_ns",
				 json_safe_number(boot_part_before(part)));
		json_object_set_new(json, "name", json_safe_text(part->name));
		json_array_append_new(list, json);
	}
	return list;
}

static void print_json(const struct comparison *comparison)
{
	json_auto_t *json = json_object();
	json_t *phases = json_array();

	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++)
		if (comparison->phase_ns[phase] || comparison->phase_before_ns[phase])
			json_array_append_new(
				phases,
				json_pack("{ss so so}", "phase", boot_phase_name(phase),
					  "duration_ns",
					  json_safe_number(comparison->phase_ns[phase]),
					  "before_ns",
					  json_safe_number(comparison->phase_before_ns[phase])));
	json_object_set_new(json, "boot_id", json_string(comparison->report->boot_id));
	json_object_set_new(json, "against",
			    json_string(*comparison->against ? comparison->against : "usual"));
	json_object_set_new(json, "boots", json_safe_number(comparison->boots));
	json_object_set_new(json, "total_ns", json_safe_number(comparison->total_ns));
	json_object_set_new(json, "before_ns", json_safe_number(comparison->before_ns));
	json_object_set_new(json, "phases", phases);
	json_object_set_new(json, "containers", parts_json(comparison, BOOT_PART_POD));
	json_object_set_new(json, "units", parts_json(comparison, BOOT_PART_UNIT));
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

static int show(struct comparison *comparison, struct store *store, const struct options *options,
		const struct boot_report *other)
{
	int r = boot_parts_of(&comparison->parts, comparison->report);

	if (r == 0)
		r = other ? against_one(comparison, store, other)
			  : against_usual(comparison, store);
	if (r == 0) {
		boot_parts_sort(&comparison->parts);
		if (options->format == REPORT_JSON)
			print_json(comparison);
		else
			print_text(comparison);
	}
	boot_parts_done(&comparison->parts);
	return r < 0 ? boot_refuse(r, options->boot) : CLI_OK;
}

static int compare(struct store *store, const struct options *options,
		   const struct boot_report *report)
{
	struct comparison comparison = {
		.report = report,
		.against = "",
		.total_ns = boot_report_total(report),
	};
	struct boot_report other;
	int code, r;

	for (enum boot_phase phase = 0; phase < BOOT_PHASE_COUNT; phase++)
		comparison.phase_ns[phase] = boot_phase_ns(&report->record.boot, phase);
	if (!options->against && !report->verdict.enough) {
		fprintf(stderr,
			"nodewake boot: nothing is usual yet: %" PRIu32 " of %d boots before it "
			"became ready; --against -1 compares with one\n",
			report->verdict.boots, BOOT_HISTORY_ENOUGH);
		return CLI_FAILED;
	}
	if (!options->against)
		return show(&comparison, store, options, NULL);
	r = boot_report_read_head(&other, store, options->against);
	if (r < 0)
		return boot_refuse(r, options->against);
	code = show(&comparison, store, options, &other);
	boot_report_done(&other);
	return code;
}

int boot_compare(struct store *store, const struct options *options)
{
	struct boot_report report;
	int code, r = boot_report_read(&report, store, options->boot);

	if (r < 0)
		return boot_refuse(r, options->boot);
	code = compare(store, options, &report);
	boot_report_done(&report);
	return code;
}
