// SPDX-License-Identifier: Apache-2.0
#include "cli/boot/boot_report.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What is told of a start comes at most so much later than the start began. */
#define LATE_NS (15 * 60 * NS_PER_SECOND)

/* --- which boot ------------------------------------------------------------------------------- */

struct choice {
	const char *id;	    /* a boot id or its beginning, or NULL: by position */
	unsigned long skip; /* so many boots before it */
	struct boot_report *report;
	bool found, twice;
};

static int on_boot(void *context, const char *boot_id, const struct record *record)
{
	struct choice *choice = context;
	bool fits = choice->id ? strncmp(boot_id, choice->id, strlen(choice->id)) == 0
			       : !choice->found && choice->skip-- == 0;

	if (fits && choice->found) {
		choice->twice = true;
		return 1;
	}
	if (fits) {
		TEXT_COPY(choice->report->boot_id, boot_id);
		choice->report->record = *record;
		choice->found = true;
	} else if (choice->found) {
		boot_history_add(&choice->report->history, &record->boot);
	}
	return 0;
}

static int understand(struct choice *choice, const char *which, char current[static BOOT_ID_SIZE])
{
	char *end;

	if (!which || !*which)
		return 0;
	if (strcmp(which, "current") == 0) {
		choice->id = current;
		return clock_boot_id(current);
	}
	if (*which == '-' || strcmp(which, "0") == 0) {
		choice->skip = strtoul(which + (*which == '-'), &end, 10);
		return *end || !isdigit((unsigned char)end[-1]) || choice->skip > 100000 ? -EINVAL
											 : 0;
	}
	choice->id = which;
	return strspn(which, "0123456789abcdef-") == strlen(which) ? 0 : -EINVAL;
}

/* While it goes on its last phase goes on too. */
static void prolong(struct boot_report *report, uint64_t now_ns)
{
	struct record_boot *boot = &report->record.boot;

	report->now_ns = boot->span.to_ns = now_ns;
	if (boot->phase_count && boot->phase_count <= BOOT_PHASES_MAX &&
	    boot->phases[boot->phase_count - 1].phase > BOOT_PHASE_LOADER)
		boot->phases[boot->phase_count - 1].span.to_ns = now_ns;
}

int boot_report_read_head(struct boot_report *ret, struct store *store, const char *which)
{
	struct store_query query = {.type = RECORD_BOOT, .order = STORE_NEWEST_FIRST};
	struct boot_report report = {0};
	struct choice choice = {.report = &report};
	char current[BOOT_ID_SIZE];
	int r = understand(&choice, which, current);

	if (r == 0)
		r = store_query(store, &query, on_boot, &choice);
	if (r < 0)
		return r;
	if (!choice.found)
		return -ENOENT;
	if (choice.twice)
		return -ENOTUNIQ;
	if (report.record.boot.state == BOOT_WAKING && !report.record.final &&
	    clock_boot_id(current) == 0 && strcmp(current, report.boot_id) == 0)
		prolong(&report, clock_boot_ns());
	boot_history_judge(&report.history, &report.record.boot, &report.verdict);
	*ret = report;
	return 0;
}

/* --- what belongs to it ----------------------------------------------------------------------- */

struct gathering {
	struct boot_records *records;
	size_t max;
	uint64_t end_ns; /* of the boot */
	int error;
};

static uint64_t begin_of(const struct record *record)
{
	switch (record->type) {
	case RECORD_UNIT:
		return record->unit.span.from_ns;
	case RECORD_START:
		return record->start.span.from_ns;
	case RECORD_PULL:
		return record->pull.span.from_ns;
	case RECORD_WAIT:
		return record->wait.span.from_ns;
	case RECORD_GAP:
		return record->gap.span.from_ns;
	default:
		return record->boot_ns;
	}
}

static int on_part(void *context, const char *boot_id, const struct record *record)
{
	struct gathering *gathering = context;
	struct boot_records *records = gathering->records;

	(void)boot_id;
	if (record->boot_ns > gathering->end_ns + LATE_NS)
		return 1;
	if (begin_of(record) >= gathering->end_ns)
		return 0;
	if (record->type == RECORD_PULL && !record->final)
		return 0; /* it goes on */
	if (records->count == gathering->max) {
		records->left_out++;
		return 0;
	}
	if (records->count == records->room) {
		size_t room = records->room ? records->room * 2 : 16;
		struct record *all = reallocarray(records->all, room, sizeof(*all));

		if (!all) {
			gathering->error = -ENOMEM;
			return 1;
		}
		records->all = all;
		records->room = room;
	}
	records->all[records->count++] = *record;
	return 0;
}

static int compare_begin(const void *one, const void *other)
{
	const struct record *a = one, *b = other;
	uint64_t a_ns = begin_of(a), b_ns = begin_of(b);

	return a_ns != b_ns ? (a_ns > b_ns) - (a_ns < b_ns) : strcmp(a->key, b->key);
}

static int gather(struct store *store, const struct boot_report *report, enum record_type type,
		  struct boot_records *records, size_t max)
{
	struct store_query query = {
		.type = type,
		.boot_id = report->boot_id,
		.order = STORE_OLDEST_FIRST,
	};
	struct gathering gathering = {
		.records = records,
		.max = max,
		.end_ns = boot_report_end(report),
	};
	int r = store_query(store, &query, on_part, &gathering);

	if (records->count)
		qsort(records->all, records->count, sizeof(*records->all), compare_begin);
	return r < 0 ? r : gathering.error;
}

int boot_report_read(struct boot_report *ret, struct store *store, const char *which)
{
	struct boot_report report;
	int r = boot_report_read_head(&report, store, which);

	if (r < 0)
		return r;
	r = gather(store, &report, RECORD_UNIT, &report.units, BOOT_UNITS_MAX);
	if (r == 0)
		r = gather(store, &report, RECORD_START, &report.starts, BOOT_STARTS_MAX);
	if (r == 0)
		r = gather(store, &report, RECORD_PULL, &report.pulls, BOOT_OTHERS_MAX);
	if (r == 0)
		r = gather(store, &report, RECORD_WAIT, &report.waits, BOOT_OTHERS_MAX);
	if (r == 0)
		r = gather(store, &report, RECORD_GAP, &report.gaps, BOOT_OTHERS_MAX);
	if (r < 0) {
		boot_report_done(&report);
		return r;
	}
	*ret = report;
	return 0;
}

void boot_report_done(struct boot_report *report)
{
	free(report->units.all);
	free(report->starts.all);
	free(report->pulls.all);
	free(report->waits.all);
	free(report->gaps.all);
}

/* --- its times -------------------------------------------------------------------------------- */

static uint64_t before_kernel(const struct boot_report *report)
{
	return report->record.boot.firmware_ns + report->record.boot.loader_ns;
}

uint64_t boot_report_offset(const struct boot_report *report, uint64_t boot_ns)
{
	return before_kernel(report) + boot_ns;
}

uint64_t boot_report_end(const struct boot_report *report)
{
	return report->now_ns ? report->now_ns : report->record.boot.span.to_ns;
}

uint64_t boot_report_total(const struct boot_report *report)
{
	return report->now_ns ? boot_report_offset(report, report->now_ns)
			      : boot_total_ns(&report->record.boot);
}

int64_t boot_report_began(const struct boot_report *report)
{
	return (int64_t)((uint64_t)report->record.wall_offset_ns - before_kernel(report));
}
