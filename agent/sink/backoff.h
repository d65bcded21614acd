/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to ask a peer again that failed: after 1, 2, 4 ... s, never more than a maximum, each a random part less
 * so that the agents of a whole cluster don't come at once; what the peer itself asks for (Retry-After) is the
 * least. Pure but for the random number; for the sinks that write to the API server.
 */
#pragma once

#include <stdint.h>
#include <sys/random.h>

#include "base/clock.h"

struct backoff {
	uint32_t failures; /* in a row */
	uint64_t until_ns; /* boot clock; 0: none */
};

static inline uint32_t backoff_random(void)
{
	uint32_t value = 0;

	return getrandom(&value, sizeof(value), GRND_NONBLOCK) == sizeof(value) ? value : 0;
}

static inline void backoff_failed(struct backoff *backoff, uint64_t now_ns, uint64_t least_ns,
				  uint64_t most_ns)
{
	uint64_t wait_ns = NS_PER_SECOND << (backoff->failures < 10 ? backoff->failures : 10);

	if (wait_ns > most_ns)
		wait_ns = most_ns;
	wait_ns -= wait_ns / 4 * (backoff_random() % 1024) / 1024;
	if (wait_ns < least_ns) /* and not all at the same second */
		wait_ns = least_ns + least_ns / 8 * (backoff_random() % 1024) / 1024;
	backoff->failures++;
	backoff->until_ns = now_ns + wait_ns;
}

static inline void backoff_over(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}
