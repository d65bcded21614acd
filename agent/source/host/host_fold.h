/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failing disk writes a thousand lines a second: of one fact about one resource the first is told at once, what
 * repeats with its count every few seconds. Pure: no clock.
 */
#pragma once

#include <stdint.h>

#include "model/event.h"

#define HOST_FOLD_NS  (5 * NS_PER_SECOND)
#define HOST_FOLD_MAX 16

struct host_fold {
	struct folded {
		struct event event; /* the last one; count: not told so far */
		uint64_t told_ns;   /* 0: the place is free */
	} folded[HOST_FOLD_MAX];
};

/* Tells it, or keeps it; with more kinds than places the one told longest ago gives way. */
void host_fold_note(struct host_fold *fold, const struct event *event, event_fn on_event,
		    void *context);

/* Tells what is due, and returns when the next will be; UINT64_MAX: nothing waits. */
uint64_t host_fold_due(struct host_fold *fold, uint64_t now_ns, event_fn on_event, void *context);
