/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to ask a peer again that failed: after 1, 2, 4 ... s up to a maximum, each longer by up to a half by
 * chance, so that the agents of a whole cluster don't come at once. What the peer itself asks for (Retry-After)
 * is the least.
 */
#pragma once

#include <stdint.h>

struct backoff {
	uint32_t failures; /* in a row */
	uint64_t until_ns; /* boot clock; 0: none */
};

/* One more failure; most_ns bounds the pause without its share of chance. */
void backoff_failed(struct backoff *backoff, uint64_t now_ns, uint64_t least_ns, uint64_t most_ns);

static inline void backoff_over(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}

/* From 0 to below limit_ns, for what must not happen on all nodes at once. */
uint64_t backoff_chance(uint64_t limit_ns);
