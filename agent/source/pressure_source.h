/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node and its starting pods wait for: samples of PSI, memory and disks (EVENT_PRESSURE) while containers
 * start, and only then.
 *
 * daemon.c shows it every event before the tracker sees it, so that the moments that bound a start (cgroup, exec,
 * listen, ready) have a sample of their own, and tells it when a start is over. Between them it looks once a second;
 * when nothing starts, no timer runs. A start that nobody ends is given up after the window.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct pressure_source;

struct pressure_source_options {
	const char *proc, *sys;	  /* NULL: /proc, /sys */
	const char *cgroup_root;  /* NULL: /sys/fs/cgroup */
	bool memory_on_v1;	  /* pods' cgroups are on a v1 hierarchy: they have no PSI */
	uint64_t start_window_ns; /* 0: 5 min */
};

/* Texts are copied. Returns 0 or a negative errno. */
int pressure_source_new(struct pressure_source **ret, sd_event *loop,
			const struct pressure_source_options *options, event_fn on_event,
			void *context);
void pressure_source_free(struct pressure_source *source);

/* May emit samples before it returns; ignores its own. */
void pressure_source_event(struct pressure_source *source, const struct event *event);

/* The start of this container was told for good; sandbox_id: of its pod, "" not known. */
void pressure_source_over(struct pressure_source *source, const char *container_id,
			  const char *sandbox_id);

struct pressure_source_stats {
	uint32_t starting; /* that it looks for now */
	uint64_t samples;  /* of the node, so far */
	uint64_t left_out; /* starts that found no room */
};

void pressure_source_stats(const struct pressure_source *source, struct pressure_source_stats *ret);
