/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd tells of this boot, as events: EVENT_BOOT, EVENT_UNIT, EVENT_UNIT_AFTER, and how it is reached.
 *
 * daemon.c's boot part makes one. It reads everything at once, since a later restart overwrites a unit's stamps; then
 * looks every 2 s how the boot and the units that matter get on; reads everything again when systemd has finished,
 * and ends when those units are up. Each reading is a connection of its own with a few questions at a time.
 * Which stamps count is in systemd_activation.h, which units in systemd_units.h, what is news in systemd_told.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "client/systemd.h"
#include "model/event.h"

struct systemd_source;

struct systemd_source_options {
	struct systemd_options systemd;
	uint64_t interval_ms; /* between readings; 0: 2 s */
};

struct systemd_source_stats {
	bool connected;		/* the last reading succeeded */
	bool finished;		/* all is read: it does not connect any more */
	char cause[CAUSE_SIZE]; /* why it is not connected */
	uint32_t units, edges;	/* told */
	uint32_t left_out;	/* units and edges for which there was no room, or no answer */
	uint32_t restarted;	/* units whose boot times a restart has overwritten */
	uint64_t readings;
};

/* Never fails for want of a systemd: it says so, and tries for a while. Returns 0 or a negative errno. */
int systemd_source_new(struct systemd_source **ret, sd_event *loop,
		       const struct systemd_source_options *options, event_fn on_event,
		       void *context);
void systemd_source_free(struct systemd_source *source);

void systemd_source_stats(const struct systemd_source *source, struct systemd_source_stats *ret);
