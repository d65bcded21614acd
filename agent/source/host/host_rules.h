/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of the kernel's log are facts of the host that may explain deaths: one table. Pure text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/event.h"

struct host_rule {
	enum host_fact fact;
	const char *begins;   /* "": anything */
	const char *contains; /* behind that */
	const char *before;   /* of the resource; NULL: it has none */
	const char *until;    /* what ends it; NULL: the line's end */
	bool device;	      /* the resource is a block device */
};

extern const struct host_rule host_rules[];
extern const size_t host_rule_count;

/* True if the line is one; fills fact, resource and detail. */
bool host_rule_match(const char *line, size_t length, struct event_host *ret);
