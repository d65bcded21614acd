/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the container runtime's and the kubelet's processes began, as EVENT_MILESTONE told by "process".
 *
 * Of several containerds the one counts that listens on the socket which the agent watches. A start from before
 * the agent's is flagged EVENT_RECONSTRUCTED; one that is both before it and later than a boot's first ten
 * minutes is a restart, and not told. The daemon's boot part makes one; it looks every 2 s, later every 30 s, until
 * both are found or half an hour has passed since the kernel's start.
 */
#pragma once

#include <systemd/sd-event.h>

#include "model/event.h"

struct process_milestones;

struct process_milestones_options {
	const char *proc;   /* shows the host's processes; NULL: /proc */
	const char *socket; /* containerd's; NULL: the first that exists of the known places */
	uint64_t since_ns;  /* the agent watches from here; 0: from now on */
};

/* Texts are borrowed. Returns 0 or a negative errno. */
int process_milestones_new(struct process_milestones **ret, sd_event *loop,
			   const struct process_milestones_options *options, event_fn on_event,
			   void *context);
void process_milestones_free(struct process_milestones *milestones);
