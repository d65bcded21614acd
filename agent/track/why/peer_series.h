/* SPDX-License-Identifier: Apache-2.0 */
/* Tries of one container to reach one address, without success so far. */
#pragma once

#include "model/event.h"

struct peer_series {
	int32_t error; /* of the last */
	uint32_t count;
	uint64_t began_ns, last_ns;
	uint64_t pause_ns; /* between its last tries: the next one was due then */
};

/* Adds an EVENT_CONNECT_FAILED. */
void peer_series_note(struct peer_series *series, const struct event *event);

/* From its first try until the one that was due after the last failure. */
struct span peer_series_span(const struct peer_series *series);
