/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of store/ share; nobody else includes this.
 *
 * store.c is the door: it decides what happens when the disk fails. store_file.c knows the
 * directory and the damaged files, store_database.c the connection and its settings, store_schema.c
 * the tables, store_write.c one record and one bookmark, store_trim.c the limits, store_query.c the
 * reading, store_queue.c what waits in memory, store_outbox.c what Kubernetes is to be told,
 * store_boots.c the boots.
 */
#pragma once

#include <sqlite3.h>

#include "store/store.h"

#define STORE_WHY_SIZE 256

struct store_waiting;

enum store_statement {
	STATEMENT_FIND,
	STATEMENT_INSERT,
	STATEMENT_UPDATE,
	STATEMENT_BOOKMARK_SET,
	STATEMENT_BOOKMARK_GET,
	STATEMENT_PAST_BOOTS,
	STATEMENT_BOOT_OFFSET,
	STATEMENT_TRIM_AGE,
	STATEMENT_TRIM_SIZE,
	STATEMENT_TRIM_BOOTS,
	STATEMENT_TRIM_BOOKMARKS,
	STATEMENT_USED_PAGES,
	STATEMENT_OUTBOX_UNTOLD,
	STATEMENT_OUTBOX_TOLD,
	STATEMENT_OUTBOX_JOIN,
	STATEMENT_OUTBOX_ADD,
	STATEMENT_OUTBOX_PENDING,
	STATEMENT_OUTBOX_WRITTEN,
	STATEMENT_OUTBOX_COUNT,
	STATEMENT_OUTBOX_TRIM,
	STATEMENT_COUNT,
};

struct store {
	char *dir, *path;
	char boot_id[BOOT_ID_SIZE];
	struct store_limits limits;
	sqlite3 *db; /* NULL: cannot be used at present */
	sqlite3_stmt *statements[STATEMENT_COUNT];
	int64_t boot;		/* this boot's row */
	int64_t wall_offset_ns; /* as it stands there */
	bool reader;
	bool outbox; /* new records wait to be told */
	struct store_waiting *waiting;
	uint64_t records[RECORD_TYPE_COUNT];
	uint64_t dropped, set_aside;
	int error;
	uint32_t writes; /* since the limits were looked at */
	bool written;	 /* since the last checkpoint */
};

/* --- store_file.c --- */

/* Makes the directory if need be. Returns 0 or a negative errno with the reason in ret_why. */
int store_file_prepare(const char *dir, char ret_why[static STORE_WHY_SIZE]);

/* "<dir>/nodewake.db", or NULL for want of memory. */
char *store_file_path(const char *dir);

/* Makes the file with mode 0600 if there is none, so that SQLite does not choose the mode. */
int store_file_create(const char *path);

/* Renames a damaged file and its log out of the way. Returns 0 or a negative errno. */
int store_file_set_aside(const char *path);

/* Bytes on disk, the write-ahead log included. */
uint64_t store_file_bytes(const char *path);
bool store_file_has_log(const char *path);

/* --- store_database.c --- */

/* A result code of SQLite as a negative errno; -EUCLEAN means that the file is damaged. */
int store_database_errno(sqlite3 *db, int result);

/*
 * Opens, checks and, for writing, migrates. Returns 0 or a negative errno (-EUCLEAN: damaged,
 * -EPROTO: newer schema) with the reason in ret_why.
 */
int store_database_open(const char *path, bool check, sqlite3 **ret,
			char ret_why[static STORE_WHY_SIZE]);
int store_database_open_reader(const char *path, sqlite3 **ret,
			       char ret_why[static STORE_WHY_SIZE]);

int store_database_run(sqlite3 *db, const char *sql);

/* The integer in the first column of the first row. */
int store_database_number(sqlite3 *db, const char *sql, int64_t *ret);

/* --- store_schema.c --- */

/* 0, or -EPROTO if a newer nodewake wrote it. ret_version: 0 for an empty database. */
int store_schema_check(sqlite3 *db, int *ret_version, char ret_why[static STORE_WHY_SIZE]);
int store_schema_migrate(sqlite3 *db, int version);

/* --- store_write.c --- */

/* Prepared on first use, reset and without bindings; NULL on failure. */
sqlite3_stmt *store_write_statement(struct store *store, enum store_statement which);
void store_write_finalize(struct store *store);

/* Finds or makes this boot's row and counts what is there. Returns 0 or a negative errno. */
int store_write_begin(struct store *store);

/* One transaction. Returns 0 or a negative errno; body is the record's JSON. */
int store_write_record(struct store *store, const struct record *record, const char *body,
		       enum store_put_result *ret);

enum record_known store_write_known(struct store *store, enum record_type type, const char *key);

/* --- store_trim.c --- */

/* Deletes a bounded number of the oldest records if a limit is exceeded. */
int store_trim(struct store *store);

/* --- store_outbox.c --- */

/* Forgets what has long been told. */
int store_outbox_trim(struct store *store);

/* --- store_queue.c --- */

#define STORE_QUEUE_MAX 4096

bool store_queue_empty(const struct store *store);
uint64_t store_queue_length(const struct store *store);

/* Takes the body over in every case. STORE_WAITING, STORE_KNOWN or STORE_DROPPED. */
enum store_put_result store_queue_put(struct store *store, const struct record *record, char *body);

enum record_known store_queue_known(const struct store *store, enum record_type type,
				    const char *key);

/* Writes what waits, oldest first, until all is written or one fails with the errno returned. */
int store_queue_flush(struct store *store);
void store_queue_clear(struct store *store);
