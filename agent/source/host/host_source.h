/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of the host that may explain deaths, as EVENT_HOST: out of the kernel's log, from netlink (links that go down),
 * from a timer that a step of the clock cancels, and out of the journal.
 *
 * The daemon makes one. Each part waits in the loop for news and costs nothing at rest; one that can't be had is told
 * in the log and left out. It must not know what a fact is good for.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct host_source;

struct host_source_stats {
	bool kernel_log;       /* it can be read */
	uint64_t lines, facts; /* of it */
	uint64_t overruns;     /* times that lines were lost */
	uint64_t longest_ns;   /* the longest that the loop waited for it */
};

/* Returns 0 or a negative errno. */
int host_source_new(struct host_source **ret, sd_event *loop, event_fn on_event, void *context);
void host_source_free(struct host_source *source);

/* A container has just died: what the kernel's log has of the moment before is worth a look now. */
void host_source_look(struct host_source *source);

void host_source_stats(const struct host_source *source, struct host_source_stats *ret);
