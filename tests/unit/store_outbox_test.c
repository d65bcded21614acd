/* SPDX-License-Identifier: Apache-2.0 */
/* Each record is told once: series, early forms, restarts, deaths at any instant, older files. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "unit/store_fixture.h"

static enum outbox_answer describe(void *context, const char *boot_id, const struct record *record,
				   struct outbox_entry *ret)
{
	(void)context;
	assert_string_equal(boot_id, BOOT);
	if (record->type == RECORD_PULL)
		return OUTBOX_NOTHING;
	if (record->type == RECORD_CHILD && !record->child.looping)
		return OUTBOX_NOT_YET;
	if (!record->final && !*record->subject.pod)
		return OUTBOX_LATER;
	snprintf(ret->name, sizeof(ret->name), "%s.%d", record->key, record->type);
	TEXT_COPY(ret->object, record->subject.pod);
	snprintf(ret->series, sizeof(ret->series), "%s/%d", record->subject.pod, record->exit.code);
	ret->body = strdup(record->key);
	return OUTBOX_TELL;
}

static char touches[256]; /* ids, in order */

static void touched(void *context, int64_t id)
{
	size_t used = strlen(touches);

	(void)context;
	snprintf(touches + used, sizeof(touches) - used, "%s%d", used ? " " : "", (int)id);
}

static const struct store_outbox_policy policy = {
	.early_types = 1u << RECORD_OOM | 1u << RECORD_CHILD,
	.series_gap_ns = 60 * S,
	.describe = describe,
	.touched = touched,
};

static void put(struct store *store, const char *key, const char *pod, int code, uint64_t boot_ns)
{
	struct record record = an_exit(key, pod, boot_ns, 0);

	record.exit.code = code;
	assert_int_equal(store_put(store, &record), STORE_NEW);
}

static void fill(struct store *store)
{
	int count;

	while ((count = store_outbox_fill(store, &policy)) > 0)
		;
	assert_int_equal(count, 0);
}

/* "body count/written ..." of what is pending. */
static const char *pending(struct store *store)
{
	static char text[512];
	struct outbox_item items[16];
	int count = store_outbox_pending(store, 0, items, 16);

	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s %d/%d", i ? ", " : "",
			 items[i].body, (int)items[i].count, (int)items[i].written);
		free(items[i].body);
	}
	assert_int_equal(store_outbox_count(store), count);
	return text;
}

static int64_t id_of(struct store *store, int index)
{
	struct outbox_item items[16];
	int count = store_outbox_pending(store, 0, items, 16);

	for (int i = 0; i < count; i++)
		free(items[i].body);
	assert_true(index < count);
	return items[index].id;
}

static void repeats_are_a_series(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);

	put(store, "before", "web", 1, S);
	store_outbox_enable(store);
	put(store, "a", "web", 1, 10 * S);
	put(store, "b", "web", 2, 11 * S);
	put(store, "c", "web", 1, 20 * S);
	put(store, "d", "db", 1, 21 * S);
	touches[0] = '\0';
	fill(store);
	assert_string_equal(pending(store), "a 2/0, b 1/0, d 1/0");
	assert_string_equal(touches, "1 2 1 3");
	assert_int_equal(store_outbox_written(store, id_of(store, 0), 2), 0);
	assert_string_equal(pending(store), "b 1/0, d 1/0");
	put(store, "e", "web", 1, 79 * S);
	put(store, "f", "web", 1, 140 * S); /* too late for the series */
	fill(store);
	assert_string_equal(pending(store), "a 3/2, b 1/0, d 1/0, f 1/0");
	store_close(store);

	/* a restart changes nothing */
	store = folder_open(&folder, NULL);
	store_outbox_enable(store);
	fill(store);
	assert_string_equal(pending(store), "a 3/2, b 1/0, d 1/0, f 1/0");
	put(store, "g", "web", 2, 30 * S);
	fill(store);
	assert_string_equal(pending(store), "a 3/2, b 2/0, d 1/0, f 1/0");
	store_close(store);
	folder_remove(&folder);
}

static void early_types_do_not_wait(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	struct record oom = an_exit("oom", "web", S, 0), exit = an_exit("exit", "web", S, 0);
	struct record pull = an_exit("pull", "web", S, 0);

	store_outbox_enable(store);
	pull.type = RECORD_PULL;
	pull.pull = (struct record_pull){.bytes = 1};
	oom.type = RECORD_OOM;
	oom.oom = (struct record_oom){.scope = SCOPE_NODE};
	oom.final = exit.final = false;
	store_put(store, &oom);
	store_put(store, &exit);
	store_put(store, &pull);
	fill(store);
	assert_string_equal(pending(store), "oom 1/0");
	oom.final = exit.final = true;
	assert_int_equal(store_put(store, &oom), STORE_REPLACED);
	assert_int_equal(store_put(store, &exit), STORE_REPLACED);
	fill(store);
	assert_string_equal(pending(store), "oom 1/0, exit 1/0");
	store_close(store);
	folder_remove(&folder);
}

