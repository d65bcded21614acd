// SPDX-License-Identifier: Apache-2.0
#include "cli/boot/boot_json.h"

#include <errno.h>

#include "cli/boot/boot_show.h"
#include "cli/json_safe.h"
#include "model/json.h"

static json_t *usual_phases(const struct boot_report *report)
{
	json_t *list = json_array();

	for (enum boot_phase phase = BOOT_PHASE_NONE + 1; phase < BOOT_PHASE_COUNT; phase++) {
		uint64_t ns = boot_phase_ns(&report->record.boot, phase);
		struct usual usual;

		boot_history_usual_phase(&report->history, phase, &usual);
		if (ns || usual.median_ns)
			json_array_append_new(
				list, json_pack("{ss so so so}", "phase", boot_phase_name(phase),
						"duration_ns", json_safe_number(ns), "usual_ns",
						json_safe_number(usual.median_ns), "spread_ns",
						json_safe_number(usual.spread_ns)));
	}
	return list;
}

json_t *boot_json_usual(const struct boot_report *report)
{
	const struct boot_verdict *verdict = &report->verdict;
	json_t *json = json_pack("{so sb sb}", "boots", json_safe_number(verdict->boots), "enough",
				 verdict->enough, "slower", verdict->slower);

	if (!verdict->enough)
		return json;
	json_object_set_new(json, "usual_ns", json_safe_number(verdict->usual_ns));
	json_object_set_new(json, "spread_ns", json_safe_number(verdict->spread_ns));
	json_object_set_new(json, "limit_ns", json_safe_number(verdict->limit_ns));
	if (verdict->grown) {
		json_object_set_new(json, "grown", json_string(boot_phase_name(verdict->grown)));
		json_object_set_new(json, "grown_ns", json_safe_number(verdict->grown_ns));
	}
	json_object_set_new(json, "phases", usual_phases(report));
	return json;
}

static json_t *records(const struct boot_records *records)
{
	json_t *list = json_array();

	for (size_t i = 0; i < records->count; i++)
		json_array_append_new(list, record_to_json(&records->all[i]));
	return list;
}

/* What to run about each pod that is missing, in their order. */
static json_t *next_commands(const struct record_boot *boot)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < boot->missing_count && i < BOOT_MISSING_MAX; i++) {
		char command[BOOT_COMMAND_SIZE];

		boot_next_command(boot, &boot->missing[i], command);
		json_array_append_new(list, json_string(command));
	}
	return list;
}

json_t *boot_json_report(const struct boot_report *report)
{
	json_t *json = json_object();
	uint64_t left_out = report->units.left_out + report->starts.left_out +
			    report->pulls.left_out + report->waits.left_out + report->gaps.left_out;

	json_object_set_new(json, "boot_id", json_string(report->boot_id));
	json_object_set_new(json, "total_ns", json_safe_number(boot_report_total(report)));
	json_object_set_new(json, "boot", record_to_json(&report->record));
	json_object_set_new(json, "usual", boot_json_usual(report));
	json_object_set_new(json, "next", next_commands(&report->record.boot));
	json_object_set_new(json, "units", records(&report->units));
	json_object_set_new(json, "starts", records(&report->starts));
	json_object_set_new(json, "pulls", records(&report->pulls));
	json_object_set_new(json, "waits", records(&report->waits));
	json_object_set_new(json, "gaps", records(&report->gaps));
	json_object_set_new(json, "left_out", json_safe_number(left_out));
	return json;
}

int boot_show_json(FILE *out, const struct boot_report *report)
{
	json_auto_t *json = boot_json_report(report);

	if (!json || json_dumpf(json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}
