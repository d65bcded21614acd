/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wiring of what logs tell of the boot: the journal source, what the store knows of the boots before, and the
 * heartbeat that a later boot will find.
 */
#pragma once

#include <systemd/sd-event.h>

#include "source/journal/journal_source.h"
#include "store/store.h"

struct boot_journal;

/*
 * Reads once, and on until the end of the horizon after the kernel's start. since_ns: when the agent began. Returns 0 or
 * a negative errno, told in the log: the agent goes on without.
 */
int boot_journal_open(struct boot_journal **ret, sd_event *loop, struct store *store,
		      const char *state_dir, const char *boot_id, uint64_t since_ns,
		      event_fn on_event, void *context);
void boot_journal_free(struct boot_journal *journal);

/* NULL for NULL. */
const struct journal_source *boot_journal_source(const struct boot_journal *journal);
