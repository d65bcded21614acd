/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event_line.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"

#define WHAT   "events"
#define FORMAT 1

static char *line_of(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	char *line = text ? realloc(text, length + 2) : NULL;

	json_decref(json);
	if (line)
		memcpy(line + length, "\n", 2);
	else
		free(text);
	return line;
}

char *event_line_header(const struct event_line_header *header)
{
	return line_of(json_pack("{s:s, s:i, s:s, s:I}", "nodewake", WHAT, "version", FORMAT,
				 "boot_id", header->boot_id, "wall_offset_ns",
				 (json_int_t)header->wall_offset_ns));
}

char *event_line(const struct event *event, uint64_t seen_ns)
{
	json_t *json = event_to_json(event);

	json_object_set_new(json, "seen_ns", json_integer((json_int_t)seen_ns));
	return line_of(json);
}

int event_line_read_header(const char *line, size_t length, struct event_line_header *ret)
{
	json_auto_t *json = json_loadb(line, length, 0, NULL);
	const char *what = json_string_value(json_object_get(json, "nodewake"));
	const char *boot_id = json_string_value(json_object_get(json, "boot_id"));

	if (!what || strcmp(what, WHAT) != 0 ||
	    json_integer_value(json_object_get(json, "version")) != FORMAT)
		return -EBADMSG;
	*ret = (struct event_line_header){
		.wall_offset_ns = json_integer_value(json_object_get(json, "wall_offset_ns")),
	};
	if (boot_id)
		TEXT_COPY(ret->boot_id, boot_id);
	return 0;
}

int event_line_read(const char *line, size_t length, struct event *ret, uint64_t *ret_seen_ns)
{
	json_auto_t *json = json_loadb(line, length, 0, NULL);
	struct event event;

	if (!json || event_from_json(json, &event) < 0)
		return -EBADMSG;
	uint64_t seen_ns = (uint64_t)json_integer_value(json_object_get(json, "seen_ns"));

	*ret = event;
	*ret_seen_ns = seen_ns ? seen_ns : event.boot_ns;
	return 0;
}
