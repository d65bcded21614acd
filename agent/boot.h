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
#include "source/systemd_source.h"

struct boot;

/* Tells MILESTONE_AGENT_STARTED, then what the sources find. Returns 0 or a negative errno. Settings are borrowed. */
int boot_open(struct boot **ret, sd_event *loop, const struct settings *settings, event_fn on_event,
	      void *context);
void boot_free(struct boot *boot);

struct boot_stats {
	struct systemd_source_stats systemd;
};

void boot_stats(const struct boot *boot, struct boot_stats *ret);
