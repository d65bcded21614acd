/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left to see right after an OOM kill: the memory of the cgroup whose limit it was, the processes in it, the
 * place of the victim among those of its name; where the node ran out, its memory, all processes and the pods'.
 *
 * memory_source.c decides when to look. It takes some ms, and some hundred processes at most.
 */
#pragma once

#include "model/event.h"

struct memory_places {
	const char *proc;	/* /proc */
	const char *memory_dir; /* the hierarchy with the memory controller */
	const char *psi_dir;	/* the one with PSI; NULL: the same */
	bool v1;
};

/* The cgroup's memory, into the event's. Returns 0 or a negative errno. */
int memory_scan_state(const struct memory_places *places, const char *path,
		      struct memory_state *ret);

/* Emits one EVENT_MEMORY and up to OOM_NEIGHBOURS_MAX EVENT_NEIGHBOUR. Returns 0, or -ENOENT where the cgroup is gone. */
int memory_scan_kill(const struct memory_places *places, const struct event *kill,
		     event_fn on_event, void *context);

/* One EVENT_POD_MEMORY for the pod with this cgroup. */
void memory_scan_pod(const struct memory_places *places, const struct event *kill,
		     const char *pod_uid, const char *path, event_fn on_event, void *context);
