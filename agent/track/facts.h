/* SPDX-License-Identifier: Apache-2.0 */
/* What each event adds to what is known of a container; no conclusions. */
#pragma once

#include "track/container.h"

struct helper;

struct facts {
	struct containers *containers;
	struct helper *helpers; /* runtime and CNI processes that work for a container now */
	uint32_t sync_generation;
	uint64_t sync_begin_ns;		  /* 0: no listing is under way */
	uint32_t left_out, most_left_out; /* of one listing */
};

/* Returns the container that the event is about, or NULL. */
struct container *facts_event(struct facts *facts, const struct event *event, uint64_t now_ns);

void facts_clear(struct facts *facts);
