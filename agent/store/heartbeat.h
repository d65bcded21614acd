/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that says when this machine was last alive, to a second: <dir>/heartbeat.
 *
 * boot_journal.c makes one. After a loss of power it tells how long the node was down; the database is written
 * every 10 s only, and the journal reaches the disk later still. A thread of its own writes it, since a disk may
 * take long: one block in place, which is handed to the disk at once without waiting for it, or for others' data.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct heartbeat;

/* The last beat of the boot before this one; boot_id "": there was none. */
struct heartbeat_last {
	char boot_id[BOOT_ID_SIZE];
	int64_t wall_ns;
};

/* Reads what is there, then beats until it is freed. Returns 0 or a negative errno. */
int heartbeat_new(struct heartbeat **ret, const char *dir, const char *boot_id,
		  uint64_t interval_ns, struct heartbeat_last *ret_last);
void heartbeat_free(struct heartbeat *heartbeat);
