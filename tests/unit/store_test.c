// SPDX-License-Identifier: Apache-2.0
/* What goes in comes out: questions, better forms, limits, bookmarks, readers. */
#include <errno.h>
#include <sys/stat.h>

#include "base/text.h"
#include "unit/store_fixture.h"

static void questions(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	uint64_t now = clock_boot_ns();
	struct record a = an_exit("aaaa1", "web", now - 30 * S, 5 * S);
	struct record b = an_exit("aaab2", "web", now - 20 * S, 9 * S);
	struct record c = an_exit("cccc3", "db", now - 10 * S, S);
	struct record start = an_exit("dddd4", "db", now - 9 * S, 0);

	start.type = RECORD_START;
	start.start = (struct record_start){.span = {now - 12 * S, now - 9 * S}};
	TEXT_COPY(c.subject.container, "side");
	TEXT_COPY(b.subject.pod_namespace, "other");
	assert_int_equal(store_put(store, &a), STORE_NEW);
	assert_int_equal(store_put(store, &b), STORE_NEW);
	assert_int_equal(store_put(store, &c), STORE_NEW);
	assert_int_equal(store_put(store, &start), STORE_NEW);

#define KEYS(...) query_keys(store, (struct store_query){__VA_ARGS__})
	assert_string_equal(KEYS(.type = RECORD_EXIT), "cccc3 aaab2 aaaa1");
	assert_string_equal(KEYS(.type = RECORD_START), "dddd4");
	assert_string_equal(KEYS(.type = RECORD_OOM), "");
	assert_string_equal(KEYS(.order = STORE_OLDEST_FIRST), "aaaa1 aaab2 cccc3 dddd4");
	assert_string_equal(KEYS(.order = STORE_LONGEST_FIRST), "aaab2 aaaa1 dddd4 cccc3");
	assert_string_equal(KEYS(.limit = 2), "dddd4 cccc3");
	assert_string_equal(KEYS(.pod = "web"), "aaab2 aaaa1");
	assert_string_equal(KEYS(.pod = "web", .pod_namespace = "shop"), "aaaa1");
	assert_string_equal(KEYS(.container = "side"), "cccc3");
	assert_string_equal(KEYS(.container_id = "aaa"), "aaab2 aaaa1");
	assert_string_equal(KEYS(.container_id = "aaaa1"), "aaaa1");
	assert_string_equal(KEYS(.min_duration_ns = 5 * S), "aaab2 aaaa1");
	assert_string_equal(KEYS(.boot_id = BOOT, .limit = 1), "dddd4");
	assert_string_equal(KEYS(.boot_id = "another"), "");
	assert_string_equal(KEYS(.since_wall_ns = (int64_t)(now - 15 * S) + clock_wall_offset_ns()),
			    "dddd4 cccc3");
	/* what is asked for is bound, never SQL, never a pattern */
	assert_string_equal(KEYS(.pod = "web' OR '1'='1"), "");
	assert_string_equal(KEYS(.container_id = "%"), "");
#undef KEYS
	store_close(store);
	folder_remove(&folder);
}

static void better_replaces_worse(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	struct record record = an_exit("k", "web", 50 * S, S);

	record.final = false;
	assert_int_equal(store_put(store, &record), STORE_NEW);
	assert_int_equal(store_put(store, &record), STORE_KNOWN);
	record.final = true;
	record.exit.code = 4;
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	record.final = false;
	record.exit.code = 5;
	assert_int_equal(store_put(store, &record), STORE_KNOWN);
	assert_int_equal(query_count(store, (struct store_query){.type = RECORD_EXIT}), 1);
	store_close(store);

	/* the same key in another boot is another record; this boot's is still known */
	store = folder_open(&folder, NULL);
	record.final = true;
	record.exit.code = 4;
	assert_int_equal(store_put(store, &record), STORE_KNOWN);
	store_close(store);
	assert_int_equal(store_open(&store, folder.dir, "another boot", NULL, folder.why), 0);
	assert_int_equal(store_put(store, &record), STORE_NEW);
	store_close(store);
	folder_remove(&folder);
}