static void an_early_form_that_says_too_little_waits(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	struct record oom = an_exit("oom", "", S, 0);

	store_outbox_enable(store);
	oom.type = RECORD_OOM;
	oom.oom = (struct record_oom){.scope = SCOPE_NODE};
	oom.final = false;
	store_put(store, &oom);
	put(store, "exit", "web", 1, S);
	fill(store);
	assert_string_equal(pending(store), "exit 1/0");
	TEXT_COPY(oom.subject.pod, "web");
	oom.final = true;
	assert_int_equal(store_put(store, &oom), STORE_REPLACED);
	fill(store);
	assert_string_equal(pending(store), "exit 1/0, oom 1/0");
	store_close(store);
	folder_remove(&folder);
}

/* Puts and fills as fast as it can, telling after each put how many there are. */
static void work_until_killed(const char *dir, int next, int told)
{
	struct store *store;
	char why[256], key[16];

	if (store_open(&store, dir, BOOT, NULL, why) < 0)
		_exit(1);
	store_outbox_enable(store);
	for (;; next++) {
		snprintf(key, sizeof(key), "k%d", next);
		struct record record = an_exit(key, next % 3 ? "web" : "db", S + (uint64_t)next, 0);

		store_put(store, &record);
		if (write(told, &next, sizeof(next)) != sizeof(next))
			_exit(1);
		store_outbox_fill(store, &policy);
	}
}

/* Sixty of them must not stand in the way of others, as those that wait would. */
static void what_is_not_worth_telling_yet(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);
	struct record record = an_exit("child", "web", 10 * S, 0);

	store_outbox_enable(store);
	record.type = RECORD_CHILD;
	record.child = (struct record_child){.count = 1};
	record.final = false;
	for (int i = 0; i < OUTBOX_BATCH; i++) {
		snprintf(record.key, sizeof(record.key), "child%d", i);
		assert_int_equal(store_put(store, &record), STORE_NEW);
	}
	put(store, "behind", "web", 1, 11 * S);
	fill(store);
	assert_string_equal(pending(store), "behind 1/0");
	record.final = true; /* a newer form, which says as little */
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	fill(store);
	assert_string_equal(pending(store), "behind 1/0");
	record.child.looping = true;
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	fill(store);
	assert_string_equal(pending(store), "behind 1/0, child63 1/0");
	record.child.count = 9; /* told once */
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	fill(store);
	assert_string_equal(pending(store), "behind 1/0, child63 1/0");
	store_close(store);
	folder_remove(&folder);
}

static void killed_at_any_instant(void **state)
{
	struct folder folder;
	int last = 0;

	(void)state;
	folder_make(&folder);
	srand(2);
	/* however slow the machine is: until enough was written */
	for (int round = 0; round < 15 || (last < 200 && round < 2000); round++) {
		int ends[2], status, next;

		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();

		if (child == 0)
			work_until_killed(folder.dir, last + 2, ends[1]);
		close(ends[1]);
		usleep(5000 + (unsigned int)rand() % 30000);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		while (read(ends[0], &next, sizeof(next)) == sizeof(next))
			last = next;
		close(ends[0]);
	}
	struct store *store = folder_open(&folder, NULL);
	struct outbox_item items[16];
	uint64_t sum = 0;

	fill(store);
	int count = store_outbox_pending(store, 0, items, 16);

	for (int i = 0; i < count; i++) {
		sum += items[i].count;
		free(items[i].body);
	}
	assert_int_equal(count, 2);
	assert_int_equal(sum, query_count(store, (struct store_query){0}));
	assert_true(sum > 100);
	store_close(store);
	folder_remove(&folder);
}

static void an_older_file_gets_an_outbox(void **state)
{
	struct folder folder;

	(void)state;
	folder_make(&folder);
	struct store *store = folder_open(&folder, NULL);

	put(store, "old", "web", 1, S);
	store_close(store);
	run_sql(folder.file, "DROP TABLE outbox; DROP INDEX records_untold;"
			     "ALTER TABLE records DROP COLUMN told; PRAGMA user_version = 1");
	store = folder_open(&folder, NULL);
	store_outbox_enable(store);
	put(store, "new", "web", 1, 2 * S);
	fill(store);
	assert_string_equal(pending(store), "new 1/0");
	assert_int_equal(query_count(store, (struct store_query){0}), 2);
	store_close(store);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_are_a_series),
		cmocka_unit_test(early_types_do_not_wait),
		cmocka_unit_test(an_early_form_that_says_too_little_waits),
		cmocka_unit_test(what_is_not_worth_telling_yet),
		cmocka_unit_test(killed_at_any_instant),
		cmocka_unit_test(an_older_file_gets_an_outbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
