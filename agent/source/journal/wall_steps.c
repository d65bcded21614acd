/* SPDX-License-Identifier: Apache-2.0 */
#include "source/journal/wall_steps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SLEWED_NS ((int64_t)(20 * NS_PER_MS))

static bool alike(int64_t one, int64_t other)
{
	return llabs(one - other) <= SLEWED_NS;
}

void wall_steps_note(struct wall_steps *steps, uint64_t boot_ns, int64_t wall_ns)
{
	int64_t offset_ns = wall_ns - (int64_t)boot_ns;
	uint32_t at = steps->count;

	while (at && steps->steps[at - 1].from_ns > boot_ns)
		at--;
	if (at && alike(steps->steps[at - 1].offset_ns, offset_ns))
		return;
	if (at < steps->count && alike(steps->steps[at].offset_ns, offset_ns)) {
		steps->steps[at].from_ns = boot_ns;
		return;
	}
	if (steps->count == WALL_STEPS_MAX)
		return;
	memmove(&steps->steps[at + 1], &steps->steps[at],
		(steps->count - at) * sizeof(*steps->steps));
	steps->steps[at] = (struct wall_step){boot_ns, offset_ns};
	steps->count++;
}

uint64_t wall_steps_boot_ns(const struct wall_steps *steps, int64_t wall_ns)
{
	for (uint32_t i = 0; i < steps->count; i++) {
		int64_t boot_ns = wall_ns - steps->steps[i].offset_ns;
		/* the first holds from the kernel's start on */
		int64_t from_ns = i ? (int64_t)steps->steps[i].from_ns : 1;

		if (boot_ns >= from_ns &&
		    (i + 1 == steps->count || boot_ns < (int64_t)steps->steps[i + 1].from_ns))
			return (uint64_t)boot_ns;
	}
	return 0;
}

int64_t wall_steps_earliest(const struct wall_steps *steps)
{
	int64_t earliest = 0;

	for (uint32_t i = 0; i < steps->count; i++) {
		int64_t wall_ns =
			steps->steps[i].offset_ns + (i ? (int64_t)steps->steps[i].from_ns : 0);

		if (!earliest || wall_ns < earliest)
			earliest = wall_ns;
	}
	return earliest;
}
