/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Event is written next: what is pending in the outbox, without the bodies, in memory. Pure, for the
 * pump of Events. The oldest goes first, deaths before chatter; a series is written again at growing intervals;
 * what is told late (a backlog) goes one at a time, so that it arrives in order.
 *
 * An entry stays for a while after it was written: its intervals grow on when it counts again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sink/event/event_budget.h"

struct event_queue;

struct queued {
	int64_t id;		 /* the outbox entry's */
	uint64_t object;	 /* hash of whose budget it is on */
	bool urgent;		 /* deaths */
	uint64_t count, written; /* as in the outbox */
	int64_t last_wall_ns;
	/* the queue's own */
	bool late;	   /* told first, and long after it happened: backlog */
	bool under_way;	   /* being written */
	uint32_t writes;   /* so far, of the series */
	uint64_t write_ns; /* the last one's, boot clock */
};

/* NULL for want of memory. budget is borrowed. */
struct event_queue *event_queue_new(struct event_budget *budget);
void event_queue_free(struct event_queue *queue);

/* An entry is new or counts more than it did. Returns 0 or -ENOMEM. */
int event_queue_note(struct event_queue *queue, const struct queued *entry);

/*
 * What to write now, its budget taken; NULL: nothing, and *ret_due_ns says when to ask again (UINT64_MAX: when
 * something happens). It is under way until one of the two below.
 */
struct queued *event_queue_next(struct event_queue *queue, uint64_t now_ns, int64_t now_wall_ns,
				uint64_t *ret_due_ns);

/* The API server knows of `written`; UINT64_MAX: it will never be told of it. */
void event_queue_written(struct event_queue *queue, struct queued *entry, uint64_t written,
			 uint64_t now_ns);

/* It was not taken and stands where it stood. */
void event_queue_failed(struct event_queue *queue, struct queued *entry);

struct queued *event_queue_find(struct event_queue *queue, int64_t id);

/* Entries whose count is not written yet. */
uint32_t event_queue_pending(const struct event_queue *queue);
