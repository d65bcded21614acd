/* SPDX-License-Identifier: Apache-2.0 */
#include "source/log_line.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define KLOG_HEADER_MAX 160 /* severity, date, time, thread, file and line */

/* From a quoted or bare value to its end. Returns what comes behind it. */
static const char *take_value(const char *at, const char *end, struct log_line *ret)
{
	bool quoted = at < end && *at == '"';

	at += quoted;
	ret->message = at;
	while (at < end && *at != (quoted ? '"' : ' '))
		at += *at == '\\' && quoted && end - at > 1 ? 2 : 1;
	ret->length = (size_t)(at - ret->message);
	return at < end && quoted ? at + 1 : at;
}

static void read_time(const struct log_line *value, struct log_line *ret)
{
	char text[WALL_TEXT_SIZE + 8];
	int64_t wall_ns;

	if (value->length >= sizeof(text))
		return;
	text_copy_n(text, sizeof(text), value->message, value->length);
	if (clock_wall_parse(text, &wall_ns) < 0 || wall_ns < 0 || wall_ns > INT64_MAX / 2)
		return;
	ret->wall_ns = wall_ns;
	ret->fine = strchr(text, '.');
}

/* time="2026-05-06T11:05:04+02:00" level=info msg="Starting k3s agent ..." more=fields */
static bool parse_logrus(const char *at, const char *end, struct log_line *ret)
{
	struct log_line line = {0};

	if (end - at < 5 || memcmp(at, "time=", 5) != 0)
		return false;
	for (int i = 0; i < 8 && at < end; i++) {
		const char *name = at, *equals = memchr(at, '=', (size_t)(end - at));
		struct log_line value;

		if (!equals)
			return false;
		at = take_value(equals + 1, end, &value);
		while (at < end && *at == ' ')
			at++;
		if (equals - name == 4 && memcmp(name, "time", 4) == 0)
			read_time(&value, &line);
		if (equals - name == 3 && memcmp(name, "msg", 3) == 0) {
			line.message = value.message;
			line.length = value.length;
			*ret = line;
			return true;
		}
	}
	return false;
}

/* I0613 01:11:39.122310    2573 kubelet_node_status.go:497] "Fast updating ..." key="value" */
static bool parse_klog(const char *at, const char *end, struct log_line *ret)
{
	size_t length = (size_t)(end - at);
	const char *close;

	if (length < 6 || !strchr("IWEF", *at) || !*at || at[5] != ' ')
		return false;
	for (int i = 1; i < 5; i++)
		if (!isdigit((unsigned char)at[i]))
			return false;
	close = memchr(at, ']', length < KLOG_HEADER_MAX ? length : KLOG_HEADER_MAX);
	if (!close || end - close < 2 || close[1] != ' ')
		return false;
	*ret = (struct log_line){0};
	if (close + 2 < end && close[2] == '"') {
		take_value(close + 2, end, ret);
	} else {
		ret->message = close + 2;
		ret->length = (size_t)(end - close - 2);
	}
	return true;
}

void log_line_parse(const char *text, size_t length, struct log_line *ret)
{
	const char *end = text + length;

	if (!parse_logrus(text, end, ret) && !parse_klog(text, end, ret))
		*ret = (struct log_line){.message = text, .length = length};
}

bool log_line_begins(const struct log_line *line, const char *prefix)
{
	size_t length = strlen(prefix);

	return line->length >= length && memcmp(line->message, prefix, length) == 0;
}
