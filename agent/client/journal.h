/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's journal, one file at a time.
 *
 * The source reads file by file and entry by entry, so that no call does more than one file's or entry's
 * work, and a damaged file costs itself only: libsystemd's own view over a directory opens and searches
 * all of them at once. It must not know what an entry means.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define JOURNAL_PATH_SIZE 256

struct journal_file {
	char path[JOURNAL_PATH_SIZE];
	int64_t modified_wall_ns;
};

#define JOURNAL_FILES_MAX 128

/* The system's files, last written first; users' own are left out. */
struct journal_files {
	size_t count;
	uint32_t left_out; /* for want of places: those written longest ago */
	struct journal_file files[JOURNAL_FILES_MAX];
};

/* Below root: var/log/journal and run/log/journal. Returns 0, or -ENOENT if there is no file. */
int journal_files_list(struct journal_files *ret, const char *root);

struct journal;

/* Returns 0 or a negative errno (-EBADMSG and the like: damaged). */
int journal_open(struct journal **ret, const char *path);
void journal_close(struct journal *journal);

/*
 * Which entries are told from now on: all, or those that match. Values for one field are alternatives;
 * different fields must all hold.
 */
void journal_match_all(struct journal *journal);
int journal_match(struct journal *journal, const char *field, const char *value);
/* What follows is an alternative to all that was added so far. */
int journal_match_or(struct journal *journal);
int journal_match_boot(struct journal *journal, const char *boot_id);

/* Go to a matching entry. 1: there is one, 0: there is none (any more), or a negative errno. */
int journal_first(struct journal *journal);
int journal_last(struct journal *journal);
int journal_next(struct journal *journal);
int journal_previous(struct journal *journal);
/* The first of this boot at or after a time on its monotonic clock. */
int journal_from(struct journal *journal, const char *boot_id, uint64_t monotonic_ns);

/* When journald received the entry. */
struct journal_stamp {
	char boot_id[BOOT_ID_SIZE]; /* as the kernel writes it, with dashes */
	uint64_t monotonic_ns;	    /* equals the boot clock while the machine has not slept */
	int64_t wall_ns;
};

int journal_stamp(struct journal *journal, struct journal_stamp *ret);

/* A field's text, raw, cut at size, "" if the entry has none. Returns 0 or a negative errno. */
int journal_text(struct journal *journal, const char *field, char *ret_text, size_t size);

/* The boots of which the file has entries, in no order. 1: *ret_id is one, 0: no more, or a negative errno. */
int journal_boots(struct journal *journal);
int journal_boots_next(struct journal *journal, char ret_id[static BOOT_ID_SIZE]);
