// SPDX-License-Identifier: Apache-2.0
/* When the machine was last alive: across boots, across agents of one boot, and from a damaged file. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/heartbeat.h"
#include "unit/store_fixture.h"

#define FIRST  "11111111-0000-4000-8000-000000000001"
#define SECOND "22222222-0000-4000-8000-000000000002"
#define THIRD  "33333333-0000-4000-8000-000000000003"

static int64_t now(void)
{
	return (int64_t)clock_boot_ns() + clock_wall_offset_ns();
}

static struct heartbeat_last live(const char *dir, const char *boot_id)
{
	struct heartbeat_last last;
	struct heartbeat *heartbeat;

	assert_int_equal(heartbeat_new(&heartbeat, dir, boot_id, 3600 * S, &last), 0);
	heartbeat_free(heartbeat);
	return last;
}

static void across_boots(void **state)
{
	struct heartbeat_last last;
	struct folder folder;
	int64_t began, ended;
	char path[128];

	(void)state;
	folder_make(&folder);
	last = live(folder.dir, FIRST);
	assert_string_equal(last.boot_id, "");
	/* the same boot again: there is none before it */
	assert_string_equal(live(folder.dir, FIRST).boot_id, "");
	began = now();
	live(folder.dir, FIRST);
	ended = now();
	last = live(folder.dir, SECOND);
	assert_string_equal(last.boot_id, FIRST);
	assert_in_range(last.wall_ns, began, ended);
	/* and again, however often the agent starts in the second */
	live(folder.dir, SECOND);
	assert_string_equal(live(folder.dir, SECOND).boot_id, FIRST);
	assert_int_equal(live(folder.dir, SECOND).wall_ns, last.wall_ns);
	assert_string_equal(live(folder.dir, THIRD).boot_id, SECOND);
	snprintf(path, sizeof(path), "%s/heartbeat", folder.dir);
	struct stat found;

	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	assert_int_equal(found.st_size, 1024);
	unlink(path);
	folder_remove(&folder);
}

/* It beats by itself: killed at any moment, the file is not older than the interval. */
static void it_beats(void **state)
{
	struct heartbeat_last last, before;
	struct heartbeat *heartbeat;
	struct folder folder;
	char path[128], copy[1024];

	(void)state;
	folder_make(&folder);
	snprintf(path, sizeof(path), "%s/heartbeat", folder.dir);
	assert_int_equal(heartbeat_new(&heartbeat, folder.dir, FIRST, 5 * NS_PER_MS, &last), 0);
	before.wall_ns = now();
	/* what the file holds while the first lives, as a second boot would find it */
	for (int tries = 0; tries < 2000; tries++) {
		char other[64] = "/tmp/nodewake-heartbeat-XXXXXX", place[128];
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		assert_int_equal(fread(copy, 1, sizeof(copy), file) > 0, 1);
		fclose(file);
		assert_non_null(mkdtemp(other));
		snprintf(place, sizeof(place), "%s/heartbeat", other);
		file = fopen(place, "we");
		assert_non_null(file);
		fwrite(copy, 1, sizeof(copy), file);
		fclose(file);
		last = live(other, SECOND);
		unlink(place);
		rmdir(other);
		assert_string_equal(last.boot_id, FIRST);
		if (last.wall_ns > before.wall_ns)
			break;
		usleep(5000);
	}
	assert_true(last.wall_ns > before.wall_ns);
	heartbeat_free(heartbeat);
	unlink(path);
	folder_remove(&folder);
}

static void a_damaged_file(void **state)
{
	static const char *const damages[] = {
		"",
		"x",
		"11111111-0000-4000-8000-000000000001 ",
		"11111111-0000-4000-8000-000000000001                    x\n",
		"11111111-0000-4000-8000-000000000001  1790000000000000000",
		"11111111-0000-4000-8000-000000000001 -1790000000000000000\n",
	};
	struct folder folder;
	char path[128];

	(void)state;
	folder_make(&folder);
	snprintf(path, sizeof(path), "%s/heartbeat", folder.dir);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(damages[i], file);
		fclose(file);
		assert_string_equal(live(folder.dir, SECOND).boot_id, "");
		assert_string_equal(live(folder.dir, THIRD).boot_id, SECOND);
	}
	unlink(path);
	folder_remove(&folder);
}

static void no_folder(void **state)
{
	struct heartbeat_last last;
	struct heartbeat *heartbeat;

	(void)state;
	assert_int_equal(heartbeat_new(&heartbeat, "/nonexistent", FIRST, S, &last), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(across_boots),
		cmocka_unit_test(it_beats),
		cmocka_unit_test(a_damaged_file),
		cmocka_unit_test(no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