/* What is told for the first time, also after a restart, is what the counters count. */
static void what_is_known(void **state)
{
	struct folder folder;
	char name[16];

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	struct record record = an_exit("k", "web", 50 * S, S);

	record.final = false;
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_UNKNOWN);
	store_put(store, &record);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_KNOWN);
	record.final = true;
	store_put(store, &record);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_KNOWN_FINAL);
	assert_int_equal(store_known(store, RECORD_START, "k"), RECORD_UNKNOWN);
	assert_int_equal(store_known(store, RECORD_EXIT, "K"), RECORD_UNKNOWN);
	store_close(store);
	store = folder_open(&folder, NULL);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_KNOWN_FINAL);
	store_close(store);
	assert_int_equal(store_open(&store, folder.dir, "another boot", NULL, folder.why), 0);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_UNKNOWN);
	store_close(store);

	/* without a disk: what waits is known, up to what memory holds */
	assert_int_equal(store_open_memory(&store, folder.dir, BOOT, NULL), 0);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_UNKNOWN);
	record.final = false;
	assert_int_equal(store_put(store, &record), STORE_WAITING);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_KNOWN);
	record.final = true;
	assert_int_equal(store_put(store, &record), STORE_WAITING);
	assert_int_equal(store_known(store, RECORD_EXIT, "k"), RECORD_KNOWN_FINAL);
	for (unsigned int i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "fill-%u", i);
		record = an_exit(name, "web", 50 * S, S);
		store_put(store, &record);
	}
	assert_int_equal(store_known(store, RECORD_EXIT, "fill-4094"), RECORD_KNOWN_FINAL);
	assert_int_equal(store_known(store, RECORD_EXIT, "fill-4095"), RECORD_UNKNOWN);
	store_close(store);
	folder_remove(&folder);
}

static void old_ones_go(void **state)
{
	struct store_limits limits = {.age_ns = 100 * S};
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, &limits);
	uint64_t now = clock_boot_ns();
	struct record young = an_exit("young", "web", now - 90 * S, 0);
	struct record old = an_exit("old", "web", now, 0);

	old.wall_offset_ns -= (int64_t)(110 * S); /* of a boot before */
	store_put(store, &young);
	store_put(store, &old);
	store_tend(store);
	assert_string_equal(query_keys(store, (struct store_query){0}), "young");
	store_close(store);
	folder_remove(&folder);
}

static void the_file_stays_small(void **state)
{
	struct store_limits limits = {.bytes = 512 << 10};
	struct store_stats stats;
	struct folder folder;
	struct stat file;
	char key[16];

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, &limits);

	for (uint64_t i = 1; i <= 8000; i++) {
		snprintf(key, sizeof(key), "%05d", (int)i);
		struct record record = an_exit(key, "web", i * S, 0);

		assert_int_equal(store_put(store, &record), STORE_NEW);
	}
	for (int i = 0; i < 10; i++)
		store_tend(store);
	store_stats(store, &stats);
	int kept = query_count(store, (struct store_query){0});

	assert_true(kept > 200 && kept < 8000);
	assert_int_equal(stats.records[RECORD_EXIT], kept);
	assert_string_equal(query_keys(store, (struct store_query){.limit = 1}), "08000");
	store_close(store); /* the log becomes part of the file */
	assert_int_equal(stat(folder.file, &file), 0);
	assert_true(file.st_size <= (off_t)limits.bytes * 5 / 4);
	folder_remove(&folder);
}

