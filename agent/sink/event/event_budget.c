/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event/event_budget.h"

#include <stdlib.h>
#include <uthash.h>

#define BACKLOG_FACTOR 5
#define BACKLOG_SALT   UINT64_C(0x5bd1e9955bd1e995)

struct bucket {
	uint64_t object;  /* the key */
	uint64_t full_ns; /* when it will be full again, if nothing is taken */
	UT_hash_handle hh;
};

struct event_budget {
	struct budget_rate all, object;
	struct bucket of_all;
	struct bucket *of_objects; /* in the order of use: uthash keeps that of insertion */
};

struct event_budget *event_budget_new(const struct budget_rate *all,
				      const struct budget_rate *object)
{
	struct event_budget *budget = calloc(1, sizeof(*budget));

	if (budget) {
		budget->all = *all;
		budget->object = *object;
	}
	return budget;
}

static void drop(struct event_budget *budget, struct bucket *bucket)
{
	HASH_DEL(budget->of_objects, bucket);
	free(bucket);
}

void event_budget_free(struct event_budget *budget)
{
	if (!budget)
		return;
	while (budget->of_objects)
		drop(budget, budget->of_objects);
	free(budget);
}

static struct bucket *find(const struct event_budget *budget, uint64_t object)
{
	struct bucket *bucket;

	HASH_FIND(hh, budget->of_objects, &object, sizeof(object), bucket);
	return bucket;
}

/* How many of the bucket's tokens this use may have taken before it must wait. */
static uint32_t usable(const struct budget_rate *rate, enum budget_use use)
{
	return use == BUDGET_CHATTER ? (rate->burst + 1) / 2 : rate->burst;
}

/* A token is there as long as the bucket lacks less than what is usable. */
static uint64_t due(const struct bucket *bucket, uint64_t refill_ns, uint32_t tokens,
		    uint64_t now_ns)
{
	uint64_t reach_ns = (tokens - 1) * refill_ns;

	return bucket && bucket->full_ns > now_ns + reach_ns ? bucket->full_ns - reach_ns : now_ns;
}

static void pay(struct bucket *bucket, const struct budget_rate *rate, uint64_t now_ns)
{
	if (bucket->full_ns < now_ns)
		bucket->full_ns = now_ns;
	bucket->full_ns += rate->refill_ns;
}

static uint64_t key_of(uint64_t object, enum budget_use use)
{
	return use == BUDGET_BACKLOG ? object ^ BACKLOG_SALT : object;
}

uint64_t event_budget_due_ns(const struct event_budget *budget, uint64_t object,
			     enum budget_use use, uint64_t now_ns)
{
	uint32_t tokens =
		usable(&budget->object, use) * (use == BUDGET_BACKLOG ? BACKLOG_FACTOR : 1);
	uint64_t all_ns =
		due(&budget->of_all, budget->all.refill_ns, usable(&budget->all, use), now_ns);
	uint64_t object_ns =
		due(find(budget, key_of(object, use)), budget->object.refill_ns, tokens, now_ns);

	return all_ns > object_ns ? all_ns : object_ns;
}

/* The object's bucket, now the one used last; NULL for want of memory. */
static struct bucket *used_last(struct event_budget *budget, uint64_t object)
{
	struct bucket *bucket = find(budget, object);

	if (bucket) {
		HASH_DEL(budget->of_objects, bucket);
	} else {
		if (HASH_COUNT(budget->of_objects) >= BUDGET_OBJECTS_MAX)
			drop(budget, budget->of_objects);
		bucket = calloc(1, sizeof(*bucket));
		if (!bucket)
			return NULL;
		bucket->object = object;
	}
	HASH_ADD(hh, budget->of_objects, object, sizeof(bucket->object), bucket);
	return bucket;
}

bool event_budget_take(struct event_budget *budget, uint64_t object, enum budget_use use,
		       uint64_t now_ns)
{
	struct bucket *bucket;

	if (event_budget_due_ns(budget, object, use, now_ns) > now_ns)
		return false;
	bucket = used_last(budget, key_of(object, use));
	if (bucket)
		pay(bucket, &budget->object, now_ns);
	pay(&budget->of_all, &budget->all, now_ns);
	return true;
}

void event_budget_return(struct event_budget *budget, uint64_t object, enum budget_use use)
{
	struct bucket *bucket = find(budget, key_of(object, use));

	if (bucket && bucket->full_ns > budget->object.refill_ns)
		bucket->full_ns -= budget->object.refill_ns;
}

uint32_t event_budget_objects(const struct event_budget *budget)
{
	return HASH_COUNT(budget->of_objects);
}
