// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "model/json.h"
#include "store/store_private.h"

/* The latest boots' own records, one of each boot. ?3: RECORD_BOOT, ?4: how many. */
#define SPARED " (SELECT id FROM records WHERE type = ?3 ORDER BY boot DESC LIMIT ?4)"

static const char *const statement_texts[STATEMENT_COUNT] = {
	[STATEMENT_FIND] =
		"SELECT id, body, final FROM records WHERE boot = ?1 AND type = ?2 AND key = ?3",
	[STATEMENT_INSERT] =
		"INSERT INTO records (boot, type, key, boot_ns, wall_ns, final, "
		"measured, duration_ns, namespace, pod,"
		" container, container_id, body, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
		"?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[STATEMENT_UPDATE] =
		"UPDATE records SET boot_ns = ?4, wall_ns = ?5, final = ?6, measured = ?7, "
		"duration_ns = ?8,"
		" namespace = ?9, pod = ?10, container = ?11, container_id = ?12, body = ?13,"
		" told = CASE told WHEN 2 THEN 0 ELSE told END"
		" WHERE boot = ?1 AND type = ?2 AND key = ?3",
	[STATEMENT_BOOKMARK_SET] = "INSERT INTO bookmarks (boot, name, value) VALUES (?1, ?2, ?3)"
				   " ON CONFLICT DO UPDATE SET value = excluded.value",
	[STATEMENT_BOOKMARK_GET] = "SELECT value FROM bookmarks WHERE boot = ?1 AND name = ?2",
	[STATEMENT_PAST_BOOTS] =
		"SELECT boot_id, wall_offset_ns, coalesce(value, 0) FROM boots LEFT JOIN bookmarks"
		" ON boot = id AND name = '" STORE_HEARTBEAT
		"' WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
	[STATEMENT_BOOT_OFFSET] = "UPDATE boots SET wall_offset_ns = ?2 WHERE id = ?1",
	/* Only the oldest are looked at, so that the cost does not grow with the history. */
	[STATEMENT_TRIM_AGE] = "DELETE FROM records WHERE wall_ns < ?1 AND id IN"
			       " (SELECT id FROM records WHERE id NOT IN" SPARED
			       " ORDER BY boot, boot_ns LIMIT ?2) RETURNING type",
	[STATEMENT_TRIM_SIZE] = "DELETE FROM records WHERE id IN"
				" (SELECT id FROM records WHERE id NOT IN" SPARED
				" ORDER BY boot, boot_ns LIMIT ?2) RETURNING type",
	/* not the boot before this one, whose heartbeat says how long the node was down */
	[STATEMENT_TRIM_BOOTS] = "DELETE FROM boots WHERE id < (SELECT max(id) FROM boots WHERE"
				 " id < ?1) AND NOT EXISTS"
				 " (SELECT 1 FROM records WHERE records.boot = boots.id)",
	[STATEMENT_TRIM_BOOKMARKS] =
		"DELETE FROM bookmarks WHERE boot NOT IN (SELECT id FROM boots)",
	[STATEMENT_OUTBOX_UNTOLD] =
		"SELECT records.id, boots.boot_id, body FROM records JOIN boots ON boots.id = boot"
		" WHERE told = 0 AND (final OR ?1 >> type & 1) ORDER BY records.id LIMIT ?2",
	[STATEMENT_OUTBOX_TOLD] = "UPDATE records SET told = ?2 WHERE id = ?1",
	[STATEMENT_OUTBOX_JOIN] =
		"UPDATE outbox SET count = count + 1, last_wall_ns = max(last_wall_ns, ?3)"
		" WHERE id = (SELECT id FROM outbox WHERE series = ?1 AND last_wall_ns >= ?2"
		" ORDER BY last_wall_ns DESC LIMIT 1) RETURNING id",
	[STATEMENT_OUTBOX_ADD] =
		"INSERT INTO outbox (name, object, series, body, count, written, last_wall_ns)"
		" VALUES (?1, ?2, ?3, ?4, 1, 0, ?5) ON CONFLICT DO NOTHING",
	[STATEMENT_OUTBOX_PENDING] =
		"SELECT id, name, object, body, count, written, last_wall_ns FROM outbox"
		" WHERE written < count AND id > ?1 ORDER BY id",
	[STATEMENT_OUTBOX_WRITTEN] = "UPDATE outbox SET written = max(written, ?2) WHERE id = ?1",
	[STATEMENT_OUTBOX_COUNT] = "SELECT count(*) FROM outbox WHERE written < count",
	[STATEMENT_OUTBOX_TRIM] = "DELETE FROM outbox WHERE written >= count AND last_wall_ns < ?1",
	[STATEMENT_USED_PAGES] =
		"SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

sqlite3_stmt *store_write_statement(struct store *store, enum store_statement which)
{
	sqlite3_stmt **statement = &store->statements[which];

	if (!*statement &&
	    sqlite3_prepare_v3(store->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
			       statement, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_clear_bindings(*statement);
	return *statement;
}

void store_write_finalize(struct store *store)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
}

static int bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static void bind_record(sqlite3_stmt *statement, const struct store *store,
			const struct record *record, const char *body)
{
	const struct subject *subject = &record->subject;

	sqlite3_bind_int64(statement, 1, store->boot);
	sqlite3_bind_int(statement, 2, (int)record->type);
	bind_text(statement, 3, record->key);
	sqlite3_bind_int64(statement, 4, (int64_t)record->boot_ns);
	sqlite3_bind_int64(statement, 5,
			   (int64_t)(record->boot_ns + (uint64_t)record->wall_offset_ns));
	sqlite3_bind_int(statement, 6, record->final);
	sqlite3_bind_int(statement, 7, !record_reconstructed(record));
	sqlite3_bind_int64(statement, 8, (int64_t)record_duration_ns(record));
	bind_text(statement, 9, subject->pod_namespace);
	bind_text(statement, 10, subject->pod);
	bind_text(statement, 11, subject->container);
	bind_text(statement, 12, subject->container_id);
	bind_text(statement, 13, body);
	sqlite3_bind_int(statement, 14, !store->outbox); /* an update leaves it as it is */
}

/* Steps to the end and leaves nothing open, not even a transaction. */
static int finish(struct store *store, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	sqlite3_reset(statement);
	if (result != SQLITE_DONE && result != SQLITE_ROW && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return store_database_errno(store->db, result);
}

static void bind_key(sqlite3_stmt *find, const struct store *store, enum record_type type,
		     const char *key)
{
	sqlite3_bind_int64(find, 1, store->boot);
	sqlite3_bind_int(find, 2, (int)type);
	bind_text(find, 3, key);
}

enum record_known store_write_known(struct store *store, enum record_type type, const char *key)
{
	sqlite3_stmt *find = store->db ? store_write_statement(store, STATEMENT_FIND) : NULL;
	enum record_known known = RECORD_UNKNOWN;

	if (!find)
		return RECORD_UNKNOWN;
	bind_key(find, store, type, key);
	if (sqlite3_step(find) == SQLITE_ROW)
		known = sqlite3_column_int(find, 2) ? RECORD_KNOWN_FINAL : RECORD_KNOWN;
	sqlite3_reset(find);
	return known;
}

/* 1 if record should replace what is there, 0 if that is as good, -ENOENT if there is nothing. */
static int compare(struct store *store, const struct record *record, const char *body)
{
	sqlite3_stmt *find = store_write_statement(store, STATEMENT_FIND);
	struct record older;
	json_t *json = NULL;
	const char *text;
	int replaces, result;

	if (!find)
		return store_database_errno(store->db, sqlite3_errcode(store->db)) ?: -EIO;
	bind_key(find, store, record->type, record->key);
	result = sqlite3_step(find);
	if (result != SQLITE_ROW) {
		sqlite3_reset(find);
		return result == SQLITE_DONE ? -ENOENT : store_database_errno(store->db, result);
	}
	text = (const char *)sqlite3_column_text(find, 1) ?: "";
	if (strcmp(text, body) == 0) {
		replaces = 0;
	} else {
		/* One that cannot be read (of a version that knew more) gives way. */
		json = json_loads(text, 0, NULL);
		replaces = record_from_json(json, &older) < 0 || record_supersedes(record, &older);
		json_decref(json);
	}
	sqlite3_reset(find);
	return replaces;
}

int store_write_record(struct store *store, const struct record *record, const char *body,
		       enum store_put_result *ret)
{
	int replaces = compare(store, record, body);
	sqlite3_stmt *statement;
	int r;

	if (replaces < 0 && replaces != -ENOENT)
		return replaces;
	if (replaces == 0) {
		*ret = STORE_KNOWN;
		return 0;
	}
	/* One statement is one transaction; nobody else writes between the look and this. */
	statement =
		store_write_statement(store, replaces > 0 ? STATEMENT_UPDATE : STATEMENT_INSERT);
	if (!statement)
		return store_database_errno(store->db, sqlite3_errcode(store->db)) ?: -EIO;
	bind_record(statement, store, record, body);
	r = finish(store, statement);
	if (r < 0)
		return r;
	store->written = true;
	store->writes++;
	if (replaces < 0)
		store->records[record->type]++;
	*ret = replaces > 0 ? STORE_REPLACED : STORE_NEW;
	return 0;
}

static int count_records(struct store *store)
{
	sqlite3_stmt *statement;
	int result =
		sqlite3_prepare_v2(store->db, "SELECT type, count(*) FROM records GROUP BY type",
				   -1, &statement, NULL);

	memset(store->records, 0, sizeof(store->records));
	if (result != SQLITE_OK)
		return store_database_errno(store->db, result);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		int type = sqlite3_column_int(statement, 0);

		if (type > 0 && type < RECORD_TYPE_COUNT)
			store->records[type] = (uint64_t)sqlite3_column_int64(statement, 1);
	}
	sqlite3_finalize(statement);
	return store_database_errno(store->db, result);
}

int store_write_begin(struct store *store)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(
		store->db,
		"INSERT INTO boots (boot_id, wall_offset_ns) VALUES (?1, ?2)"
		" ON CONFLICT DO UPDATE SET wall_offset_ns = excluded.wall_offset_ns RETURNING id",
		-1, &statement, NULL);

	if (result != SQLITE_OK)
		return store_database_errno(store->db, result);
	bind_text(statement, 1, store->boot_id);
	store->wall_offset_ns = clock_wall_offset_ns();
	sqlite3_bind_int64(statement, 2, store->wall_offset_ns);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		store->boot = sqlite3_column_int64(statement, 0);
		result = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE ? count_records(store) : store_database_errno(store->db, result) ?: -EIO;
}

int store_bookmark_set(struct store *store, const char *name, uint64_t value)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_BOOKMARK_SET) : NULL;
	int r;

	if (!statement)
		return store->error < 0 ? store->error : -EIO;
	sqlite3_bind_int64(statement, 1, store->boot);
	bind_text(statement, 2, name);
	sqlite3_bind_int64(statement, 3, (int64_t)value);
	r = finish(store, statement);
	store->written |= r == 0;
	return r;
}

int store_bookmark_get(struct store *store, const char *name, uint64_t *ret)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_BOOKMARK_GET) : NULL;
	int result;

	if (!statement)
		return store->error < 0 ? store->error : -EIO;
	sqlite3_bind_int64(statement, 1, store->boot);
	bind_text(statement, 2, name);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result == SQLITE_ROW    ? 0
	       : result == SQLITE_DONE ? -ENOENT
				       : store_database_errno(store->db, result);
}
