/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

void node_tally_count(struct tally *tally, int64_t wall_ns)
{
	int64_t slot = wall_ns / TALLY_SLOT_NS;
	uint32_t place = (uint32_t)(slot % TALLY_SLOTS);

	if (tally->slots[place] > slot)
		return; /* long ago */
	if (tally->slots[place] != slot)
		tally->counts[place] = 0;
	tally->slots[place] = slot;
	tally->counts[place]++;
}

char *node_tally_latest(struct tally *tally, uint64_t key, int64_t wall_ns, bool open)
{
	if (wall_ns < tally->last_wall_ns && key != tally->last_key)
		return NULL;
	tally->last_wall_ns = wall_ns;
	tally->last_key = key;
	tally->last_open = open;
	return tally->last;
}

static bool counts(const struct tally *tally, int64_t place, int64_t now_wall_ns)
{
	return tally->counts[place] &&
	       (tally->slots[place] + 1) * TALLY_SLOT_NS > now_wall_ns - DAY_NS;
}

uint32_t node_tally_total(const struct tally *tally, int64_t now_wall_ns)
{
	uint32_t sum = 0;

	for (int64_t i = 0; i < TALLY_SLOTS; i++)
		if (counts(tally, i, now_wall_ns))
			sum += tally->counts[i];
	return sum;
}

bool node_tally_recent(int64_t wall_ns, int64_t now_wall_ns)
{
	return wall_ns > now_wall_ns - DAY_NS;
}

void node_tally_line(const struct tally *tally, int64_t now_wall_ns,
		     char ret[static SUMMARY_LINE_SIZE])
{
	uint32_t sum = node_tally_total(tally, now_wall_ns);
	char at[NODE_CLOCK_SIZE], text[256];

	node_words_clock(tally->last_wall_ns, at);
	if (!sum)
		snprintf(text, sizeof(text), "none in 24h");
	else if (!node_tally_recent(tally->last_wall_ns, now_wall_ns))
		snprintf(text, sizeof(text), "%" PRIu32 " in 24h", sum);
	else
		snprintf(text, sizeof(text), "%" PRIu32 " in 24h, last %s %s", sum, at,
			 tally->last);
	text_copy(ret, SUMMARY_LINE_SIZE, text);
}

void node_tally_sooner(int64_t *next, int64_t at, int64_t now_wall_ns)
{
	if (at > now_wall_ns && at < *next)
		*next = at;
}

void node_tally_next(const struct tally *tally, int64_t now_wall_ns, int64_t *next)
{
	for (int64_t i = 0; i < TALLY_SLOTS; i++)
		if (counts(tally, i, now_wall_ns))
			node_tally_sooner(next, (tally->slots[i] + 1) * TALLY_SLOT_NS + DAY_NS,
					  now_wall_ns);
	if (tally->last_wall_ns)
		node_tally_sooner(next, tally->last_wall_ns + DAY_NS, now_wall_ns);
}
