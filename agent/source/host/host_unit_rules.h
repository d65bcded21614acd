/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries of the journal are facts of the host: units that failed, a shutdown, a disk that is full. Pure text. */
#pragma once

#include <stdbool.h>

#include "model/event.h"

#define HOST_ENTRY_SIZE 1024

/* systemd's catalog: a unit's result, once for each failure; a shutdown that logind was asked for. */
#define MESSAGE_UNIT_FAILED "d9b373ed55a64feb8242e02dbe79a49c"
#define MESSAGE_SHUTDOWN    "98268866d1d54a499c4e98921d93bc40"

/* Units whose every line is looked at; ends with NULL. */
extern const char *const host_runtime_units[];

/* Fields that begin with _ are journald's own: nobody can write them. Each is "" where the entry has none. */
struct host_entry {
	char message_id[40], pid[16], systemd_unit[UNIT_SIZE], unit[UNIT_SIZE];
	char message[HOST_ENTRY_SIZE];
};

bool host_unit_rule_match(const struct host_entry *entry, struct event_host *ret);
