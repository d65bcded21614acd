/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that outlive the daemon: one SQLite file (WAL) in the state directory.
 *
 * The daemon writes, `nodewake starts|ooms|exits|explain` read the same file, also while the
 * daemon is down. A record is committed before store_put returns, so kill -9 loses nothing. When
 * the disk is full or read-only, records wait in memory (a bounded queue) until it works again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/record.h"

struct store;

/* The records of so many boots (RECORD_BOOT, one of each) outlive both limits: some 10 KiB each. */
#define STORE_BOOTS_KEPT 50

struct store_limits {
	uint64_t age_ns; /* records older than this go; 0: 30 days */
	uint64_t bytes;	 /* file size above which the oldest go; 0: 64 MiB */
};

struct store_stats {
	uint64_t records[RECORD_TYPE_COUNT];
	uint64_t bytes;
	uint64_t waiting;   /* in memory, for a disk that fails */
	uint64_t dropped;   /* for want of memory; the caller records a gap */
	uint64_t set_aside; /* damaged files renamed since the store was opened */
	int error;	    /* negative errno of the failure that goes on, 0: well */
};

/*
 * Opens or makes <dir>/nodewake.db (directory 0700, file 0600) for writing, for the boot with this
 * id. Returns 0 or a negative errno with one sentence in ret_why (what failed, what to do): a
 * database of a newer schema is -EPROTO and is left alone; a damaged one is set aside as
 * nodewake.db.damaged-<n> and a new one begun, which store_stats tells. On any failure the
 * caller may use store_open_memory.
 */
int store_open(struct store **ret, const char *dir, const char *boot_id,
	       const struct store_limits *limits, char ret_why[static 256]);

/* A store that forgets: for a disk that can't be used. dir is tried again by store_retry. */
int store_open_memory(struct store **ret, const char *dir, const char *boot_id,
		      const struct store_limits *limits);

/* For reading only, while a daemon may be writing. -ENOENT: there is none. */
int store_open_reader(struct store **ret, const char *dir, char ret_why[static 256]);

void store_close(struct store *store);

enum store_put_result {
	STORE_NEW,	/* not known before */
	STORE_REPLACED, /* an older form was there: see record_supersedes */
	STORE_KNOWN,	/* the same or a better form was there: nothing changed */
	STORE_WAITING,	/* kept in memory until the disk works again */
	STORE_DROPPED,
};

enum store_put_result store_put(struct store *store, const struct record *record);

/*
 * Which form of this boot's record is kept, on disk or waiting for it; told before store_put, it says
 * whether that tells something for the first time. A record that was dropped is not known.
 */
enum record_known store_known(struct store *store, enum record_type type, const char *key);

/* Writes waiting records and applies the limits; call every 10 s or so. */
void store_tend(struct store *store);

/* Small values that survive restarts ("heartbeat"), per boot. Returns 0 or a negative errno. */
int store_bookmark_set(struct store *store, const char *name, uint64_t value);
int store_bookmark_get(struct store *store, const char *name, uint64_t *ret);

#define STORE_HEARTBEAT "heartbeat"

/* The agent lives: a bookmark, and where the wall clock is by now. Returns 0 or a negative errno. */
int store_heartbeat(struct store *store, uint64_t boot_ns);

struct store_past_boot {
	char boot_id[BOOT_ID_SIZE];
	int64_t wall_offset_ns; /* turns heartbeat_ns into wall time */
	uint64_t heartbeat_ns;	/* the last; 0: none */
};

/* Boots before this one, last first; the last is kept as long as this one lasts. Returns how many, or a negative errno. */
int store_past_boots(struct store *store, struct store_past_boot *ret, uint32_t limit);

/*
 * The outbox: what the API server is to be told, kept until it knows.
 *
 * A record waits untold from the moment it is stored. store_outbox_fill describes each as an entry, or as
 * nothing worth telling, in the transaction that marks it told: a kill -9 at any instant neither loses nor
 * doubles one. Repeats of the same series within the gap are one entry that counts. An entry is pending
 * while the API server knows less than its count; writing it again must be harmless (absolute counts).
 */
#define OUTBOX_NAME_SIZE 254 /* RFC 1123 subdomain */
#define OUTBOX_BATCH	 64
#define OUTBOX_MAX	 10000 /* pending entries; above that records wait untold */

struct outbox_entry {
	char name
		[OUTBOX_NAME_SIZE]; /* of the object, unique: made of the record's boot, type and key */
	char object[80];	    /* whose budget it is on: the pod's uid, or the node */
	char series[256];	    /* equal for repeats of the same thing */
	char *body;		    /* owned: handed to the store */
};

enum outbox_answer {
	OUTBOX_NOTHING, /* not worth telling */
	OUTBOX_TELL,	/* *ret is filled in */
	OUTBOX_LATER,	/* an early form that says too little: asked again */
	OUTBOX_NOT_YET, /* not worth telling in this form: a newer one is asked again */
};

/* ret is zeroed. */
typedef enum outbox_answer (*outbox_describe_fn)(void *context, const char *boot_id,
						 const struct record *record,
						 struct outbox_entry *ret);

/* An entry was added or counts once more (unless the transaction fails after all). */
typedef void (*outbox_touched_fn)(void *context, int64_t id);

struct store_outbox_policy {
	unsigned int early_types; /* bits of enum record_type that are told before they are final */
	uint64_t series_gap_ns;
	outbox_describe_fn describe;
	outbox_touched_fn touched; /* may be NULL */
	void *context;
};

/* From now on new records wait to be told; those before are taken for told. */
void store_outbox_enable(struct store *store);

/* Returns how many records were done with (at most OUTBOX_BATCH: call again while > 0), or a negative errno. */
int store_outbox_fill(struct store *store, const struct store_outbox_policy *policy);

struct outbox_item {
	int64_t id;
	char name[OUTBOX_NAME_SIZE];
	char object[80];
	char *body;		 /* free() it */
	uint64_t count, written; /* written 0: the API server does not know it */
	int64_t last_wall_ns;	 /* of the latest repeat */
};

/* Pending entries with an id above after_id, oldest first. Returns how many, or a negative errno. */
int store_outbox_pending(struct store *store, int64_t after_id, struct outbox_item *ret,
			 uint32_t limit);

/* The API server knows of so many. */
int store_outbox_written(struct store *store, int64_t id, uint64_t count);

uint64_t store_outbox_count(struct store *store); /* pending */

enum store_order { STORE_NEWEST_FIRST, STORE_OLDEST_FIRST, STORE_LONGEST_FIRST };

/* Empty texts and zeroes match everything. */
struct store_query {
	enum record_type type;
	const char *pod_namespace, *pod, *container, *container_id; /* container_id: a prefix */
	const char *boot_id;
	int64_t since_wall_ns;
	uint64_t min_duration_ns;
	enum store_order order;
	uint32_t limit;
};

/* Return nonzero from the callback to stop. */
typedef int (*store_row_fn)(void *context, const char *boot_id, const struct record *record);

/* Returns 0 or a negative errno. */
int store_query(struct store *store, const struct store_query *query, store_row_fn on_row,
		void *context);

void store_stats(struct store *store, struct store_stats *ret);
