// SPDX-License-Identifier: Apache-2.0
/* Records as JSON texts: a third of the size of the struct, and what the disk gets in the end. */
#define HASH_NONFATAL_OOM 1

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "model/json.h"
#include "store/store_private.h"

struct waiting_key {
	uint32_t type;
	char key[KEY_SIZE];
};

struct store_waiting {
	struct waiting_key key;
	char *body;
	UT_hash_handle hh; /* iterates in the order of insertion */
};

static struct waiting_key key_of(enum record_type type, const char *text)
{
	struct waiting_key key = {.type = type};

	memcpy(key.key, text, strnlen(text, KEY_SIZE - 1));
	return key;
}

static struct store_waiting *find(const struct store *store, const struct waiting_key *key)
{
	struct store_waiting *waiting;

	HASH_FIND(hh, store->waiting, key, sizeof(*key), waiting);
	return waiting;
}

bool store_queue_empty(const struct store *store)
{
	return !store->waiting;
}

uint64_t store_queue_length(const struct store *store)
{
	return HASH_COUNT(store->waiting);
}

static int read_body(const char *body, struct record *ret)
{
	json_t *json = json_loads(body, 0, NULL);
	int r = record_from_json(json, ret);

	json_decref(json);
	return r;
}

enum record_known store_queue_known(const struct store *store, enum record_type type,
				    const char *key)
{
	struct waiting_key wanted = key_of(type, key);
	const struct store_waiting *waiting = find(store, &wanted);
	struct record record;

	if (!waiting || read_body(waiting->body, &record) < 0)
		return RECORD_UNKNOWN;
	return record.final ? RECORD_KNOWN_FINAL : RECORD_KNOWN;
}

static enum store_put_result replace(struct store_waiting *waiting, const struct record *record,
				     char *body)
{
	struct record older;

	if (strcmp(waiting->body, body) == 0 ||
	    (read_body(waiting->body, &older) == 0 && !record_supersedes(record, &older))) {
		free(body);
		return STORE_KNOWN;
	}
	free(waiting->body);
	waiting->body = body;
	return STORE_WAITING;
}

enum store_put_result store_queue_put(struct store *store, const struct record *record, char *body)
{
	struct waiting_key key = key_of(record->type, record->key);
	struct store_waiting *waiting = find(store, &key);

	if (waiting)
		return replace(waiting, record, body);
	if (store_queue_length(store) < STORE_QUEUE_MAX &&
	    (waiting = calloc(1, sizeof(*waiting)))) {
		waiting->key = key;
		waiting->body = body;
		HASH_ADD(hh, store->waiting, key, sizeof(key), waiting);
		if (waiting->hh.tbl) /* NULL for want of memory */
			return STORE_WAITING;
	}
	free(waiting);
	free(body);
	store->dropped++;
	return STORE_DROPPED;
}

static void drop(struct store *store, struct store_waiting *waiting)
{
	HASH_DELETE(hh, store->waiting, waiting);
	free(waiting->body);
	free(waiting);
}

int store_queue_flush(struct store *store)
{
	struct store_waiting *waiting, *next;
	enum store_put_result result;
	struct record record;

	HASH_ITER (hh, store->waiting, waiting, next) {
		int r = read_body(waiting->body, &record);

		if (r == 0)
			r = store_write_record(store, &record, waiting->body, &result);
		if (r < 0)
			return r;
		drop(store, waiting);
	}
	return 0;
}

void store_queue_clear(struct store *store)
{
	struct store_waiting *waiting, *next;

	HASH_ITER (hh, store->waiting, waiting, next)
		drop(store, waiting);
}
