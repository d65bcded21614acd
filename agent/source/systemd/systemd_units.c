/* SPDX-License-Identifier: Apache-2.0 */
#include "source/systemd/systemd_units.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/systemd/systemd_rank.h"

#define LISTED_MAX 4096
#define READ_MAX   1536
#define AFTER_MAX  32768 /* of all units together */
#define NO_RANK	   SYSTEMD_RANK_COUNT
#define LONG_NS	   (10 * NS_PER_MS)

struct item {
	UT_hash_handle hh;
	uint32_t token;
	enum systemd_rank rank; /* NO_RANK: not worth a question of its own */
	bool queued;		/* or needs no question */
	bool wanted;		/* told whatever it took */
	bool failed;
	bool activated;
	uint32_t flags;
	uint64_t boot_ns;
	struct event_unit unit; /* without its name */
	uint32_t after_from, after_count;
	char name[];
};

struct systemd_units {
	const struct systemd_told *told;
	const struct systemd_frame *frame;
	bool deep;
	struct item *by_name;
	struct item *items[LISTED_MAX];
	uint32_t count;
	enum systemd_rank rank; /* whose items are being queued */
	uint32_t seed;		/* next item to look at for this rank */
	uint32_t queue[READ_MAX];
	uint32_t queue_count, queue_next;
	uint32_t asked;		   /* questions that are not answered yet */
	uint32_t after[AFTER_MAX]; /* tokens */
	uint32_t after_count;
	struct systemd_units_stats stats;
};

struct systemd_units *systemd_units_new(const struct systemd_told *told,
					const struct systemd_frame *frame, bool deep)
{
	struct systemd_units *units = calloc(1, sizeof(*units));

	if (units) {
		units->told = told;
		units->frame = frame;
		units->deep = deep;
	}
	return units;
}

void systemd_units_free(struct systemd_units *units)
{
	if (!units)
		return;
	HASH_CLEAR(hh, units->by_name);
	for (uint32_t i = 0; i < units->count; i++)
		free(units->items[i]);
	free(units);
}

static bool is_on_its_way(const struct systemd_listed *listed)
{
	return strcmp(listed->active_state, "activating") == 0;
}

void systemd_units_add(struct systemd_units *units, const struct systemd_listed *listed)
{
	enum systemd_rank rank = systemd_rank(listed->name);
	size_t size = strlen(listed->name) + 1;
	struct item *item;

	if (rank == SYSTEMD_RANK_FOREIGN || strcmp(listed->load_state, "loaded") != 0)
		return;
	HASH_FIND_STR(units->by_name, listed->name, item);
	if (item)
		return;
	item = units->count < LISTED_MAX ? calloc(1, sizeof(*item) + size) : NULL;
	if (!item) {
		units->stats.left_out++;
		return;
	}
	memcpy(item->name, listed->name, size);
	item->token = units->count;
	item->rank = rank == SYSTEMD_RANK_ORDERED ? NO_RANK : rank;
	item->queued = systemd_told_complete(units->told, listed->name);
	item->failed = strcmp(listed->active_state, "failed") == 0 ||
		       strcmp(listed->sub_state, "auto-restart") == 0;
	if (rank == SYSTEMD_RANK_NAMED && !item->queued && is_on_its_way(listed))
		units->stats.awaited = true;
	units->items[units->count++] = item;
	HASH_ADD_KEYPTR(hh, units->by_name, item->name, size - 1, item);
}

static void enqueue(struct systemd_units *units, struct item *item, bool wanted)
{
	if (wanted)
		item->wanted = true;
	if (item->queued)
		return;
	item->queued = true;
	if (units->queue_count == READ_MAX) {
		units->stats.left_out++;
		return;
	}
	units->queue[units->queue_count++] = item->token;
}

/* Ranks are taken up one after the other, each with all that its units lead to. */
static void seed(struct systemd_units *units)
{
	enum systemd_rank last = units->deep ? SYSTEMD_RANK_SERVICE : SYSTEMD_RANK_NAMED;

	while (!units->asked && units->queue_next == units->queue_count && units->rank <= last) {
		for (uint32_t i = 0; i < units->count; i++)
			if (units->items[i]->rank == units->rank)
				enqueue(units, units->items[i], units->rank < SYSTEMD_RANK_SERVICE);
		units->rank++;
	}
}

