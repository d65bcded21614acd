/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before the next try: longer each time, and not in step with other nodes' agents. */
#pragma once

#include <stdint.h>

#define BACKOFF_MAX_MS 60000u

struct backoff {
	uint32_t step_ms; /* 0: the latest try went well */
};

/* 1 s, doubled each time up to 30 s, and up to as much again by chance; not before what the server asked for. */
uint32_t backoff_next(struct backoff *backoff, uint32_t retry_after_ms);

static inline void backoff_reset(struct backoff *backoff)
{
	backoff->step_ms = 0;
}
