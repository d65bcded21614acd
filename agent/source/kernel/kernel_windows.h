/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The starts that are watched closely: which programs that takes, how the starts go on, and when they are over.
 *
 * kernel_source.c hands in each of its events before it tells it, and says when a start is told. The kernel opens the
 * windows (bpf/window.bpf.c); here the programs on demand are attached before the first and detached after the last,
 * each open one is told once a second, and closed. It must not know what a start is good for.
 */
#pragma once

#include <systemd/sd-event.h>

#include "model/event.h"
#include "source/kernel/kernel_probes.h"

struct kernel_windows;

/* Returns 0 or a negative errno. */
int kernel_windows_new(struct kernel_windows **ret, sd_event *loop, struct kernel_probes *probes,
		       const struct kernel_source_options *options, event_fn on_event,
		       void *context);
void kernel_windows_free(struct kernel_windows *windows);

/* Before the event is told; what its threads did at a listen is completed. */
void kernel_windows_event(struct kernel_windows *windows, struct event *event);

/* Whether a container's start is watched closely. */
bool kernel_windows_open(const struct kernel_windows *windows, uint64_t cgroup_id);

/* Tells how a start goes on, now; returns its cgroup if it is watched closely, else 0. */
uint64_t kernel_windows_sample(struct kernel_windows *windows, const char *container_id);

/* Its start is over. */
void kernel_windows_close(struct kernel_windows *windows, const char *container_id);
