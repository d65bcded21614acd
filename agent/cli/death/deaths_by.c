// SPDX-License-Identifier: Apache-2.0
#include "cli/death/deaths_by.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "cli/death/death_filter.h"
#include "cli/verbs.h"
#include "model/json.h"
#include "model/usual.h"

struct group {
	struct death_group of;
	int64_t *times; /* wall, as they came: oldest first */
	uint32_t time_count, room;
	UT_hash_handle hh;
};

struct collecting {
	const struct options *options;
	unsigned int types; /* bits of enum record_type */
	struct group *groups;
	int error;
};

static const char *verdict_of(const struct record *record)
{
	switch (record->type) {
	case RECORD_OOM:
		return limit_scope_name(record->oom.scope);
	case RECORD_CHILD:
		return exit_verdict_name(record->child.verdict);
	default:
		return exit_verdict_name(record->exit.verdict);
	}
}

/* To be freed; NULL for want of memory. Deaths that are no container's are the node's. */
static char *name_of(enum group_by by, const struct record *record)
{
	const struct subject *subject = &record->subject;
	const char *pod = *subject->pod ? subject->pod : subject->container_id;
	char *name = NULL;

	if (by == BY_VERDICT)
		return strdup(verdict_of(record));
	if (by == BY_IMAGE)
		return strdup(*subject->image ? subject->image : "no image");
	if (!*pod)
		return strdup("node");
	if (asprintf(&name, "%s%s%s%s%s", subject->pod_namespace,
		     *subject->pod_namespace ? "/" : "", pod,
		     by == BY_CONTAINER && *subject->container ? "/" : "",
		     by == BY_CONTAINER ? subject->container : "") < 0)
		return NULL;
	return name;
}

static struct group *group_of(struct collecting *collecting, const struct record *record)
{
	char *name = name_of(collecting->options->by, record);
	struct group *group = NULL;

	if (!name)
		return NULL;
	HASH_FIND_STR(collecting->groups, name, group);
	if (group || !(group = calloc(1, sizeof(*group)))) {
		free(name);
		return group;
	}
	group->of.name = name;
	group->of.first_wall_ns = record_wall_ns(record);
	HASH_ADD_KEYPTR(hh, collecting->groups, name, strlen(name), group);
	return group;
}

static int add_time(struct group *group, int64_t wall_ns)
{
	if (group->time_count == group->room) {
		uint32_t room = group->room ? group->room * 2 : 8;
		int64_t *times = reallocarray(group->times, room, sizeof(*times));

		if (!times)
			return -ENOMEM;
		group->times = times;
		group->room = room;
	}
	group->times[group->time_count++] = wall_ns;
	return 0;
}

static int on_death(void *context, const char *boot_id, const struct record *record)
{
	struct collecting *collecting = context;
	struct group *group;

	(void)boot_id;
	if (!(collecting->types >> record->type & 1) ||
	    !death_filter_passes(collecting->options, record))
		return 0;
	group = group_of(collecting, record);
	if (!group || add_time(group, record_wall_ns(record)) < 0)
		return collecting->error = -ENOMEM;
	group->of.count += record->type == RECORD_CHILD ? record->child.count : 1;
	group->of.latest = *record;
	if (record->type == RECORD_OOM && record->oom.series.count > 1)
		group->of.growth_bytes_per_min = record->oom.series.growth_bytes_per_min;
	if (record->type == RECORD_OOM)
		group->of.leak = record->oom.series.leak;
	return 0;
}

static int shorter(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

/* Children that are one record know their interval themselves. */
static uint64_t interval_of(struct group *group)
{
	const struct record *latest = &group->of.latest;

	if (group->time_count < 2)
		return latest->type == RECORD_CHILD ? latest->child.interval_ns : 0;
	qsort(group->times, group->time_count, sizeof(*group->times), shorter);
	for (uint32_t i = 0; i + 1 < group->time_count; i++)
		group->times[i] = group->times[i + 1] - group->times[i];
	return usual_median((uint64_t *)group->times, group->time_count - 1);
}

static int most_first(struct group *one, struct group *other)
{
	int64_t a = record_wall_ns(&one->of.latest), b = record_wall_ns(&other->of.latest);

	if (one->of.count != other->of.count)
		return one->of.count < other->of.count ? 1 : -1;
	return (a < b) - (a > b);
}

static void show(struct collecting *collecting)
{
	uint32_t shown = 0;

	HASH_SORT(collecting->groups, most_first);
	if (!collecting->options->json && collecting->groups)
		deaths_by_heading(stdout);
	for (struct group *group = collecting->groups; group && shown < collecting->options->limit;
	     group = group->hh.next, shown++) {
		group->of.interval_ns = interval_of(group);
		if (collecting->options->json)
			deaths_by_json(stdout, collecting->options->by, &group->of);
		else
			deaths_by_text(stdout, &group->of);
	}
}

static void forget(struct collecting *collecting)
{
	struct group *group, *next;

	HASH_ITER (hh, collecting->groups, group, next) {
		HASH_DEL(collecting->groups, group);
		free(group->of.name);
		free(group->times);
		free(group);
	}
}

static int collect(struct store *store, enum record_type type, struct collecting *collecting)
{
	const struct options *options = collecting->options;
	char boot_id[BOOT_ID_SIZE];
	struct store_query query = {
		.type = options->children ? RECORD_NONE : type,
		.pod_namespace = options->pod_namespace,
		.pod = options->pod,
		.container = options->container,
		.min_duration_ns = options->slower_ns,
		.order = STORE_OLDEST_FIRST,
	};
	int r;

	if (strcmp(options->boot, "current") == 0 && clock_boot_id(boot_id) == 0)
		query.boot_id = boot_id;
	else if (strcmp(options->boot, "all") != 0)
		query.boot_id = options->boot;
	if (options->since_ns)
		query.since_wall_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns() -
				      (int64_t)options->since_ns;
	r = store_query(store, &query, on_death, collecting);
	return r < 0 ? r : collecting->error;
}

int deaths_by(struct store *store, enum record_type type, const char *verb,
	      const struct options *options)
{
	struct collecting collecting = {
		.options = options,
		.types = 1u << type | (options->children ? 1u << RECORD_CHILD : 0),
	};
	int r = collect(store, type, &collecting), code = collecting.groups ? CLI_OK : CLI_FAILED;

	if (r == 0)
		show(&collecting);
	if (r < 0) {
		fprintf(stderr, "nodewake %s: the store can't be read: %s\n", verb, strerror(-r));
		code = CLI_FAILED;
	} else if (!collecting.groups && !options->json) {
		fprintf(stderr, "nodewake %s: nothing recorded that fits\n", verb);
	}
	forget(&collecting);
	return code;
}
