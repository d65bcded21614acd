// SPDX-License-Identifier: Apache-2.0
#include "cli/starts_by.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/verbs.h"

struct name {
	char image[IMAGE_SIZE];
	char digest[DIGEST_SIZE];
};

struct key {
	struct name name;
	char container[NAME_SIZE];
};

struct group {
	struct key key;
	struct image_group of;
	UT_hash_handle hh;
};

/* When an image was first running in the boot that is looked at: what began before that found nothing cached. */
struct first_seen {
	char image[IMAGE_SIZE];
	uint64_t over_ns;
	UT_hash_handle hh;
};

struct pulled {
	struct name name;
	int64_t wall_ns;
};

struct collecting {
	const struct options *options;
	char wanted_boot[BOOT_ID_SIZE]; /* "": all */
	int64_t since_wall_ns;
	struct pulled *pulls; /* oldest first */
	size_t pull_count, pull_room;
	struct group *groups;
	char boot_id[BOOT_ID_SIZE];
	struct first_seen *firsts;
	int error;
};

static int on_pull(void *context, const char *boot_id, const struct record *record)
{
	struct collecting *collecting = context;
	struct pulled *pulled;

	(void)boot_id;
	if (record->pull.failed || !*record->pull.digest || !*record->pull.image)
		return 0;
	if (collecting->pull_count == collecting->pull_room) {
		size_t room = collecting->pull_room ? collecting->pull_room * 2 : 64;
		struct pulled *all =
			reallocarray(collecting->pulls, room, sizeof(*collecting->pulls));

		if (!all)
			return collecting->error = -ENOMEM;
		collecting->pulls = all;
		collecting->pull_room = room;
	}
	pulled = &collecting->pulls[collecting->pull_count++];
	*pulled = (struct pulled){.wall_ns = record_wall_ns(record)};
	TEXT_COPY(pulled->name.image, record->pull.image);
	TEXT_COPY(pulled->name.digest, record->pull.digest);
	return 0;
}

/* What the name stood for then: a tag moves. */
static const char *digest_of(const struct collecting *collecting, const struct record *record)
{
	for (size_t i = collecting->pull_count; i-- > 0;)
		if (collecting->pulls[i].wall_ns <= record_wall_ns(record) &&
		    strcmp(collecting->pulls[i].name.image, record->subject.image) == 0)
			return collecting->pulls[i].name.digest;
	return "";
}

static void forget_firsts(struct collecting *collecting)
{
	struct first_seen *first, *next;

	HASH_ITER (hh, collecting->firsts, first, next) {
		HASH_DEL(collecting->firsts, first);
		free(first);
	}
}

/* In the order of their ends: the first of a boot, and those that began before it was over. */
static bool is_cold(struct collecting *collecting, const char *boot_id, const struct record *record)
{
	struct first_seen *first = NULL;
	char image[IMAGE_SIZE] = "";

	if (strcmp(boot_id, collecting->boot_id) != 0)
		forget_firsts(collecting);
	TEXT_COPY(collecting->boot_id, boot_id);
	TEXT_COPY(image, record->subject.image);
	HASH_FIND_STR(collecting->firsts, image, first);
	if (first)
		return record->start.span.from_ns < first->over_ns;
	first = calloc(1, sizeof(*first));
	if (!first) {
		collecting->error = -ENOMEM;
		return true;
	}
	TEXT_COPY(first->image, image);
	first->over_ns = record->start.span.to_ns;
	HASH_ADD_STR(collecting->firsts, image, first);
	return true;
}

static bool is_asked_for(const struct collecting *collecting, const char *boot_id,
			 const struct record *record)
{
	const struct options *options = collecting->options;
	const struct subject *subject = &record->subject;

	return (!*collecting->wanted_boot || strcmp(boot_id, collecting->wanted_boot) == 0) &&
	       (!options->pod_namespace ||
		strcmp(subject->pod_namespace, options->pod_namespace) == 0) &&
	       (!options->pod || strcmp(subject->pod, options->pod) == 0) &&
	       (!options->container || strcmp(subject->container, options->container) == 0) &&
	       record_wall_ns(record) >= collecting->since_wall_ns &&
	       record_duration_ns(record) >= options->slower_ns;
}

static struct group *group_of(struct collecting *collecting, const struct record *record)
{
	struct group *group = NULL;
	struct key key = {0};

	TEXT_COPY(key.name.image, record->subject.image);
	TEXT_COPY(key.name.digest, digest_of(collecting, record));
	TEXT_COPY(key.container, record->subject.container);
	HASH_FIND(hh, collecting->groups, &key, sizeof(key), group);
	if (group)
		return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->key = key;
	TEXT_COPY(group->of.image, key.name.image);
	TEXT_COPY(group->of.digest, key.name.digest);
	TEXT_COPY(group->of.container, key.container);
	HASH_ADD(hh, collecting->groups, key, sizeof(group->key), group);
	return group;
}