/* Boot number n of 60, all longer ago than the age limit, with some deaths in it. */
static void live_a_boot(struct folder *folder, const struct store_limits *limits, int n)
{
	char boot_id[BOOT_ID_SIZE], key[16];
	struct store *store;

	snprintf(boot_id, sizeof(boot_id), "boot-%02d", n);
	assert_int_equal(store_open(&store, folder->dir, boot_id, limits, folder->why), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "%02d-%02d", n, i);
		struct record death = an_exit(key, "web", (unsigned int)i * S + S, 0);

		death.wall_offset_ns = (int64_t)((unsigned int)n * 1000 * S);
		assert_int_equal(store_put(store, &death), STORE_NEW);
	}
	struct record boot = {
		.type = RECORD_BOOT,
		.final = n % 2, /* a boot that died while it woke is one too */
		.boot_ns = 60 * S,
		.wall_offset_ns = (int64_t)((unsigned int)n * 1000 * S),
		.boot = {.state = BOOT_READY, .span = {1, 60 * S}},
	};

	TEXT_COPY(boot.key, "boot");
	assert_int_equal(store_put(store, &boot), STORE_NEW);
	store_close(store);
}

struct boots {
	int count;
	char oldest[BOOT_ID_SIZE];
};

static int note_boot(void *context, const char *boot_id, const struct record *record)
{
	struct boots *boots = context;

	assert_int_equal(record->type, RECORD_BOOT);
	boots->count++;
	memcpy(boots->oldest, boot_id, BOOT_ID_SIZE);
	return 0;
}

static void expect_boots(struct store *store, int count, const char *oldest)
{
	struct store_query boots_first = {.type = RECORD_BOOT};
	struct store_stats stats;
	struct boots boots = {0};

	assert_int_equal(store_query(store, &boots_first, note_boot, &boots), 0);
	assert_int_equal(boots.count, count);
	assert_string_equal(boots.oldest, oldest);
	store_stats(store, &stats);
	assert_int_equal(stats.records[RECORD_BOOT], count);
	assert_int_equal(stats.records[RECORD_EXIT], 0);
}

static void the_last_boots_stay(void **state)
{
	struct store_limits age = {.age_ns = S}, size = {.age_ns = UINT64_MAX, .bytes = 1},
			    none = {.age_ns = UINT64_MAX};
	struct folder folder;
	struct store *store;

	(void)state;
	for (int which = 0; which < 2; which++) {
		folder_make(&folder);
		for (int n = 0; n < 60; n++)
			live_a_boot(&folder, &none, n);
		store = folder_open(&folder, which ? &size : &age);
		for (int i = 0; i < 10; i++)
			store_tend(store);
		expect_boots(store, STORE_BOOTS_KEPT, "boot-10");
		store_close(store);
		/* each one more takes the oldest's place */
		live_a_boot(&folder, &none, 60);
		store = folder_open(&folder, which ? &size : &age);
		for (int i = 0; i < 10; i++)
			store_tend(store);
		expect_boots(store, STORE_BOOTS_KEPT, "boot-11");
		store_close(store);
		folder_remove(&folder);
	}
	/* fewer than that: all */
	folder_make(&folder);
	for (int n = 0; n < 3; n++)
		live_a_boot(&folder, &none, n);
	store = folder_open(&folder, &age);
	store_tend(store);
	expect_boots(store, 3, "boot-00");
	store_close(store);
	folder_remove(&folder);
}

static void a_few_records_take_little(void **state)
{
	struct store_stats stats;
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	char key[16];

	for (uint64_t i = 1; i <= 100; i++) {
		snprintf(key, sizeof(key), "%d", (int)i);
		struct record record = an_exit(key, "web", i * S, 0);

		store_put(store, &record);
	}
	store_tend(store);
	store_stats(store, &stats);
	assert_true(stats.bytes > 100 * 200);
	store_close(store);
	assert_int_equal(store_open_reader(&store, folder.dir, folder.why), 0);
	store_stats(store, &stats);
	assert_true(stats.bytes < 200 << 10);
	store_close(store);
	folder_remove(&folder);
}

