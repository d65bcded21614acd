/* SPDX-License-Identifier: Apache-2.0 */
/* The boots before this one. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/store_private.h"

#define STEPPED_NS ((int64_t)NS_PER_SECOND)

int store_past_boots(struct store *store, struct store_past_boot *ret, uint32_t limit)
{
	sqlite3_stmt *statement =
		store->db ? store_write_statement(store, STATEMENT_PAST_BOOTS) : NULL;
	uint32_t count = 0;
	int result = SQLITE_DONE;

	if (!statement)
		return store->error < 0 ? store->error : -EIO;
	sqlite3_bind_int64(statement, 1, store->boot);
	sqlite3_bind_int64(statement, 2, limit);
	while (count < limit && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *boot_id = (const char *)sqlite3_column_text(statement, 0);

		TEXT_COPY(ret[count].boot_id, boot_id ? boot_id : "");
		ret[count].wall_offset_ns = sqlite3_column_int64(statement, 1);
		ret[count].heartbeat_ns = (uint64_t)sqlite3_column_int64(statement, 2);
		count++;
	}
	sqlite3_reset(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? (int)count
		       : store_database_errno(store->db, result);
}

/* The wall clock is often set after the boot: what the boot's row says of it follows. */
static int note_offset(struct store *store)
{
	int64_t offset_ns = clock_wall_offset_ns();
	sqlite3_stmt *statement;
	int result;

	if (llabs(offset_ns - store->wall_offset_ns) < STEPPED_NS)
		return 0;
	statement = store_write_statement(store, STATEMENT_BOOT_OFFSET);
	if (!statement)
		return -EIO;
	sqlite3_bind_int64(statement, 1, store->boot);
	sqlite3_bind_int64(statement, 2, offset_ns);
	result = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (result != SQLITE_DONE)
		return store_database_errno(store->db, result);
	store->wall_offset_ns = offset_ns;
	return 0;
}

int store_heartbeat(struct store *store, uint64_t boot_ns)
{
	int r = store_bookmark_set(store, STORE_HEARTBEAT, boot_ns);

	return r < 0 ? r : note_offset(store);
}
