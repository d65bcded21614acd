// SPDX-License-Identifier: Apache-2.0
#include "unit/sentence_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/sentence.h"

char *line_of(const struct record *record, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	sentence_line(out, record, colour);
	fclose(out);
	return text;
}

void expect_line(const struct record *record, const char *expected)
{
	char *text = line_of(record, false);

	assert_string_equal(text, expected);
	free(text);
}

void expect_words(const struct record *record, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	sentence_text(out, record);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}
