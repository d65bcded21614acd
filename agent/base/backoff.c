/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include <sys/random.h>

#include "base/clock.h"

#define DOUBLED_MAX 20 /* more than any maximum, and within the type */

uint64_t backoff_chance(uint64_t limit_ns)
{
	uint64_t number = 0;

	if (!limit_ns || getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return 0;
	return number % limit_ns;
}

void backoff_failed(struct backoff *backoff, uint64_t now_ns, uint64_t least_ns, uint64_t most_ns)
{
	uint64_t wait_ns = NS_PER_SECOND
			   << (backoff->failures < DOUBLED_MAX ? backoff->failures : DOUBLED_MAX);

	if (wait_ns > most_ns)
		wait_ns = most_ns;
	wait_ns += backoff_chance(wait_ns / 2);
	if (wait_ns < least_ns) /* who was told the same moment does not come at the same moment */
		wait_ns = least_ns + backoff_chance(least_ns / 8 + NS_PER_SECOND);
	backoff->failures++;
	backoff->until_ns = now_ns + wait_ns;
}
