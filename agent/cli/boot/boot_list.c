// SPDX-License-Identifier: Apache-2.0
/* boot --list: when, ready after how long, against the boots before it, and how the one before ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/boot/boot.h"
#include "cli/boot/boot_json.h"
#include "cli/boot/boot_show.h"
#include "cli/columns.h"
#include "cli/verbs.h"
#include "model/boot_words.h"
#include "model/json.h"
#include "model/sentence.h"

/* As many as are listed, and as many before the oldest of them as it is compared with. */
#define KEPT_MAX (2 * BOOT_HISTORY_MAX)

struct kept {
	char boot_id[BOOT_ID_SIZE];
	struct record record;
};

struct listing {
	struct kept *all; /* newest first */
	size_t count;
};

static int keep(void *context, const char *boot_id, const struct record *record)
{
	struct listing *listing = context;
	struct kept *kept = &listing->all[listing->count++];

	TEXT_COPY(kept->boot_id, boot_id);
	kept->record = *record;
	return listing->count == KEPT_MAX;
}

/* The boot as a report without its parts. */
static struct boot_report report_of(const struct listing *listing, size_t index)
{
	struct boot_report report = {.record = listing->all[index].record};

	TEXT_COPY(report.boot_id, listing->all[index].boot_id);
	for (size_t i = index + 1; i < listing->count; i++)
		boot_history_add(&report.history, &listing->all[i].record.boot);
	boot_history_judge(&report.history, &report.record.boot, &report.verdict);
	return report;
}

static void print_state(FILE *out, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;

	fprintf(out, "%-13s %11s", boot_state_name(boot->state),
		text_of_duration(boot_report_total(report)));
}

/* "+1min 33.2s  slower, pods grew by 1min 8.0s" */
static void print_usual(FILE *out, const struct boot_report *report)
{
	const struct boot_verdict *verdict = &report->verdict;
	uint64_t total_ns = boot_report_total(report);
	char text[48], label[UNIT_SIZE];

	if (!verdict->enough || report->record.boot.state != BOOT_READY) {
		fprintf(out, "%14s", "");
		return;
	}
	snprintf(text, sizeof(text), "%s%s", total_ns >= verdict->usual_ns ? "+" : "-",
		 text_of_duration(total_ns >= verdict->usual_ns ? total_ns - verdict->usual_ns
								: verdict->usual_ns - total_ns));
	fprintf(out, "%14s", text);
	if (!verdict->slower)
		return;
	boot_words_phase(&report->record.boot, verdict->grown, label);
	fputs("  slower: ", out);
	text_print_safe(out, label);
	fprintf(out, " +%s", text_of_duration(verdict->grown_ns));
}

static void print_line(const struct boot_report *report, size_t index, bool colour)
{
	const struct record_boot *boot = &report->record.boot;
	cleanup_free char *usual = NULL;
	char time[WALL_TEXT_SIZE], number[24];
	size_t size = 0;
	FILE *text = open_memstream(&usual, &size);

	if (!text)
		return;
	print_usual(text, report);
	fclose(text);
	clock_wall_text(boot_report_began(report), 0, time);
	time[strlen("2026-11-23")] = ' ';
	snprintf(number, sizeof(number), "%s%zu", index ? "-" : "", index);
	printf("%4s  %s  %s", number, time,
	       !colour				   ? ""
	       : boot->state == BOOT_NOT_RECOVERED ? "\033[31m"
	       : report->verdict.slower		   ? "\033[33m"
						   : "");
	print_state(stdout, report);
	printf("%s ", colour ? "\033[0m" : "");
	columns_print(stdout, usual, 42);
	printf("  %s",
	       *boot_words_end(boot->last_end) ? boot_words_end(boot->last_end) : "not known");
	if (boot->down_ns)
		printf(", down %s", text_of_duration(boot->down_ns));
	putchar('\n');
}

static void print_json(const struct boot_report *report)
{
	json_t *json = record_to_json(&report->record);

	json_object_set_new(json, "boot_id", json_string(report->boot_id));
	json_object_set_new(json, "total_ns", json_integer((json_int_t)boot_report_total(report)));
	json_object_set_new(json, "usual", boot_json_usual(report));
	json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}

int boot_list(struct store *store, const struct options *options)
{
	struct store_query query = {
		.type = RECORD_BOOT, .order = STORE_NEWEST_FIRST, .limit = KEPT_MAX};
	cleanup_free struct kept *all = calloc(KEPT_MAX, sizeof(*all));
	struct listing listing = {.all = all};
	bool colour = sentence_colour(stdout);
	int r = all ? store_query(store, &query, keep, &listing) : -ENOMEM;

	if (r < 0 || !listing.count)
		return boot_refuse(r < 0 ? r : -ENOENT, "");
	if (options->format == REPORT_TEXT)
		printf("BOOT  %-20s  %-13s %11s %14s  %-26s  %s\n", "POWER-ON", "STATE", "AFTER",
		       "AGAINST USUAL", "", "THE BOOT BEFORE IT ENDED BY");
	for (size_t i = 0; i < listing.count && i < BOOT_HISTORY_MAX; i++) {
		struct boot_report report = report_of(&listing, i);

		if (options->format == REPORT_JSON)
			print_json(&report);
		else
			print_line(&report, i, colour);
	}
	return CLI_OK;
}
