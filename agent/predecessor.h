/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent takes over from the one before it: what that one knew, and how long nobody ran. */
#pragma once

#include <stdint.h>

#include "model/event.h"
#include "source/kernel/kernel_source.h"
#include "store/store.h"
#include "track/tracker.h"

struct predecessor {
	struct event_log *log; /* NULL: it can't be written */
	struct span
		watched; /* by earlier agents of this boot, but for their absences; to_ns 0: there was none */
};

/* Which part of this boot was watched before since_ns. */
void predecessor_find(struct predecessor *predecessor, struct store *store, uint64_t since_ns);

/*
 * Hands the latest events of this boot to a tracker that has none yet: its records are of before, most of them known.
 * socket: beside it the events are kept. From here on predecessor_keep keeps ours for the next agent.
 */
void predecessor_learn(struct predecessor *predecessor, struct tracker *tracker, const char *socket,
		       const char *boot_id);
void predecessor_keep(struct predecessor *predecessor, const struct event *event, uint64_t seen_ns);

/* What may have been missed meanwhile, in words; NULL: there was no absence. kernel may be NULL. */
const char *predecessor_absence(const struct predecessor *predecessor,
				const struct kernel_source *kernel);

/* What is kept beside this socket goes. */
void predecessor_forget(const char *socket);

void predecessor_done(struct predecessor *predecessor);
