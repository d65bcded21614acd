// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/store_private.h"

#define WRITER_BUSY_MS	100 /* only a reader that recovers the log can hold the writer up */
#define READER_BUSY_MS	2000
#define CHECK_MAX_NS	(500 * NS_PER_MS)
#define HEAP_SOFT_LIMIT (1024 * 1024)

int store_database_errno(sqlite3 *db, int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return db && sqlite3_system_errno(db) > 0 ? -sqlite3_system_errno(db) : -EIO;
	default:
		return -EIO;
	}
}

int store_database_run(sqlite3 *db, const char *sql)
{
	return store_database_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int store_database_number(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (result != SQLITE_OK)
		return store_database_errno(db, result);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return result == SQLITE_ROW    ? 0
	       : result == SQLITE_DONE ? -ENOENT
				       : store_database_errno(db, result);
}

static int out_of_time(void *until_ns)
{
	return clock_boot_ns() > *(const uint64_t *)until_ns;
}

/* Looks for damage for as long as a start of the daemon may take; the rest is found when it is read. */
static int check_quickly(sqlite3 *db)
{
	uint64_t until_ns = clock_boot_ns() + CHECK_MAX_NS;
	sqlite3_stmt *statement;
	bool damaged = false;
	int result = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);

	if (result != SQLITE_OK)
		return store_database_errno(db, result);
	sqlite3_progress_handler(db, 1000, out_of_time, &until_ns);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		damaged = strcmp((const char *)sqlite3_column_text(statement, 0) ?: "", "ok") != 0;
	sqlite3_progress_handler(db, 0, NULL, NULL);
	sqlite3_finalize(statement);
	if (damaged)
		return -EUCLEAN;
	return result == SQLITE_INTERRUPT ? 0 : store_database_errno(db, result);
}

/*
 * A small cache: the working set is the right edge of a few indexes. The log is written back
 * from store_tend; the automatic checkpoint only bounds it should that not be called.
 */
static int settle(sqlite3 *db)
{
	sqlite3_busy_timeout(db, WRITER_BUSY_MS);
	return store_database_run(db, "PRAGMA page_size = 4096;"
				      "PRAGMA auto_vacuum = INCREMENTAL;"
				      "PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = NORMAL;"
				      "PRAGMA wal_autocheckpoint = 256;"
				      "PRAGMA journal_size_limit = 1048576;"
				      "PRAGMA cache_size = -256;"
				      "PRAGMA mmap_size = 0;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA foreign_keys = OFF;"
				      "PRAGMA trusted_schema = OFF");
}

static int prepare_writer(sqlite3 *db, bool check, char ret_why[static STORE_WHY_SIZE])
{
	int version;
	int r;

	if (sqlite3_db_readonly(db, "main"))
		return -EROFS;
	/* Before anything is written: what is newer is left alone. */
	r = store_schema_check(db, &version, ret_why);
	if (r == 0)
		r = settle(db);
	if (r == 0 && check && version > 0)
		r = check_quickly(db);
	if (r == 0)
		r = store_schema_migrate(db, version);
	return r;
}

static void describe(const char *path, int error, char ret_why[static STORE_WHY_SIZE])
{
	const char *remedy = error == -ENOSPC	 ? "free some space"
			     : error == -EROFS	 ? "make it writable"
			     : error == -EBUSY	 ? "is another nodewake running?"
			     : error == -EUCLEAN ? "it is damaged"
						 : "see --state-dir";

	if (error != -EPROTO)
		snprintf(ret_why, STORE_WHY_SIZE, "cannot use %.150s (%s): %s", path,
			 strerrordesc_np(-error) ?: "unknown error", remedy);
}

int store_database_open(const char *path, bool check, sqlite3 **ret,
			char ret_why[static STORE_WHY_SIZE])
{
	sqlite3 *db = NULL;
	int r = store_file_create(path);

	sqlite3_soft_heap_limit64(HEAP_SOFT_LIMIT);
	if (r == 0) {
		r = store_database_errno(
			db, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
					    NULL));
		if (r == 0)
			r = prepare_writer(db, check, ret_why);
	}
	if (r < 0) {
		describe(path, r, ret_why);
		sqlite3_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

/* The path as a URI that promises that nobody writes. */
static char *immutable_uri(const char *path)
{
	char *uri = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&uri, &size);

	if (!out)
		return NULL;
	fputs("file:", out);
	for (; *path; path++)
		if (strchr("%?#", *path))
			fprintf(out, "%%%02x", *path);
		else
			fputc(*path, out);
	fputs("?immutable=1", out);
	fclose(out);
	return uri;
}

static int try_reader(const char *name, int flags, sqlite3 **ret,
		      char ret_why[static STORE_WHY_SIZE])
{
	sqlite3 *db = NULL;
	int version = 0;
	int r = store_database_errno(
		db, sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags,
				    NULL));

	sqlite3_busy_timeout(db, READER_BUSY_MS);
	if (r == 0)
		r = store_schema_check(db, &version, ret_why);
	if (r == 0 && version == 0)
		r = -ENOENT; /* being made this moment */
	if (r < 0) {
		sqlite3_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

int store_database_open_reader(const char *path, sqlite3 **ret, char ret_why[static STORE_WHY_SIZE])
{
	cleanup_free char *uri = NULL;
	int r;

	if (access(path, F_OK) < 0) {
		r = -errno;
	} else {
		r = try_reader(path, 0, ret, ret_why);
		/*
		 * Without a place for the shared index of the log, only a file without a log can be
		 * read: nothing can be missing from it then, and nobody can be writing.
		 */
		if (r < 0 && r != -EUCLEAN && r != -EPROTO && r != -EBUSY && r != -ENOENT &&
		    !store_file_has_log(path) && (uri = immutable_uri(path)))
			r = try_reader(uri, SQLITE_OPEN_URI, ret, ret_why);
	}
	if (r == -ENOENT)
		snprintf(ret_why, STORE_WHY_SIZE, "nothing was recorded in %.150s so far", path);
	else if (r < 0)
		describe(path, r, ret_why);
	return r;
}
