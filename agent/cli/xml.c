// SPDX-License-Identifier: Apache-2.0
#include "cli/xml.h"

#include "base/cleanup.h"
#include "base/text.h"

static void print_character(FILE *out, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default:
		fputc(c, out);
	}
}

void xml_print(FILE *out, const char *text)
{
	cleanup_free char *safe = NULL;
	size_t size = 0;
	FILE *plain = open_memstream(&safe, &size);

	if (!plain)
		return;
	text_print_safe(plain, text);
	if (fclose(plain) != 0)
		return;
	for (size_t i = 0; i < size; i++)
		print_character(out, safe[i]);
}
