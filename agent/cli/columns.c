// SPDX-License-Identifier: Apache-2.0
#include "cli/columns.h"

#include "base/cleanup.h"
#include "base/text.h"

/* NULL for want of memory. */
static char *safe(const char *text)
{
	char *copy = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&copy, &size);

	if (!out)
		return NULL;
	text_print_safe(out, text);
	fclose(out);
	return copy;
}

static int characters(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

int columns_of(const char *text)
{
	cleanup_free char *copy = safe(text);

	return characters(copy ?: "");
}

void columns_print(FILE *out, const char *text, int width)
{
	cleanup_free char *copy = safe(text);

	fputs(copy ?: "", out);
	for (int i = characters(copy ?: ""); i < width; i++)
		fputc(' ', out);
}
