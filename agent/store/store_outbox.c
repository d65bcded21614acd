/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "store/store_private.h"

/* What was told stays for so long, as a series that may go on. */
#define KEEP_TOLD_NS (UINT64_C(2) * 3600 * NS_PER_SECOND)

void store_outbox_enable(struct store *store)
{
	store->outbox = true;
}

static void bind(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static int step(struct store *store, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	sqlite3_reset(statement);
	return store_database_errno(store->db, result);
}

static int no_statement(struct store *store)
{
	return store_database_errno(store->db, sqlite3_errcode(store->db)) ?: -EIO;
}

/* A series that goes on counts once more. *ret_id: the entry, 0 if there is none. */
static int join_series(struct store *store, const struct outbox_entry *entry, int64_t wall_ns,
		       uint64_t series_gap_ns, int64_t *ret_id)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_OUTBOX_JOIN);
	int result;

	if (!statement)
		return no_statement(store);
	bind(statement, 1, entry->series);
	sqlite3_bind_int64(statement, 2, wall_ns - (int64_t)series_gap_ns);
	sqlite3_bind_int64(statement, 3, wall_ns);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		*ret_id = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return store_database_errno(store->db, result);
}

static int add_entry(struct store *store, const struct outbox_entry *entry, int64_t wall_ns,
		     int64_t *ret_id)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_OUTBOX_ADD);
	int r;

	if (!statement)
		return no_statement(store);
	bind(statement, 1, entry->name);
	bind(statement, 2, entry->object);
	bind(statement, 3, entry->series);
	bind(statement, 4, entry->body);
	sqlite3_bind_int64(statement, 5, wall_ns);
	r = step(store, statement);
	if (r == 0 && sqlite3_changes(store->db) > 0)
		*ret_id = sqlite3_last_insert_rowid(store->db);
	return r;
}

/* As in records.told. What is not told yet becomes untold again when a newer form replaces it. */
enum told { TOLD = 1, TOLD_NOT_YET = 2 };

static int mark_told(struct store *store, int64_t id, enum told told)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_OUTBOX_TOLD);

	if (!statement)
		return no_statement(store);
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, told);
	return step(store, statement);
}

/* One record into the outbox, or none of it. Returns 1 if it is done with, 0 if it waits. */
static int take_record(struct store *store, const struct store_outbox_policy *policy, int64_t id,
		       const char *boot_id, const struct record *record)
{
	struct outbox_entry entry = {0};
	int64_t wall_ns = (int64_t)record->boot_ns + record->wall_offset_ns, touched = 0;
	enum outbox_answer answer = policy->describe(policy->context, boot_id, record, &entry);
	int r = 0;

	if (answer == OUTBOX_LATER)
		return 0;
	if (answer == OUTBOX_TELL) {
		r = join_series(store, &entry, wall_ns, policy->series_gap_ns, &touched);
		if (r == 0 && !touched)
			r = add_entry(store, &entry, wall_ns, &touched);
		free(entry.body);
		if (r == 0 && touched && policy->touched)
			policy->touched(policy->context, touched);
	}
	r = r < 0 ? r : mark_told(store, id, answer == OUTBOX_NOT_YET ? TOLD_NOT_YET : TOLD);
	return r < 0 ? r : 1;
}

struct untold {
	int64_t id;
	char boot_id[BOOT_ID_SIZE];
	char *body;
};

static int read_untold(struct store *store, const struct store_outbox_policy *policy,
		       struct untold *list, uint32_t limit)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_OUTBOX_UNTOLD);
	uint32_t count = 0;
	int result;

	if (!statement)
		return no_statement(store);
	sqlite3_bind_int64(statement, 1, policy->early_types);
	sqlite3_bind_int64(statement, 2, limit);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < limit) {
		struct untold *one = &list[count];

		one->id = sqlite3_column_int64(statement, 0);
		snprintf(one->boot_id, sizeof(one->boot_id), "%s",
			 (const char *)sqlite3_column_text(statement, 1) ?: "");
		one->body = strdup((const char *)sqlite3_column_text(statement, 2) ?: "");
		count++;
	}
	sqlite3_reset(statement);
	return result == SQLITE_DONE || result == SQLITE_ROW
		       ? (int)count
		       : store_database_errno(store->db, result);
}

