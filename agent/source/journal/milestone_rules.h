/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of containerd's, K3s's and the kubelet's logs are milestones of a boot: one table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/event.h"
#include "source/log_line.h"

/* Whose log it is; K3s's own (and RKE2's) holds the kubelet's lines too, and containerd's where that has no file. */
enum log_program { LOG_CONTAINERD = 0x1, LOG_K3S = 0x2, LOG_KUBELET = 0x4 };

struct milestone_rule {
	unsigned int programs; /* bits of enum log_program */
	const char *prefix;    /* how the message begins */
	enum milestone what;
	bool unless_denied; /* not, if the row `denies` was met since the program began */
	bool denies;
};

/* The row that a line meets, or NULL. */
const struct milestone_rule *milestone_rule_find(enum log_program program,
						 const struct log_line *line);

/* The journal's SYSLOG_IDENTIFIERs to look for, NULL at the end. Returns 0 for any other name. */
extern const char *const milestone_identifiers[];
unsigned int milestone_program(const char *identifier);

/* For tests: each row is met by one of them. */
extern const struct milestone_rule milestone_rules[];
extern const size_t milestone_rule_count;
