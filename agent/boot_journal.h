/* SPDX-License-Identifier: Apache-2.0 */
/* The wiring of what logs tell of the boot: the journal source, and what the store knows of the boots before. */
#pragma once

#include <systemd/sd-event.h>

#include "source/journal_source.h"
#include "store/store.h"

/*
 * Reads once, and on until the end of the horizon after the kernel's start. Failure is logged; *ret is then NULL, and
 * the agent goes on without.
 */
void boot_journal_open(struct journal_source **ret, sd_event *loop, struct store *store,
		       const char *boot_id, event_fn on_event, void *context);
