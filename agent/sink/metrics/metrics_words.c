/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_words.h"

#include <string.h>

#include "base/text.h"

#define OTHER "other"

static void sanitise(char word[static METRICS_WORD_SIZE], const char *text)
{
	text_copy(word, METRICS_WORD_SIZE, *text ? text : "unknown");
	for (char *at = word; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '_';
}

uint32_t metrics_words_place(struct metrics_words *words, const char *text)
{
	char word[METRICS_WORD_SIZE] = "";

	sanitise(word, text);
	if (strcmp(word, OTHER) == 0)
		return METRICS_WORDS_MAX;
	for (uint32_t i = 0; i < words->used; i++)
		if (strcmp(words->words[i], word) == 0)
			return i;
	if (words->used == METRICS_WORDS_MAX)
		return METRICS_WORDS_MAX;
	memcpy(words->words[words->used], word, sizeof(word));
	return words->used++;
}

const char *metrics_words_text(const struct metrics_words *words, uint32_t place)
{
	return place < METRICS_WORDS_MAX ? words->words[place] : OTHER;
}
