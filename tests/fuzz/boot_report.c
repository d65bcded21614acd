/* SPDX-License-Identifier: Apache-2.0 */
/* A boot's records from a store that anyone may have written, in every form; what is JSON must be JSON. */
#include "fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/boot/boot_show.h"
#include "model/json.h"

#define RECORDS_MAX 64

static void keep(struct boot_report *report, const struct record *record)
{
	struct boot_records *const lists[RECORD_TYPE_COUNT] = {
		[RECORD_UNIT] = &report->units, [RECORD_START] = &report->starts,
		[RECORD_PULL] = &report->pulls, [RECORD_WAIT] = &report->waits,
		[RECORD_GAP] = &report->gaps,
	};
	struct boot_records *list = lists[record->type];

	if (record->type == RECORD_BOOT) {
		boot_history_add(&report->history, &report->record.boot);
		report->record = *record;
	} else if (list && list->count < RECORDS_MAX) {
		list->all[list->count++] = *record;
	}
}

static void must_be_json(int (*show)(FILE *out, const struct boot_report *report),
			 const struct boot_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	if (!out || show(out, report) < 0)
		abort();
	fclose(out);
	json = json_loads(text, 0, NULL);
	if (!json)
		abort();
	json_decref(json);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record rooms[5][RECORDS_MAX];
	static FILE *null;
	struct boot_report report = {.units = {.all = rooms[0]},
				     .starts = {.all = rooms[1]},
				     .pulls = {.all = rooms[2]},
				     .waits = {.all = rooms[3]},
				     .gaps = {.all = rooms[4]}};
	struct record record;
	size_t i;
	json_t *list = json_loadb((const char *)data, size, 0, NULL), *one;

	if (!null)
		null = fopen("/dev/null", "we");
	json_array_foreach (list, i, one)
		if (record_from_json(one, &record) == 0)
			keep(&report, &record);
	json_decref(list);
	boot_history_judge(&report.history, &report.record.boot, &report.verdict);
	boot_show_text(null, &report, true);
	boot_show_svg(null, &report);
	boot_show_html(null, &report);
	must_be_json(boot_show_json, &report);
	must_be_json(boot_show_trace, &report);
	return 0;
}