bool systemd_units_next(struct systemd_units *units, uint32_t *ret_token, const char **ret_name)
{
	seed(units);
	if (units->queue_next == units->queue_count)
		return false;
	units->asked++;
	*ret_token = units->queue[units->queue_next++];
	*ret_name = units->items[*ret_token]->name;
	return true;
}

const char *systemd_units_name(const struct systemd_units *units, uint32_t token)
{
	return token < units->count ? units->items[token]->name : "";
}

static void note_after(struct systemd_units *units, struct item *item, char *const *names)
{
	item->after_from = units->after_count;
	for (; *names; names++) {
		struct item *after;

		HASH_FIND_STR(units->by_name, *names, after);
		if (!after)
			continue;
		if (units->after_count == AFTER_MAX) {
			units->stats.edges_left_out++;
			continue;
		}
		units->after[units->after_count++] = after->token;
		item->after_count++;
		if (item->wanted)
			enqueue(units, after, true);
	}
}

bool systemd_units_note(struct systemd_units *units, uint32_t token,
			const struct systemd_unit *answer)
{
	struct item *item = token < units->count ? units->items[token] : NULL;
	struct event event;

	if (!item || !units->asked)
		return false;
	units->asked--;
	if (!answer) {
		units->stats.unanswered++;
		return false;
	}
	switch (systemd_activation(answer, units->frame, &event)) {
	case SYSTEMD_NEVER:
		return false;
	case SYSTEMD_RESTARTED:
		units->stats.restarted += item->rank == SYSTEMD_RANK_NAMED;
		return false;
	case SYSTEMD_FIRST:
	case SYSTEMD_AGAIN:
		break;
	}
	item->activated = true;
	item->flags = event.flags;
	item->boot_ns = event.boot_ns;
	item->unit = event.unit;
	note_after(units, item, answer->after);
	return item->failed;
}

void systemd_units_result(struct systemd_units *units, uint32_t token, const char *result)
{
	if (token < units->count && strcmp(result, "success") != 0)
		TEXT_COPY(units->items[token]->unit.result, result);
}

static int by_length(const void *left, const void *right)
{
	uint64_t a = systemd_activation_ns(&(*(struct item *const *)left)->unit);
	uint64_t b = systemd_activation_ns(&(*(struct item *const *)right)->unit);

	return (a < b) - (a > b);
}

static void tell(struct systemd_units *units, struct systemd_told *told, const struct item *item)
{
	struct event event = {
		.type = EVENT_UNIT,
		.flags = item->flags,
		.boot_ns = item->boot_ns,
		.unit = item->unit,
	};

	TEXT_COPY(event.unit.name, item->name);
	units->stats.left_out += !systemd_told_unit(told, &event);
}

/* Wanted units stand in the order in which they were asked for; the rest by their length. */
static uint32_t choose(struct systemd_units *units, struct item **chosen)
{
	uint32_t count = 0, wanted;

	for (uint32_t i = 0; i < units->queue_next; i++) {
		struct item *item = units->items[units->queue[i]];

		if (item->activated && item->wanted)
			chosen[count++] = item;
	}
	wanted = count;
	for (uint32_t i = 0; i < units->queue_next; i++) {
		struct item *item = units->items[units->queue[i]];

		if (item->activated && !item->wanted &&
		    systemd_activation_ns(&item->unit) >= LONG_NS)
			chosen[count++] = item;
	}
	qsort(chosen + wanted, count - wanted, sizeof(*chosen), by_length);
	return count;
}

void systemd_units_tell(struct systemd_units *units, struct systemd_told *told)
{
	struct item *chosen[READ_MAX];
	uint32_t count = choose(units, chosen);

	for (uint32_t i = 0; i < count; i++)
		tell(units, told, chosen[i]);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < chosen[i]->after_count; k++) {
			uint32_t token = units->after[chosen[i]->after_from + k];

			units->stats.edges_left_out += !systemd_told_after(
				told, chosen[i]->name, units->items[token]->name);
		}
}

void systemd_units_stats(const struct systemd_units *units, struct systemd_units_stats *ret)
{
	*ret = units->stats;
}
