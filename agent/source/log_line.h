/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a log, taken apart: when it was written and what it says. Takes what containerd and K3s (logrus's
 * text form) and the kubelet (klog) write; any other line is its own message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_line {
	int64_t wall_ns;     /* 0: it does not tell, or not with a time zone (klog) */
	bool fine;	     /* wall_ns is finer than a second */
	const char *message; /* borrowed, not terminated; quotes inside are still escaped */
	size_t length;
};

/* Any bytes; text need not be terminated. */
void log_line_parse(const char *text, size_t length, struct log_line *ret);

bool log_line_begins(const struct log_line *line, const char *prefix);
