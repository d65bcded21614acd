/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much may be written now: a bucket of tokens for all, and one for each object (a pod, the node), so that
 * one noisy pod can't delay what is told of another. Pure, for the pump of Events. At most BUDGET_OBJECTS_MAX
 * objects are remembered; the one used longest ago is forgotten, which is harmless: its bucket has filled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_OBJECTS_MAX 512

struct event_budget;

struct budget_rate {
	uint32_t burst;
	uint64_t refill_ns; /* for one token */
};

/* For what it is: each has its own view of how much there is. */
enum budget_use {
	BUDGET_CHATTER, /* leaves half of each bucket for deaths */
	BUDGET_DEATH,
	BUDGET_BACKLOG, /* after an outage: five times as much of an object, in a bucket beside */
};

/* NULL for want of memory. */
struct event_budget *event_budget_new(const struct budget_rate *all,
				      const struct budget_rate *object);
void event_budget_free(struct event_budget *budget);

/* When one more may be written of this object: now_ns or later. */
uint64_t event_budget_due_ns(const struct event_budget *budget, uint64_t object,
			     enum budget_use use, uint64_t now_ns);

/* It is written; event_budget_due_ns has said now. False, and nothing taken, if it is not due. */
bool event_budget_take(struct event_budget *budget, uint64_t object, enum budget_use use,
		       uint64_t now_ns);

/* The server did not take it: the object does not pay for that. */
void event_budget_return(struct event_budget *budget, uint64_t object, enum budget_use use);

uint32_t event_budget_objects(const struct event_budget *budget);
