// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "store/store_private.h"

/*
 * Each entry leads from its index to the next version; entries are only ever added. What has been
 * released must not change: it is on people's disks.
 *
 * Histories are ordered by (boot, boot_ns): the boot clock never steps, the wall clock may.
 */
static const char *const migrations[] = {
	"CREATE TABLE boots ("
	"  id INTEGER PRIMARY KEY,"
	"  boot_id TEXT NOT NULL UNIQUE,"
	"  wall_offset_ns INTEGER NOT NULL) STRICT;"
	"CREATE TABLE records ("
	"  id INTEGER PRIMARY KEY,"
	"  boot INTEGER NOT NULL REFERENCES boots(id),"
	"  type INTEGER NOT NULL,"
	"  key TEXT NOT NULL,"
	"  boot_ns INTEGER NOT NULL,"
	"  wall_ns INTEGER NOT NULL,"
	"  final INTEGER NOT NULL,"
	"  measured INTEGER NOT NULL,"
	"  duration_ns INTEGER NOT NULL,"
	"  namespace TEXT NOT NULL,"
	"  pod TEXT NOT NULL,"
	"  container TEXT NOT NULL,"
	"  container_id TEXT NOT NULL,"
	"  body TEXT NOT NULL,"
	"  UNIQUE (boot, type, key)) STRICT;"
	"CREATE INDEX records_by_time ON records (boot, boot_ns);"
	"CREATE INDEX records_by_type ON records (type, boot, boot_ns);"
	"CREATE INDEX records_by_pod ON records (namespace, pod, boot, boot_ns);"
	"CREATE TABLE bookmarks ("
	"  boot INTEGER NOT NULL REFERENCES boots(id),"
	"  name TEXT NOT NULL,"
	"  value INTEGER NOT NULL,"
	"  PRIMARY KEY (boot, name)) STRICT, WITHOUT ROWID;",

	/* The outbox: what Kubernetes is told. A series counts repeats; written is what the API server knows. */
	"ALTER TABLE records ADD COLUMN told INTEGER NOT NULL DEFAULT 1;"
	"CREATE INDEX records_untold ON records (id) WHERE told = 0;"
	"CREATE TABLE outbox ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  object TEXT NOT NULL,"
	"  series TEXT NOT NULL,"
	"  body TEXT NOT NULL,"
	"  count INTEGER NOT NULL,"
	"  written INTEGER NOT NULL,"
	"  last_wall_ns INTEGER NOT NULL) STRICT;"
	"CREATE INDEX outbox_pending ON outbox (id) WHERE written < count;"
	"CREATE INDEX outbox_series ON outbox (series, last_wall_ns);",
};

#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(*migrations)))

int store_schema_check(sqlite3 *db, int *ret_version, char ret_why[static STORE_WHY_SIZE])
{
	int64_t version;
	int r = store_database_number(db, "PRAGMA user_version", &version);

	if (r < 0)
		return r;
	if (version < 0 || version > SCHEMA_VERSION) {
		snprintf(ret_why, STORE_WHY_SIZE,
			 "a newer nodewake wrote this database (schema %lld, this one knows %d): "
			 "run that version, or move nodewake.db away",
			 (long long)version, SCHEMA_VERSION);
		return -EPROTO;
	}
	*ret_version = (int)version;
	return 0;
}

int store_schema_migrate(sqlite3 *db, int version)
{
	int r = 0;

	for (; version < SCHEMA_VERSION && r == 0; version++) {
		char stamp[64];

		/* All or nothing: a kill in between leaves the older version. */
		snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %d; COMMIT", version + 1);
		r = store_database_run(db, "BEGIN IMMEDIATE");
		if (r == 0)
			r = store_database_run(db, migrations[version]);
		if (r == 0)
			r = store_database_run(db, stamp);
		if (r < 0 && !sqlite3_get_autocommit(db))
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
