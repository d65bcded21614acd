/* SPDX-License-Identifier: Apache-2.0 */
/* Events as lines of JSON, the first of which says what it is: what a recording and the event log are made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/event.h"

struct event_line_header {
	char boot_id[BOOT_ID_SIZE];
	int64_t wall_offset_ns; /* makes wall times of its events' */
};

/* Return a line with its end, to be freed, or NULL without memory. seen_ns: when the agent had it. */
char *event_line_header(const struct event_line_header *header);
char *event_line(const struct event *event, uint64_t seen_ns);

/* Return 0, or -EBADMSG for a line that is something else. */
int event_line_read_header(const char *line, size_t length, struct event_line_header *ret);
int event_line_read(const char *line, size_t length, struct event *ret, uint64_t *ret_seen_ns);
