/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of containers' and pods' cgroups: when it came near a limit (EVENT_MEMORY), and what was there when
 * something was killed for it (EVENT_MEMORY, EVENT_NEIGHBOUR, EVENT_POD_MEMORY).
 *
 * daemon.c shows it every event after the tracker has seen it. Every 10 s it reads one number of each cgroup that has a
 * limit: that is the resolution of how long one was near it. What is near is the working set, not the page cache.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct memory_source;

struct memory_source_options {
	const char *proc;	 /* NULL: /proc */
	const char *cgroup_root; /* NULL: /sys/fs/cgroup */
	bool memory_on_v1;
};

/* Texts are copied. Returns 0 or a negative errno. */
int memory_source_new(struct memory_source **ret, sd_event *loop,
		      const struct memory_source_options *options, event_fn on_event,
		      void *context);
void memory_source_free(struct memory_source *source);

/* May emit events before it returns; ignores its own. */
void memory_source_event(struct memory_source *source, const struct event *event);

/* What the timer does: looks at all that is watched. */
void memory_source_look(struct memory_source *source, uint64_t now_ns);

struct memory_source_stats {
	uint32_t watched;   /* cgroups: containers', pods' and those above */
	uint64_t left_out;  /* that found no room */
	uint64_t scans;	    /* after kills */
	uint64_t unscanned; /* kills that came too fast one after the other */
};

void memory_source_stats(const struct memory_source *source, struct memory_source_stats *ret);
