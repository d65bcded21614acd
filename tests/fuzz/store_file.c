/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are the store's database. A reader shows what it holds; the daemon opens it, or sets it aside and begins
 * anew: it must never end by that, and a refusal has its reason.
 */
#include "fuzz/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "model/sentence.h"
#include "store/store.h"

#define BOOT_ID "11111111-2222-4333-8444-555555555555"

static char dir[32];

static void empty_folder(void)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	if (!stream)
		abort();
	while ((entry = readdir(stream)))
		unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
}

static void remove_folder(void)
{
	empty_folder();
	rmdir(dir);
}

static void make_folder(void)
{
	log_set_level(LOG_LEVEL_ERROR + 1);
	strcpy(dir, "/dev/shm/nodewake-fuzz-XXXXXX");
	if (!mkdtemp(dir)) {
		strcpy(dir, "/tmp/nodewake-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
	}
	atexit(remove_folder);
}

static void write_file(const uint8_t *data, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/nodewake.db", dir);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static int show(void *context, const char *boot_id, const struct record *record)
{
	if (!boot_id || record->type >= RECORD_TYPE_COUNT)
		abort();
	sentence_line(context, record, true);
	return 0;
}

static void read_all(struct store *store)
{
	static FILE *null;
	struct store_past_boot boots[4];
	uint64_t value;

	if (!null)
		null = fopen("/dev/null", "we");
	for (enum store_order order = STORE_NEWEST_FIRST; order <= STORE_LONGEST_FIRST; order++)
		store_query(store, &(struct store_query){.order = order, .limit = 50}, show, null);
	store_past_boots(store, boots, 4);
	store_bookmark_get(store, "heartbeat", &value);
}

static enum outbox_answer describe(void *context, const char *boot_id, const struct record *record,
				   struct outbox_entry *ret)
{
	(void)context;
	snprintf(ret->name, sizeof(ret->name), "%.36s-%d", boot_id, record->type);
	snprintf(ret->series, sizeof(ret->series), "%.200s", record->key);
	ret->body = strdup("{}");
	return ret->body ? OUTBOX_TELL : OUTBOX_LATER;
}

static void write_outbox(struct store *store)
{
	const struct store_outbox_policy policy = {.early_types = ~0u, .describe = describe};
	struct outbox_item items[4];

	store_outbox_enable(store);
	store_outbox_fill(store, &policy);
	int count = store_outbox_pending(store, 0, items, 4);

	for (int i = 0; i < count; i++) {
		store_outbox_written(store, items[i].id, items[i].count);
		free(items[i].body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record = {.type = RECORD_GAP,
				.final = true,
				.key = "fuzz-1",
				.boot_ns = 5,
				.gap = {.cause = "fuzz"}};
	struct store *store;
	char why[256] = "";

	if (!*dir)
		make_folder();
	empty_folder();
	write_file(data, size);
	if (store_open_reader(&store, dir, why) == 0) {
		read_all(store);
		store_close(store);
	}
	int r = store_open(&store, dir, BOOT_ID, &(struct store_limits){0}, why);

	if (r < 0) {
		if (!*why)
			abort();
		return 0;
	}
	enum store_put_result put = store_put(store, &record);

	/* on the disk a damaged index may hide it: only what is kept in memory is sure to be found */
	if (put == STORE_WAITING &&
	    store_known(store, RECORD_GAP, record.key) != RECORD_KNOWN_FINAL)
		abort();
	write_outbox(store);
	store_tend(store);
	read_all(store);
	store_close(store);
	return 0;
}
