/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/store_fixture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/text.h"

void folder_make(struct folder *folder)
{
	*folder = (struct folder){.dir = "/tmp/nodewake-store-XXXXXX"};
	assert_non_null(mkdtemp(folder->dir));
	snprintf(folder->file, sizeof(folder->file), "%s/nodewake.db", folder->dir);
}

void folder_remove(struct folder *folder)
{
	DIR *dir = opendir(folder->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	assert_int_equal(rmdir(folder->dir), 0);
}

struct store *folder_open(struct folder *folder, const struct store_limits *limits)
{
	struct store *store = NULL;
	int r = store_open(&store, folder->dir, BOOT, limits, folder->why);

	if (r < 0)
		fail_msg("%s", folder->why);
	return store;
}

uint64_t set_aside(struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	return stats.set_aside;
}

struct record an_exit(const char *key, const char *pod, uint64_t boot_ns, uint64_t duration_ns)
{
	struct record record = {
		.type = RECORD_EXIT,
		.final = true,
		.boot_ns = boot_ns,
		.wall_offset_ns = clock_wall_offset_ns(),
		.exit = {.verdict = EXIT_ERROR,
			 .code = 3,
			 .started_ns = boot_ns - duration_ns,
			 .finished_ns = boot_ns},
	};

	TEXT_COPY(record.key, key);
	TEXT_COPY(record.subject.container_id, key);
	TEXT_COPY(record.subject.pod, pod);
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.container, "main");
	return record;
}

static int count_row(void *context, const char *boot_id, const struct record *record)
{
	(void)record;
	assert_string_equal(boot_id, BOOT);
	++*(int *)context;
	return 0;
}

int query_count(struct store *store, struct store_query query)
{
	int count = 0;
	int r = store_query(store, &query, count_row, &count);

	return r < 0 ? r : count;
}

static char keys[256];

static int note_key(void *context, const char *boot_id, const struct record *record)
{
	size_t used = strlen(keys);

	(void)context;
	(void)boot_id;
	snprintf(keys + used, sizeof(keys) - used, "%s%s", used ? " " : "", record->key);
	return 0;
}

const char *query_keys(struct store *store, struct store_query query)
{
	keys[0] = '\0';
	assert_int_equal(store_query(store, &query, note_key, NULL), 0);
	return keys;
}

void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}
