/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine below a folder, with journal files as journald writes them (systemd-journal-remote makes them of
 * export texts), and what the journal source tells of it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/journal/journal_source.h"

#define THIS_BOOT  "aaaaaaaa-0000-4000-8000-000000000001"
#define LAST_BOOT  "bbbbbbbb-0000-4000-8000-000000000002"
#define OLDER_BOOT "cccccccc-0000-4000-8000-000000000003"
#define MACHINE	   "22222222222222222222222222222222"
#define PERSISTENT "var/log/journal/" MACHINE
#define VOLATILE   "run/log/journal/" MACHINE
#define K3S_LOG	   "var/lib/rancher/k3s/agent/containerd/containerd.log"
#define S	   NS_PER_SECOND
#define MS	   NS_PER_MS

#define EVENTS_MAX 32

struct machine {
	char root[64];
	FILE *text; /* the export text that is being written */
	char boot_id[BOOT_ID_SIZE];
	const char *machine_id; /* of the entries; MACHINE */
	int64_t wall_offset_ns; /* of the boot that is being written */
	struct event events[EVENTS_MAX];
	size_t count;
	uint64_t looked_ns; /* when the last machine_look began */
	uint32_t turns;	    /* of the loop, in the last machine_look */
};

/* Without files. */
void machine_make(struct machine *machine);
/* For a test that writes journals; skips it, by name, if systemd-journal-remote is not installed. */
void machine_open(struct machine *machine);
void machine_remove(struct machine *machine);

/* Makes the directories, too. */
void machine_put(const struct machine *machine, const char *path, const char *text, size_t size);

/* Entries from here on are of this boot, whose clock was 0 at that wall time. */
void machine_boot(struct machine *machine, const char *boot_id, int64_t start_wall_ns);
/* systemd is process 1, unless its unit is user@... */
void machine_entry(struct machine *machine, uint64_t boot_ns, const char *identifier,
		   const char *unit, const char *message);
/* A line of containerd's, as it wrote it so long before journald got it. */
void machine_containerd(struct machine *machine, const char *identifier, uint64_t boot_ns,
			uint64_t late_ns, const char *rest);
/* The entries so far become a file; the next are another's. */
void machine_write(struct machine *machine, const char *dir, const char *name);
/* A text that stands beside the tests, of which @THIS_BOOT@ is made this boot's id, becomes a file. */
void machine_write_recorded(struct machine *machine, const char *dir, const char *name,
			    const char *recorded);

/* The same line as containerd writes it into a file of its own. */
void containerd_line(FILE *log, int64_t wall_ns, const char *rest);

/* Takes a source's events; the context is the machine. */
void machine_on_event(void *context, const struct event *event);

/* Runs a source on it until it has looked so often. root and boot_id are filled in; *ret may be NULL. */
void machine_look(struct machine *machine, struct journal_source_options options, uint32_t looks,
		  struct journal_source_stats *ret);

/* The first event of this type (and milestone), or NULL. */
const struct event *machine_event(const struct machine *machine, enum event_type type,
				  enum milestone what);
