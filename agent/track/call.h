/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRI calls that containerd logged before the agent watched: when sandboxes and containers were made and started.
 *
 * By id and apart from the containers: most of what a log names is long gone, and must not come to life by it.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"

struct call {
	char id[ID_SIZE];
	struct span made,
		started;   /* RunPodSandbox or CreateContainer, StartContainer; 0: not known */
	UT_hash_handle hh; /* by id; in the order of their telling */
};

struct calls {
	struct call *by_id;
	uint64_t evicted; /* those that were told first */
};

void calls_clear(struct calls *calls);

void calls_note(struct calls *calls, const struct event *event);

/* NULL: none is known. */
const struct call *calls_find(const struct calls *calls, const char *id);