static void bookmarks(void **state)
{
	struct folder folder;
	uint64_t value = 7;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);

	assert_int_equal(store_bookmark_get(store, "heartbeat", &value), -ENOENT);
	assert_int_equal(value, 7);
	assert_int_equal(store_bookmark_set(store, "heartbeat", 5), 0);
	assert_int_equal(store_bookmark_set(store, "heartbeat", UINT64_MAX / 4), 0);
	store_close(store);
	store = folder_open(&folder, NULL);
	assert_int_equal(store_bookmark_get(store, "heartbeat", &value), 0);
	assert_true(value == UINT64_MAX / 4);
	store_close(store);
	assert_int_equal(store_open(&store, folder.dir, "next boot", NULL, folder.why), 0);
	assert_int_equal(store_bookmark_get(store, "heartbeat", &value), -ENOENT);
	store_close(store);
	folder_remove(&folder);
}

static struct store *open_boot(struct folder *folder, const char *boot_id,
			       const struct store_limits *limits)
{
	struct store *store;

	assert_int_equal(store_open(&store, folder->dir, boot_id, limits, folder->why), 0);
	return store;
}

/* The boots before, last first, with the last sign of life; the last is kept though it has no records. */
static void past_boots(void **state)
{
	const struct store_limits limits = {.age_ns = 3600 * S};
	struct store_past_boot past[4];
	struct folder folder;
	struct store *store;
	struct record old;

	(void)state;
	folder_make(&folder);
	store = open_boot(&folder, "first", NULL);
	assert_int_equal(store_past_boots(store, past, 4), 0);
	assert_int_equal(store_heartbeat(store, 5 * S), 0);
	assert_int_equal(store_heartbeat(store, 7 * S), 0);
	store_close(store);
	store = open_boot(&folder, "second", NULL);
	store_close(store);
	store = open_boot(&folder, "third", &limits);
	assert_int_equal(store_past_boots(store, past, 4), 2);
	assert_string_equal(past[0].boot_id, "second");
	assert_int_equal(past[0].heartbeat_ns, 0);
	assert_string_equal(past[1].boot_id, "first");
	assert_int_equal(past[1].heartbeat_ns, 7 * S);
	assert_in_range(llabs(past[1].wall_offset_ns - clock_wall_offset_ns()), 0, S);
	assert_int_equal(store_past_boots(store, past, 1), 1);
	/* a record that is too old is trimmed, and with it boots that have none left */
	old = an_exit("old", "web", 1, 0);
	old.wall_offset_ns = 1;
	store_put(store, &old);
	store_tend(store);
	assert_int_equal(query_count(store, (struct store_query){0}), 0);
	assert_int_equal(store_past_boots(store, past, 4), 1);
	assert_string_equal(past[0].boot_id, "second");
	store_close(store);
	/* opened again in the same boot: it is not among those before it */
	store = open_boot(&folder, "third", NULL);
	assert_int_equal(store_past_boots(store, past, 4), 1);
	assert_string_equal(past[0].boot_id, "second");
	store_close(store);
	folder_remove(&folder);
}

static void a_reader_beside_the_writer(void **state)
{
	struct store *reader = NULL;
	struct folder folder;

	(void)state;
	folder_make(&folder);
	assert_int_equal(store_open_reader(&reader, folder.dir, folder.why), -ENOENT);
	assert_non_null(strstr(folder.why, "nothing was recorded"));
	struct store *writer = folder_open(&folder, NULL);
	struct record record = an_exit("one", "web", S, 0);

	store_put(writer, &record);
	assert_int_equal(store_open_reader(&reader, folder.dir, folder.why), 0);
	assert_int_equal(query_count(reader, (struct store_query){0}), 1);
	record = an_exit("two", "web", 2 * S, 0);
	store_put(writer, &record);
	assert_int_equal(query_count(reader, (struct store_query){0}), 2);
	assert_int_equal(store_put(reader, &record), STORE_DROPPED);
	store_close(reader);
	store_close(writer);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(better_replaces_worse),
		cmocka_unit_test(what_is_known),
		cmocka_unit_test(old_ones_go),
		cmocka_unit_test(the_file_stays_small),
		cmocka_unit_test(the_last_boots_stay),
		cmocka_unit_test(a_few_records_take_little),
		cmocka_unit_test(bookmarks),
		cmocka_unit_test(past_boots),
		cmocka_unit_test(a_reader_beside_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
