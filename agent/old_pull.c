/* SPDX-License-Identifier: Apache-2.0 */
#include "old_pull.h"

#include <string.h>

/* The same image at the same time, by another key: one that was seen, or logged by another clock. */
static int same_pull(void *context, const char *boot_id, const struct record *other)
{
	const struct record **told = context;
	const struct record_pull *a = &(*told)->pull, *b = &other->pull;

	(void)boot_id;
	if (strcmp((*told)->key, other->key) == 0 || strcmp(a->image, b->image) != 0 ||
	    a->span.from_ns >= b->span.to_ns || b->span.from_ns >= a->span.to_ns)
		return 0;
	*told = NULL;
	return 1;
}

bool old_pull_is_known(struct store *store, const char *boot_id, const struct span *watched,
		       const struct record *record)
{
	const struct record *told = record;
	struct store_query pulls = {.type = RECORD_PULL, .boot_id = boot_id};
	uint64_t end_ns = record->pull.span.to_ns;

	if (record->type != RECORD_PULL || !pull_was_logged(&record->pull))
		return false;
	if (end_ns > watched->from_ns && end_ns <= watched->to_ns)
		return true;
	store_query(store, &pulls, same_pull, &told);
	return !told;
}
