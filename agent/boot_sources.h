/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of the boot report: the sources that tell how this machine came up.
 *
 * daemon.c opens it when the probes are attached. None of them is needed for anything else: where systemd can't be
 * asked, the report has less.
 */
#pragma once

#include <systemd/sd-event.h>

#include "model/event.h"
#include "settings.h"
#include "source/systemd/systemd_source.h"

struct boot_sources;

/* Tells MILESTONE_AGENT_STARTED, then what the sources find. Returns 0 or a negative errno. Settings are borrowed. */
int boot_sources_open(struct boot_sources **ret, sd_event *loop, const struct settings *settings,
		      event_fn on_event, void *context);
void boot_sources_free(struct boot_sources *boot);

struct boot_sources_stats {
	struct systemd_source_stats systemd;
};

void boot_sources_stats(const struct boot_sources *boot, struct boot_sources_stats *ret);
