/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level highest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	highest = level;
}

int log_level_parse(const char *text, enum log_level *ret)
{
	for (enum log_level level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++)
		if (strcmp(text, level_names[level]) == 0) {
			*ret = level;
			return 0;
		}
	return -EINVAL;
}

const char *log_errno_text(int error)
{
	return strerrordesc_np(abs(error)) ?: "unknown error";
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_./:@+%,", *c))
			return true;
	return false;
}

static void write_value(FILE *out, const char *text)
{
	if (!needs_quotes(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else if (*c < 0x20 || *c >= 0x7f)
			fprintf(out, "\\x%02x", *c);
		else
			fputc(*c, out);
	fputc('"', out);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	if (level > highest)
		return;

	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	if (!out)
		return;
	fprintf(out, "level=%s msg=", level_names[level]);
	write_value(out, message);
	for (const struct log_field *field = fields; field->key; field++) {
		fprintf(out, " %s=", field->key);
		if (field->text)
			write_value(out, field->text);
		else
			fprintf(out, "%" PRId64, field->number);
	}
	fputc('\n', out);
	fclose(out);
	if (line)
		fputs(line, stderr);
	free(line);
}
