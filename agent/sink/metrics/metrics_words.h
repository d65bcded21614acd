/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label values that come from texts (a gap's cause, a wait's reason): the first 32 different ones get a
 * place each, all later ones share "other". A peer's text can so never make series without bound.
 */
#pragma once

#include <stdint.h>

#define METRICS_WORDS_MAX 32 /* different words, without "other" */
#define METRICS_WORD_SIZE 72

/* Starts as zeroes. */
struct metrics_words {
	uint32_t used;
	char words[METRICS_WORDS_MAX][METRICS_WORD_SIZE];
};

/* Its place, made if there is room; METRICS_WORDS_MAX is "other". Cut, and only printable ASCII is kept. */
uint32_t metrics_words_place(struct metrics_words *words, const char *text);

/* place: below used, or METRICS_WORDS_MAX. */
const char *metrics_words_text(const struct metrics_words *words, uint32_t place);
