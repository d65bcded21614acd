// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "store/store_private.h"

#define BATCH	       256 /* rows per transaction */
#define BATCHES_MAX    16  /* per call: some ten ms */

#define DEFAULT_AGE_NS (UINT64_C(30) * 24 * 3600 * NS_PER_SECOND)
#define DEFAULT_BYTES  (UINT64_C(64) << 20)

/* Returns the number of deleted rows, or a negative errno. */
static int delete_batch(struct store *store, sqlite3_stmt *statement)
{
	int deleted = 0;
	int result;

	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		int type = sqlite3_column_int(statement, 0);

		if (type > 0 && type < RECORD_TYPE_COUNT && store->records[type] > 0)
			store->records[type]--;
		deleted++;
	}
	sqlite3_reset(statement);
	return result == SQLITE_DONE ? deleted : store_database_errno(store->db, result);
}

static void bind_batch(sqlite3_stmt *statement)
{
	sqlite3_bind_int(statement, 2, BATCH);
	sqlite3_bind_int(statement, 3, RECORD_BOOT);
	sqlite3_bind_int(statement, 4, STORE_BOOTS_KEPT);
}

static int trim_age(struct store *store)
{
	int64_t now_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns();
	uint64_t age_ns = store->limits.age_ns ? store->limits.age_ns : DEFAULT_AGE_NS;
	int deleted = BATCH, sum = 0;

	for (int i = 0; i < BATCHES_MAX && deleted == BATCH; i++) {
		sqlite3_stmt *statement = store_write_statement(store, STATEMENT_TRIM_AGE);

		if (!statement)
			return -EIO;
		sqlite3_bind_int64(statement, 1,
				   age_ns < (uint64_t)now_ns ? now_ns - (int64_t)age_ns : 0);
		bind_batch(statement);
		deleted = delete_batch(store, statement);
		sum += deleted > 0 ? deleted : 0;
	}
	return deleted < 0 ? deleted : sum;
}

static uint64_t used_bytes(struct store *store)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_USED_PAGES);
	uint64_t pages = 0;

	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		pages = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return pages * 4096;
}

static int trim_size(struct store *store)
{
	uint64_t limit = store->limits.bytes ? store->limits.bytes : DEFAULT_BYTES;
	int deleted = 1, sum = 0;

	if (used_bytes(store) <= limit)
		return 0;
	/* Somewhat below the limit, so that not every call has something to do. */
	limit -= limit / 16;
	for (int i = 0; i < BATCHES_MAX && deleted > 0 && used_bytes(store) > limit; i++) {
		sqlite3_stmt *statement = store_write_statement(store, STATEMENT_TRIM_SIZE);

		if (!statement)
			return -EIO;
		bind_batch(statement);
		deleted = delete_batch(store, statement);
		sum += deleted > 0 ? deleted : 0;
	}
	return deleted < 0 ? deleted : sum;
}

static int run(struct store *store, enum store_statement which)
{
	sqlite3_stmt *statement = store_write_statement(store, which);
	int result;

	if (!statement)
		return -EIO;
	sqlite3_bind_int64(statement, 1, store->boot);
	result = sqlite3_step(statement);
	sqlite3_reset(statement);
	return store_database_errno(store->db, result);
}

int store_trim(struct store *store)
{
	int aged = trim_age(store);
	int oversized = aged < 0 ? aged : trim_size(store);
	int r = 0;

	store->writes = 0;
	if (store->outbox)
		r = store_outbox_trim(store);
	if (oversized < 0 || r < 0)
		return oversized < 0 ? oversized : r;
	if (aged + oversized == 0)
		return 0;
	store->written = true;
	r = run(store, STATEMENT_TRIM_BOOTS);
	if (r == 0)
		r = run(store, STATEMENT_TRIM_BOOKMARKS);
	if (r == 0)
		r = store_database_run(store->db, "PRAGMA incremental_vacuum(512)");
	return r;
}
