/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the boot before this one ended: what was found, and the rule that judges it. No I/O, no clock.
 *
 * journal_last_boot.c fills the evidence in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

/* What its journal said of its end, and when (that boot's clock); text "": it did not. */
struct last_boot_sign {
	char text[CAUSE_SIZE];
	uint64_t boot_ns;
};

struct last_boot_evidence {
	char boot_id[BOOT_ID_SIZE]; /* "" not known */
	int64_t start_wall_ns;	    /* of this boot's kernel, by the clock as it is now */

	/* the journal of that boot */
	bool journal;			/* there is one */
	int64_t journal_wall_ns;	/* its last entry */
	uint64_t journal_boot_ns;	/* the same on that boot's clock */
	struct last_boot_sign shutdown; /* systemd had begun to shut down */
	struct last_boot_sign stopped;	/* journald ended in order */
	struct last_boot_sign panic;	/* the kernel's */
	struct last_boot_sign watchdog; /* lockups that the kernel saw, or a watchdog that acts */

	char pstore_panic
		[CAUSE_SIZE]; /* what the kernel left where a reset does not reach; "" nothing */
	bool watchdog_reset;  /* the watchdog device says that it caused the last reset */
	int64_t heartbeat_wall_ns; /* the agent's last, in that boot; 0 none */
};

/* One entry of that boot's journal. */
struct last_boot_entry {
	const char *identifier; /* SYSLOG_IDENTIFIER */
	const char *transport;	/* _TRANSPORT: kernel, journal, stdout, ... */
	const char *pid;	/* _PID */
	const char *message;
	uint64_t boot_ns;
};

/* Notes what an entry says of the end; entries in any order. */
void last_boot_note(struct last_boot_evidence *evidence, const struct last_boot_entry *entry);

/*
 * The rule, first that holds: pstore has a panic; the journal has one; it was shut down in order, and nothing
 * lived on for long; the watchdog device says so; the kernel saw a lockup, and nothing followed; the journal just
 * ends. Without a journal of that boot it is not known.
 */
void last_boot_judge(const struct last_boot_evidence *evidence, struct event_last_boot *ret);
