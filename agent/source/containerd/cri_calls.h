/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRI calls that containerd logs: how it writes them is one table, and here a begin is paired with its return.
 *
 * Both repeat what the call is for, in words that differ between versions of containerd; only that they are the same
 * words is relied on. It must not know what the calls are good for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "source/log_line.h"

struct cri_call_rule {
	enum cri_method method;
	const char *prefix;  /* how its lines begin */
	const char *extra;   /* what the begin says besides; "" nothing */
	const char *returns; /* behind what it is for */
	bool makes; /* and behind that, in quotes, the id of what it made; else it is for an id */
	bool image; /* what it makes is an image */
	const char *fails;
};

/* For tests: each row is met by lines of each version. */
extern const struct cri_call_rule cri_call_rules[];
extern const size_t cri_call_rule_count;

/* A pod's name and namespace have 316 characters at most; a longer text is left out. */
#define CRI_CALL_TEXT_SIZE 512
#define CRI_CALLS_OPEN_MAX 256

/* Begun, and not returned so far. */
struct cri_call_open {
	enum cri_method method;
	uint64_t began_ns;
	char text[CRI_CALL_TEXT_SIZE];
};

/* For want of places those that began first went, which a crash left open. Who has told it makes it zero. */
struct cri_calls_lost {
	uint64_t count;
	uint64_t from_ns; /* the first of them began */
	uint64_t to_ns;	  /* the last made room */
};

struct cri_calls {
	uint32_t count;
	struct cri_calls_lost lost;
	struct cri_call_open open[CRI_CALLS_OPEN_MAX]; /* as they began */
};

/*
 * Takes a line of containerd's, which come in their order. What began at before_ns or later is of no interest. True: a
 * call has returned that made or started something, and *ret is told.
 */
bool cri_calls_line(struct cri_calls *calls, const struct log_line *line, uint64_t boot_ns,
		    uint64_t before_ns, struct event *ret);
