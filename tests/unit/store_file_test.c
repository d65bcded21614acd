// SPDX-License-Identifier: Apache-2.0
/* What disks and deaths do: kill -9 at any instant, damage, a newer schema, no room, no right. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "unit/store_fixture.h"

/* Puts records as fast as it can and tells of each that store_put called new. */
static void write_until_killed(const char *dir, uint64_t next, int told)
{
	struct store *store;
	char why[256], key[16];

	if (store_open(&store, dir, BOOT, NULL, why) < 0)
		_exit(1);
	for (;; next++) {
		snprintf(key, sizeof(key), "%d", (int)next);
		struct record record = an_exit(key, "web", next * S, 0);

		if (store_put(store, &record) != STORE_NEW ||
		    write(told, &next, sizeof(next)) != sizeof(next))
			_exit(1);
		if (next % 50 == 0)
			store_tend(store);
	}
}

static uint64_t kill_a_writer(const char *dir, uint64_t next, unsigned int after_us)
{
	uint64_t last = next - 1;
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	if (child == 0)
		write_until_killed(dir, next, ends[1]);
	close(ends[1]);
	usleep(after_us);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(ends[0], &next, sizeof(next)) == sizeof(next))
		last = next;
	close(ends[0]);
	return last;
}

static int check_complete(void *context, const char *boot_id, const struct record *record)
{
	uint64_t *next = context;

	(void)boot_id;
	assert_int_equal(atoll(record->key), *next);
	++*next;
	return 0;
}

static void killed_at_any_instant(void **state)
{
	struct folder folder;
	uint64_t last = 0;

	(void)state;
	folder_make(&folder);
	srand(1);
	for (int round = 0; round < 20; round++) {
		uint64_t next = 1;

		last = kill_a_writer(folder.dir, last + 1, 2000 + (unsigned int)rand() % 40000);
		struct store *store = folder_open(&folder, NULL);

		assert_int_equal(set_aside(store), 0);
		store_query(store, &(struct store_query){.order = STORE_OLDEST_FIRST},
			    check_complete, &next);
		/* the one that was written and not told is there, or not */
		assert_true(next == last + 1 || next == last + 2);
		last = next - 1;
		store_close(store);
	}
	assert_true(last > 100);
	folder_remove(&folder);
}

static void fill(struct folder *folder, int count)
{
	struct store *store = folder_open(folder, NULL);
	char key[16];

	for (int i = 1; i <= count; i++) {
		snprintf(key, sizeof(key), "%d", i);
		struct record record = an_exit(key, "web", (uint64_t)i * S, 0);

		assert_int_equal(store_put(store, &record), STORE_NEW);
	}
	store_close(store);
}

static void overwrite(const char *path, off_t at, size_t size)
{
	char noise[8192];
	int fd = open(path, O_WRONLY);

	memset(noise, 0xa5, sizeof(noise));
	assert_true(size <= sizeof(noise) && fd >= 0);
	assert_int_equal(pwrite(fd, noise, size, at), size);
	close(fd);
}

static void a_damaged_file_is_set_aside(void **state)
{
	static const off_t places[] = {0, 4096, 8192 + 100, 30000};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char aside[128];
		struct folder folder;
		struct stat status;

		folder_make(&folder);
		fill(&folder, 100);
		overwrite(folder.file, places[i], 6000);
		struct store *store = folder_open(&folder, NULL);
		struct record record = an_exit("new", "web", S, 0);

		assert_int_equal(set_aside(store), 1);
		snprintf(aside, sizeof(aside), "%s.damaged-1", folder.file);
		assert_int_equal(stat(aside, &status), 0);
		assert_int_equal(store_put(store, &record), STORE_NEW);
		store_close(store);
		store = folder_open(&folder, NULL);
		assert_int_equal(set_aside(store), 0);
		assert_string_equal(query_keys(store, (struct store_query){0}), "new");
		store_close(store);
		folder_remove(&folder);
	}
}

static void a_newer_schema_is_left_alone(void **state)
{
	struct folder folder;
	struct store *store;
	struct stat before, after;

	(void)state;
	folder_make(&folder);
	fill(&folder, 3);
	run_sql(folder.file, "PRAGMA user_version = 999");
	assert_int_equal(stat(folder.file, &before), 0);
	assert_int_equal(store_open(&store, folder.dir, BOOT, NULL, folder.why), -EPROTO);
	assert_non_null(strstr(folder.why, "newer nodewake"));
	assert_int_equal(store_open_reader(&store, folder.dir, folder.why), -EPROTO);
	assert_int_equal(stat(folder.file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	run_sql(folder.file, "PRAGMA user_version = 2");
	store = folder_open(&folder, NULL);
	assert_int_equal(query_count(store, (struct store_query){0}), 3);
	store_close(store);
	folder_remove(&folder);
}

static void places_that_cannot_be_used(void **state)
{
	static const char *const bad[] = {"/dev/null/x", "/proc/nodewake", "/dev/null"};
	struct folder folder;
	struct store *store;

	(void)state;
	folder_make(&folder);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		*folder.why = '\0';
		assert_true(store_open(&store, bad[i], BOOT, NULL, folder.why) < 0);
		assert_non_null(strstr(folder.why, bad[i]));
		assert_non_null(strstr(folder.why, "--state-dir"));
	}
	folder_remove(&folder);
}

static void files_are_private(void **state)
{
	struct folder folder;
	struct stat status;
	char dir[96];

	(void)state;
	folder_make(&folder);
	snprintf(dir, sizeof(dir), "%s/state", folder.dir);
	struct store *store;

	assert_int_equal(store_open(&store, dir, BOOT, NULL, folder.why), 0);
	assert_int_equal(stat(dir, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	strcat(dir, "/nodewake.db");
	assert_int_equal(stat(dir, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	store_close(store);
	unlink(dir);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(rmdir(dir), 0);
	folder_remove(&folder);
}

/* No disk: records wait, at most so many; when there is one, they are written. */
static void memory_until_there_is_a_disk(void **state)
{
	struct store_stats stats;
	struct folder folder;
	struct store *store;
	char key[16];

	(void)state;
	folder_make(&folder);
	assert_int_equal(rmdir(folder.dir), 0);
	int blocker = creat(folder.dir, 0600); /* a file where the directory should be */

	assert_int_equal(store_open_memory(&store, folder.dir, BOOT, NULL), 0);
	for (int i = 1; i <= 4100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		struct record record = an_exit(key, "web", (uint64_t)i * S, 0);

		assert_int_equal(store_put(store, &record),
				 i <= 4096 ? STORE_WAITING : STORE_DROPPED);
		assert_int_equal(store_put(store, &record),
				 i <= 4096 ? STORE_KNOWN : STORE_DROPPED);
	}
	store_tend(store);
	store_stats(store, &stats);
	assert_int_equal(stats.waiting, 4096);
	assert_int_equal(stats.dropped, 8);
	assert_true(stats.error < 0);

	close(blocker);
	unlink(folder.dir);
	assert_int_equal(mkdir(folder.dir, 0700), 0);
	store_tend(store);
	store_stats(store, &stats);
	assert_int_equal(stats.error, 0);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(query_count(store, (struct store_query){0}), 4096);
	store_close(store);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_instant),
		cmocka_unit_test(a_damaged_file_is_set_aside),
		cmocka_unit_test(a_newer_schema_is_left_alone),
		cmocka_unit_test(places_that_cannot_be_used),
		cmocka_unit_test(files_are_private),
		cmocka_unit_test(memory_until_there_is_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
