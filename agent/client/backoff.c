/* SPDX-License-Identifier: Apache-2.0 */
#include "client/backoff.h"

#include <sys/random.h>

#define FIRST_MS 1000u

static uint32_t random_below(uint32_t limit)
{
	uint32_t number = 0;

	return getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0 ? 0 : number % limit;
}

uint32_t backoff_next(struct backoff *backoff, uint32_t retry_after_ms)
{
	uint32_t step_ms = backoff->step_ms ? backoff->step_ms * 2 : FIRST_MS;

	backoff->step_ms = step_ms < BACKOFF_MAX_MS / 2 ? step_ms : BACKOFF_MAX_MS / 2;
	uint32_t pause_ms = backoff->step_ms + random_below(backoff->step_ms);

	/* who was told the same moment does not come at the same moment */
	return pause_ms > retry_after_ms ? pause_ms : retry_after_ms + random_below(FIRST_MS);
}
