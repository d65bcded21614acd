// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"
#include "store/store_private.h"

#define WRITES_PER_TRIM 256 /* between two looks at the limits, should store_tend come late */

static int store_make(struct store **ret, const char *dir, const char *boot_id,
		      const struct store_limits *limits)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->dir = strdup(dir);
	store->path = store_file_path(dir);
	if (!store->dir || !store->path) {
		store_close(store);
		return -ENOMEM;
	}
	if (boot_id)
		TEXT_COPY(store->boot_id, boot_id);
	if (limits)
		store->limits = *limits;
	*ret = store;
	return 0;
}

static void disconnect(struct store *store)
{
	store_write_finalize(store);
	sqlite3_close(store->db);
	store->db = NULL;
}

static int connect_once(struct store *store, bool check, char ret_why[static STORE_WHY_SIZE])
{
	int r = store_database_open(store->path, check, &store->db, ret_why);

	if (r < 0)
		return r;
	r = store_write_begin(store);
	if (r < 0) {
		snprintf(ret_why, STORE_WHY_SIZE, "cannot write to %.150s: %s", store->path,
			 strerrordesc_np(-r));
		disconnect(store);
	}
	return r;
}

/* Opens the file; one that is damaged is set aside and a new one begun. */
static int connect_writer(struct store *store, bool check, char ret_why[static STORE_WHY_SIZE])
{
	int r = store_file_prepare(store->dir, ret_why);

	if (r < 0)
		return r;
	r = connect_once(store, check, ret_why);
	if (r != -EUCLEAN)
		return r;
	r = store_file_set_aside(store->path);
	if (r < 0) {
		snprintf(ret_why, STORE_WHY_SIZE, "%.120s is damaged and cannot be set aside: %s",
			 store->path, strerrordesc_np(-r));
		return r;
	}
	store->set_aside++;
	return connect_once(store, false, ret_why);
}

int store_open(struct store **ret, const char *dir, const char *boot_id,
	       const struct store_limits *limits, char ret_why[static 256])
{
	struct store *store;
	int r = store_make(&store, dir, boot_id, limits);

	if (r < 0) {
		snprintf(ret_why, STORE_WHY_SIZE, "out of memory");
		return r;
	}
	r = connect_writer(store, true, ret_why);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

int store_open_memory(struct store **ret, const char *dir, const char *boot_id,
		      const struct store_limits *limits)
{
	int r = store_make(ret, dir, boot_id, limits);

	if (r == 0)
		(*ret)->error = -EIO; /* until store_tend knows better */
	return r;
}

int store_open_reader(struct store **ret, const char *dir, char ret_why[static 256])
{
	struct store *store;
	int r = store_make(&store, dir, NULL, NULL);

	if (r < 0) {
		snprintf(ret_why, STORE_WHY_SIZE, "out of memory");
		return r;
	}
	store->reader = true;
	r = store_database_open_reader(store->path, &store->db, ret_why);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->db && !store->reader && !store_queue_empty(store))
		store_queue_flush(store);
	disconnect(store);
	store_queue_clear(store);
	free(store->path);
	free(store->dir);
	free(store);
}

/* Damage that shows while running is treated as at the start: set aside, begin anew, write again. */
static int write_or_renew(struct store *store, const struct record *record, const char *body,
			  enum store_put_result *ret)
{
	char why[STORE_WHY_SIZE];
	int r = store_write_record(store, record, body, ret);

	if (r != -EUCLEAN)
		return r;
	disconnect(store);
	r = store_file_set_aside(store->path);
	if (r < 0)
		return r;
	store->set_aside++;
	r = connect_once(store, false, why);
	return r < 0 ? r : store_write_record(store, record, body, ret);
}

enum store_put_result store_put(struct store *store, const struct record *record)
{
	json_t *json = store->reader || !record->type || record->type >= RECORD_TYPE_COUNT
			       ? NULL
			       : record_to_json(record);
	char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	enum store_put_result result;

	json_decref(json);
	if (!body) {
		store->dropped++;
		return STORE_DROPPED;
	}
	/* While the disk fails nothing is tried here, so that a slow failure holds nobody up. */
	if (store->error == 0) {
		store->error = write_or_renew(store, record, body, &result);
		if (store->error == 0) {
			free(body);
			if (store->writes >= WRITES_PER_TRIM)
				store_trim(store);
			return result;
		}
	}
	return store_queue_put(store, record, body);
}

enum record_known store_known(struct store *store, enum record_type type, const char *key)
{
	enum record_known waiting = store_queue_known(store, type, key);

	/* a failing disk may be slow: as in store_put it is left alone */
	if (waiting == RECORD_KNOWN_FINAL || store->error < 0)
		return waiting;
	enum record_known written = store_write_known(store, type, key);

	return written > waiting ? written : waiting;
}

/* Starts over with a new connection: the old one may remember what the disk has forgotten. */
static int recover(struct store *store)
{
	char why[STORE_WHY_SIZE];
	int r;

	disconnect(store);
	r = connect_writer(store, false, why);
	return r < 0 ? r : store_queue_flush(store);
}

void store_tend(struct store *store)
{
	if (store->reader)
		return;
	if (store->error < 0)
		store->error = recover(store);
	if (store->error < 0)
		return;
	store_trim(store);
	if (store->written) {
		sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		store->written = false;
	}
}

void store_stats(struct store *store, struct store_stats *ret)
{
	*ret = (struct store_stats){
		.bytes = store_file_bytes(store->path),
		.waiting = store_queue_length(store),
		.dropped = store->dropped,
		.set_aside = store->set_aside,
		.error = store->error,
	};
	memcpy(ret->records, store->records, sizeof(ret->records));
}
