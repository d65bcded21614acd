/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the store knows of one boot, and of the boots before it.
 *
 * Gathered here, shown by boot_text, boot_svg, boot_html, boot_json and boot_trace (boot_show.h), which read nothing
 * themselves. A report has a maximum: what is more is counted, not shown.
 */
#pragma once

#include "model/boot_history.h"
#include "store/store.h"

#define BOOT_UNITS_MAX	300
#define BOOT_STARTS_MAX 300
#define BOOT_OTHERS_MAX 100 /* pulls, waits, gaps: each */

struct boot_records {
	struct record *all;
	size_t count, room;
	uint64_t left_out;
};

struct boot_report {
	char boot_id[BOOT_ID_SIZE];
	struct record record; /* the boot's own */
	uint64_t
		now_ns; /* boot clock, if this boot goes on and is still waking: then its end is now; else 0 */
	struct boot_history history;
	struct boot_verdict verdict;
	struct boot_records units, starts, pulls, waits, gaps; /* in the order of their begin */
};

/*
 * which: "" or NULL the latest boot that is recorded, "-1" the one before, "current" this machine's, else a boot id or its
 * beginning. Returns 0, -ENOENT (no such boot is recorded), -ENOTUNIQ, -EINVAL (no such word), or another
 * negative errno. On success the report is the caller's to free by boot_report_done.
 */
int boot_report_read(struct boot_report *ret, struct store *store, const char *which);
void boot_report_done(struct boot_report *report);

/* The boot record only, and the history before it: for --list and --follow. */
int boot_report_read_head(struct boot_report *ret, struct store *store, const char *which);

/* From power-on, where firmware tells of it, to a moment on the boot clock. */
uint64_t boot_report_offset(const struct boot_report *report, uint64_t boot_ns);

/* So far, while it goes on. */
uint64_t boot_report_total(const struct boot_report *report);

/* Wall time of power-on. */
int64_t boot_report_began(const struct boot_report *report);

/* What went on during the boot: its end, or now. On the boot clock. */
uint64_t boot_report_end(const struct boot_report *report);
