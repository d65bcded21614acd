/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something happened in 24 h, and the latest of it in words: "3 in 24h, last 06:20Z ...". In wall
 * time, ns. Only node_summary.c uses it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "sink/node/node_summary.h"
#include "sink/node/node_words.h"

#define DAY_NS ((int64_t)(86400 * NS_PER_SECOND))
/* Counts leave by half hours: each change of a line is a write. */
#define TALLY_SLOT_NS ((int64_t)(1800 * NS_PER_SECOND))
#define TALLY_SLOTS   (DAY_NS / TALLY_SLOT_NS + 1)

struct tally {
	uint32_t counts[TALLY_SLOTS];
	int64_t slots[TALLY_SLOTS]; /* which half hour since the epoch a count is of */
	int64_t last_wall_ns;
	uint64_t last_key;
	bool last_open; /* it goes on */
	char last[NODE_WORDS_SIZE];
};

void node_tally_count(struct tally *tally, int64_t wall_ns);

/* Returns where to write the words (NODE_WORDS_SIZE) if this is the latest, or that one again; else NULL. */
char *node_tally_latest(struct tally *tally, uint64_t key, int64_t wall_ns, bool open);

uint32_t node_tally_total(const struct tally *tally, int64_t now_wall_ns);
void node_tally_line(const struct tally *tally, int64_t now_wall_ns,
		     char ret[static SUMMARY_LINE_SIZE]);

/* Within the last 24 h. */
bool node_tally_recent(int64_t wall_ns, int64_t now_wall_ns);

/* Makes *next the time when the line may change by itself, if that is sooner. */
void node_tally_next(const struct tally *tally, int64_t now_wall_ns, int64_t *next);
void node_tally_sooner(int64_t *next, int64_t at, int64_t now_wall_ns);
