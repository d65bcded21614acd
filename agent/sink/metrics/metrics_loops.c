/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_loops.h"

#include <string.h>

#include "base/fnv.h"

/* Two of some hundred names with one hash would make the gauge one too small. */
static uint64_t name_hash(const struct subject *subject)
{
	uint64_t hash = *subject->pod_uid ? fnv_word(fnv_word(FNV_BEGIN, subject->pod_uid),
						     subject->container)
					  : fnv_word(FNV_BEGIN, subject->container_id);

	return hash ? hash : 1;
}

void metrics_loops_exit(struct metrics_loops *loops, const struct record *record)
{
	uint64_t name = name_hash(&record->subject);
	struct metrics_loop *place = loops->loops;

	for (struct metrics_loop *loop = place; loop < loops->loops + METRICS_LOOPS_MAX; loop++) {
		if (loop->name_hash == name) {
			place = loop;
			break;
		}
		if (loop->died_ns < place->died_ns) /* a free one died at 0 */
			place = loop;
	}
	if (place->name_hash == name && place->died_ns > record->boot_ns)
		return; /* told late: a later death is known */
	if (record->exit.looping)
		*place = (struct metrics_loop){.name_hash = name, .died_ns = record->boot_ns};
	else if (place->name_hash == name)
		*place = (struct metrics_loop){0};
}

uint32_t metrics_loops_count(const struct metrics_loops *loops, uint64_t now_ns)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < METRICS_LOOPS_MAX; i++)
		count += loops->loops[i].name_hash &&
			 now_ns <= loops->loops[i].died_ns + METRICS_LOOP_FRESH_NS;
	return count;
}
