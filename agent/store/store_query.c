// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/json.h"
#include "store/store_private.h"

static const char *const orders[] = {
	[STORE_NEWEST_FIRST] = " ORDER BY boot DESC, boot_ns DESC, id DESC",
	[STORE_OLDEST_FIRST] = " ORDER BY boot, boot_ns, id",
	[STORE_LONGEST_FIRST] = " ORDER BY duration_ns DESC, boot DESC, boot_ns DESC, id DESC",
};

struct condition {
	const char *sql;
	const char *text; /* NULL: it is a number */
	int64_t number;
};

struct conditions {
	struct condition all[10];
	int count;
};

static void want_text(struct conditions *conditions, const char *sql, const char *text)
{
	if (text && *text)
		conditions->all[conditions->count++] = (struct condition){.sql = sql, .text = text};
}

static void want_number(struct conditions *conditions, const char *sql, int64_t number)
{
	if (number)
		conditions->all[conditions->count++] =
			(struct condition){.sql = sql, .number = number};
}

static int64_t clamp(uint64_t value)
{
	return value < INT64_MAX ? (int64_t)value : INT64_MAX;
}

/* The text is made of the constants here; what the caller asks for is only ever bound. */
static sqlite3_stmt *prepare(sqlite3 *db, const struct store_query *query)
{
	struct conditions conditions = {.count = 0};
	cleanup_free char *sql = NULL;
	sqlite3_stmt *statement = NULL;
	size_t size = 0;
	FILE *out;

	want_number(&conditions, "type = ?", (int64_t)query->type);
	want_text(&conditions, "namespace = ?", query->pod_namespace);
	want_text(&conditions, "pod = ?", query->pod);
	want_text(&conditions, "container = ?", query->container);
	want_text(&conditions, "instr(container_id, ?) = 1", query->container_id);
	want_text(&conditions, "boot = (SELECT id FROM boots WHERE boot_id = ?)", query->boot_id);
	want_number(&conditions, "wall_ns >= ?", query->since_wall_ns);
	want_number(&conditions, "duration_ns >= ?", clamp(query->min_duration_ns));

	out = open_memstream(&sql, &size);
	if (!out)
		return NULL;
	fputs("SELECT id FROM records", out);
	for (int i = 0; i < conditions.count; i++)
		fprintf(out, "%s%s", i ? " AND " : " WHERE ", conditions.all[i].sql);
	fputs(orders[query->order], out);
	if (query->limit)
		fprintf(out, " LIMIT %" PRIu32, query->limit);
	fclose(out);
	if (!sql || sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return NULL;
	for (int i = 0; i < conditions.count; i++)
		if (conditions.all[i].text)
			sqlite3_bind_text(statement, i + 1, conditions.all[i].text, -1,
					  SQLITE_STATIC);
		else
			sqlite3_bind_int64(statement, i + 1, conditions.all[i].number);
	return statement;
}

struct id_list {
	int64_t *ids;
	size_t count, room;
};

static void id_list_done(struct id_list *list)
{
	free(list->ids);
}

static int id_list_add(struct id_list *list, int64_t id)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		int64_t *ids = reallocarray(list->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		list->ids = ids;
		list->room = room;
	}
	list->ids[list->count++] = id;
	return 0;
}

static int find(sqlite3 *db, const struct store_query *query, struct id_list *list)
{
	sqlite3_stmt *statement = prepare(db, query);
	int result, r = 0;

	if (!statement)
		return store_database_errno(db, sqlite3_errcode(db)) ?: -ENOMEM;
	while (r == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
		r = id_list_add(list, sqlite3_column_int64(statement, 0));
	sqlite3_finalize(statement);
	return r < 0 ? r : store_database_errno(db, result);
}

/* 1 if it is gone or cannot be understood: it is passed over. */
static int fetch(sqlite3 *db, sqlite3_stmt *statement, int64_t id, struct record *ret,
		 char ret_boot_id[static BOOT_ID_SIZE])
{
	json_t *json;
	int result, r = 1;

	sqlite3_bind_int64(statement, 1, id);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		json = json_loads((const char *)sqlite3_column_text(statement, 1) ?: "", 0, NULL);
		r = record_from_json(json, ret) < 0;
		json_decref(json);
		snprintf(ret_boot_id, BOOT_ID_SIZE, "%s",
			 (const char *)sqlite3_column_text(statement, 0) ?: "");
	} else if (result != SQLITE_DONE) {
		r = store_database_errno(db, result);
	}
	sqlite3_reset(statement);
	return r;
}

/*
 * First which, then one by one: while the caller shows a record (a pager may hold it up for hours)
 * no snapshot is open, so the writer's log can always be written back and cut.
 */
int store_query(struct store *store, const struct store_query *query, store_row_fn on_row,
		void *context)
{
	cleanup_with(id_list_done) struct id_list list = {0};
	sqlite3_stmt *statement = NULL;
	char boot_id[BOOT_ID_SIZE];
	struct record record;
	int r;

	if (query->order > STORE_LONGEST_FIRST)
		return -EINVAL;
	if (!store->db)
		return store->error < 0 ? store->error : -EIO;
	r = find(store->db, query, &list);
	if (r < 0)
		return r;
	r = store_database_errno(
		store->db, sqlite3_prepare_v2(store->db,
					      "SELECT boots.boot_id, body FROM records JOIN boots"
					      " ON boots.id = records.boot WHERE records.id = ?",
					      -1, &statement, NULL));
	for (size_t i = 0; r >= 0 && i < list.count; i++) {
		r = fetch(store->db, statement, list.ids[i], &record, boot_id);
		if (r == 0 && on_row(context, boot_id, &record))
			break;
	}
	sqlite3_finalize(statement);
	return r < 0 ? r : 0;
}