/* Returns how many are done with. */
static int take_all(struct store *store, const struct store_outbox_policy *policy,
		    const struct untold *list, int count)
{
	int r = store_database_run(store->db, "BEGIN IMMEDIATE"), done = 0;

	for (int i = 0; i < count && r >= 0; i++) {
		json_t *json = list[i].body ? json_loads(list[i].body, 0, NULL) : NULL;
		struct record record;

		/* one that can't be read (of a version that knew more) is not told */
		if (record_from_json(json, &record) == 0)
			r = take_record(store, policy, list[i].id, list[i].boot_id, &record);
		else
			r = mark_told(store, list[i].id, TOLD) ?: 1;
		done += r > 0;
		json_decref(json);
	}
	if (r >= 0)
		r = store_database_run(store->db, "COMMIT");
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return r < 0 ? r : done;
}

int store_outbox_fill(struct store *store, const struct store_outbox_policy *policy)
{
	struct untold list[OUTBOX_BATCH] = {0};
	int count, r;

	if (!store->db || store->error < 0)
		return store->error < 0 ? store->error : -EIO;
	if (store_outbox_count(store) >= OUTBOX_MAX)
		return 0; /* the records wait where they are */
	count = read_untold(store, policy, list, OUTBOX_BATCH);
	r = count <= 0 ? count : take_all(store, policy, list, count);
	for (int i = 0; i < count; i++)
		free(list[i].body);
	if (r < 0)
		return r;
	store->written |= r > 0;
	return r;
}

int store_outbox_pending(struct store *store, int64_t after_id, struct outbox_item *ret,
			 uint32_t limit)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_OUTBOX_PENDING) : NULL;
	uint32_t count = 0;
	int result = SQLITE_DONE;

	if (!statement)
		return store->error < 0 ? store->error : -EIO;
	sqlite3_bind_int64(statement, 1, after_id);
	while (count < limit && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct outbox_item *item = &ret[count];
		const char *body = (const char *)sqlite3_column_text(statement, 3);

		item->body = strdup(body ?: "");
		if (!item->body)
			break;
		item->id = sqlite3_column_int64(statement, 0);
		snprintf(item->name, sizeof(item->name), "%s",
			 (const char *)sqlite3_column_text(statement, 1) ?: "");
		snprintf(item->object, sizeof(item->object), "%s",
			 (const char *)sqlite3_column_text(statement, 2) ?: "");
		item->count = (uint64_t)sqlite3_column_int64(statement, 4);
		item->written = (uint64_t)sqlite3_column_int64(statement, 5);
		item->last_wall_ns = sqlite3_column_int64(statement, 6);
		count++;
	}
	sqlite3_reset(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? (int)count
		       : store_database_errno(store->db, result);
}

int store_outbox_written(struct store *store, int64_t id, uint64_t count)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_OUTBOX_WRITTEN) : NULL;
	int r;

	if (!statement)
		return store->error < 0 ? store->error : -EIO;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, (int64_t)count);
	r = step(store, statement);
	store->written |= r == 0;
	return r;
}

uint64_t store_outbox_count(struct store *store)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_OUTBOX_COUNT) : NULL;
	uint64_t count = 0;

	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		count = (uint64_t)sqlite3_column_int64(statement, 0);
	if (statement)
		sqlite3_reset(statement);
	return count;
}

int store_outbox_trim(struct store *store)
{
	sqlite3_stmt *statement = store_write_statement(store, STATEMENT_OUTBOX_TRIM);

	if (!statement)
		return no_statement(store);
	sqlite3_bind_int64(statement, 1,
			   (int64_t)clock_boot_ns() + clock_wall_offset_ns() -
				   (int64_t)KEEP_TOLD_NS);
	return step(store, statement);
}