static int add(struct image_starts *starts, const char *boot_id, const struct record *record)
{
	if (starts->count == starts->room) {
		uint32_t room = starts->room ? starts->room * 2 : 8;
		struct start_sample *samples =
			reallocarray(starts->samples, room, sizeof(*starts->samples));

		if (!samples)
			return -ENOMEM;
		starts->samples = samples;
		starts->room = room;
	}
	starts->samples[starts->count++] = start_history_sample(record);
	starts->boots += strcmp(boot_id, starts->last_boot_id) != 0;
	TEXT_COPY(starts->last_boot_id, boot_id);
	starts->latest = *record;
	return 0;
}

static int on_start(void *context, const char *boot_id, const struct record *record)
{
	struct collecting *collecting = context;
	struct group *group;
	bool cold;

	if (!start_history_counts(record))
		return 0;
	cold = is_cold(collecting, boot_id, record); /* also of what is not asked for */
	if (!is_asked_for(collecting, boot_id, record))
		return collecting->error;
	group = group_of(collecting, record);
	if (!group ||
	    add(&group->of.classes[cold ? STARTS_COLD : STARTS_WARM], boot_id, record) < 0)
		collecting->error = -ENOMEM;
	return collecting->error;
}

/* Of the latest start of either class. */
static int64_t latest_of(const struct group *group)
{
	int64_t latest = INT64_MIN;

	for (int i = 0; i < STARTS_CLASS_COUNT; i++)
		if (group->of.classes[i].count &&
		    record_wall_ns(&group->of.classes[i].latest) > latest)
			latest = record_wall_ns(&group->of.classes[i].latest);
	return latest;
}

static int newest_first(struct group *one, struct group *other)
{
	int64_t a = latest_of(one), b = latest_of(other);

	return (a < b) - (a > b);
}

static uint64_t longest_of(const struct group *group)
{
	uint64_t longest_ns = 0;

	for (int i = 0; i < STARTS_CLASS_COUNT; i++) {
		const struct image_starts *starts = &group->of.classes[i];

		if (starts->count && starts->samples[starts->count - 1].total_ns > longest_ns)
			longest_ns = starts->samples[starts->count - 1].total_ns;
	}
	return longest_ns;
}

static int slowest_first(struct group *one, struct group *other)
{
	uint64_t a = longest_of(one), b = longest_of(other);

	return (a < b) - (a > b);
}

static void show(struct collecting *collecting)
{
	uint32_t shown = 0;

	if (collecting->options->slowest_first)
		HASH_SORT(collecting->groups, slowest_first);
	else
		HASH_SORT(collecting->groups, newest_first);
	for (struct group *group = collecting->groups;
	     group && shown < collecting->options->limit && !collecting->error;
	     group = group->hh.next, shown++) {
		for (int i = 0; i < STARTS_CLASS_COUNT && !collecting->error; i++) {
			struct image_starts *starts = &group->of.classes[i];

			collecting->error = start_history_judge(starts->samples, starts->count,
								&starts->verdict);
		}
		if (collecting->error)
			break;
		if (collecting->options->json) {
			starts_by_json(stdout, &group->of);
		} else {
			fputs(shown ? "\n" : "", stdout);
			starts_by_text(stdout, &group->of);
		}
	}
}

static void forget(struct collecting *collecting)
{
	struct group *group, *next;

	forget_firsts(collecting);
	HASH_ITER (hh, collecting->groups, group, next) {
		HASH_DEL(collecting->groups, group);
		for (int i = 0; i < STARTS_CLASS_COUNT; i++)
			free(group->of.classes[i].samples);
		free(group);
	}
	free(collecting->pulls);
}

static int collect(struct store *store, struct collecting *collecting)
{
	struct store_query pulls = {.type = RECORD_PULL, .order = STORE_OLDEST_FIRST};
	struct store_query starts = {.type = RECORD_START, .order = STORE_OLDEST_FIRST};
	int r = store_query(store, &pulls, on_pull, collecting);

	if (r >= 0 && !collecting->error)
		r = store_query(store, &starts, on_start, collecting);
	return r < 0 ? r : collecting->error;
}

int starts_by_image(struct store *store, const struct options *options)
{
	struct collecting collecting = {.options = options};
	int r, code = CLI_OK;

	if (strcmp(options->boot, "current") == 0)
		clock_boot_id(collecting.wanted_boot);
	else if (strcmp(options->boot, "all") != 0)
		TEXT_COPY(collecting.wanted_boot, options->boot);
	collecting.since_wall_ns = INT64_MIN;
	if (options->since_ns)
		collecting.since_wall_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns() -
					   (int64_t)options->since_ns;
	r = collect(store, &collecting);
	if (r == 0) {
		show(&collecting);
		r = collecting.error;
	}
	if (r < 0) {
		fprintf(stderr, "nodewake starts: the store can't be read: %s\n", strerror(-r));
		code = CLI_FAILED;
	} else if (!collecting.groups) {
		if (!options->json)
			fprintf(stderr, "nodewake starts: nothing recorded that fits\n");
		code = CLI_FAILED;
	}
	forget(&collecting);
	return code;
}
