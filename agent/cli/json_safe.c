// SPDX-License-Identifier: Apache-2.0
#include "cli/json_safe.h"

#include "base/cleanup.h"
#include "base/text.h"

json_t *json_safe_number(uint64_t value)
{
	return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

json_t *json_safe_text(const char *text)
{
	cleanup_free char *safe = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&safe, &size);

	if (!out)
		return NULL;
	text_print_safe(out, text);
	fclose(out);
	return json_string(safe);
}
