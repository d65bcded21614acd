/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What logs tell of the boot: milestones of this one, CRI calls in it that began before the agent did (the journal,
 * K3s's and RKE2's containerd.log), and how the one before ended (its journal, pstore, the agent's heartbeat in it).
 *
 * boot_journal.c makes one. It reads from a timer, one file or entry at a time and for a few ms at most, tells
 * what it found, and looks again every few seconds until all milestones are told or the horizon is reached. It
 * must not know what they are good for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct journal_source;

#define JOURNAL_SOURCE_BOOTS 16

struct journal_source_options {
	const char *root;    /* NULL: the host's, "/" */
	const char *boot_id; /* this boot's */
	bool leave_journal;  /* it has done harm: only the rest is read */
	/* boots before this one that the store knows, last first; "" behind the end */
	char known_boots[JOURNAL_SOURCE_BOOTS][BOOT_ID_SIZE];
	int64_t heartbeat_wall_ns; /* the agent's last in known_boots[0]; 0 none */
	uint64_t horizon_ns;	   /* boot time after which nothing is looked for */
	uint64_t look_ns;	   /* from one look to the next; 0: 3 s */
	uint64_t since_ns;	   /* when the agent began; 0: now */
};

struct journal_source_stats {
	bool done;	     /* nothing is looked for any more */
	bool up;	     /* there is a journal of this boot */
	uint32_t files;	     /* of the journal, at the last look */
	uint32_t unreadable; /* of those */
	uint32_t looks;
	uint32_t milestones;	/* told */
	uint64_t entries;	/* and lines read */
	uint64_t longest_ns;	/* the longest that the loop waited for it */
	char cause[CAUSE_SIZE]; /* why it is not up */
};

/* Returns 0 or a negative errno. Nothing is emitted before the loop runs. */
int journal_source_new(struct journal_source **ret, sd_event *loop,
		       const struct journal_source_options *options, event_fn on_event,
		       void *context);
void journal_source_free(struct journal_source *source);

void journal_source_stats(const struct journal_source *source, struct journal_source_stats *ret);
