/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/oom_series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/usual.h"
#include "track/container.h"

#define SERIES_MAX 512
/* Of the oldest so many are looked at for one whose pod is gone. */
#define LOOKED_AT     16
#define INTERVALS_MAX 8
#define LEAK_KILLS    3
#define MINUTE_NS     (60 * NS_PER_SECOND)
/* Of a victim that lived shorter no rate is told. */
#define YOUNG_NS MINUTE_NS

struct series {
	char key[CGROUP_PATH_SIZE + COMM_SIZE + 1];
	char pod_uid[POD_UID_SIZE], container_id[ID_SIZE]; /* of the last victim */
	uint32_t count;
	uint32_t last_pid; /* of the last victim, with its start */
	uint64_t last_start_ns;
	uint64_t first_ns, last_ns;
	uint64_t intervals_ns[INTERVALS_MAX]; /* the last ones, in no order */
	uint64_t growth[LEAK_KILLS];	      /* bytes per minute, newest first; 0: too young */
	UT_hash_handle hh;
};

struct oom_serieses {
	const struct containers *containers;
	struct series *by_key; /* the first is the one that was seen longest ago */
	uint64_t evicted;
};

struct oom_serieses *oom_serieses_new(const struct containers *containers)
{
	struct oom_serieses *all = calloc(1, sizeof(*all));

	if (all)
		all->containers = containers;
	return all;
}

static void drop(struct oom_serieses *all, struct series *series)
{
	HASH_DEL(all->by_key, series);
	free(series);
}

void oom_serieses_free(struct oom_serieses *all)
{
	while (all && all->by_key)
		drop(all, all->by_key);
	free(all);
}

/* A pod's container keeps its name over restarts; what has none is known by where it is. */
static void make_key(const struct record *record, char *ret, size_t size)
{
	const struct subject *subject = &record->subject;
	const char *comm = record->oom.victims[0].comm;

	if (*subject->pod_uid && *subject->container)
		snprintf(ret, size, "%s/%s/%s", subject->pod_uid, subject->container, comm);
	else
		snprintf(ret, size, "%s/%s",
			 *subject->container_id ? subject->container_id : record->oom.cgroup_path,
			 comm);
}

/* Then nothing can be counted to it any more. What is no container's never is. */
static bool is_over(const struct oom_serieses *all, const struct series *series)
{
	if (!*series->container_id)
		return false;
	for (const struct container *c = all->containers->by_id; c; c = c->by_id.next)
		if (!c->gone_ns &&
		    (strcmp(c->id, series->container_id) == 0 ||
		     (*series->pod_uid && strcmp(c->subject.pod_uid, series->pod_uid) == 0)))
			return false;
	return true;
}

static void make_room(struct oom_serieses *all)
{
	struct series *series = all->by_key;

	for (int i = 0; i < LOOKED_AT && series; i++, series = series->hh.next)
		if (is_over(all, series)) {
			drop(all, series);
			return;
		}
	drop(all, all->by_key);
	all->evicted++;
}

static struct series *get(struct oom_serieses *all, const char *key)
{
	struct series *series;

	HASH_FIND_STR(all->by_key, key, series);
	if (series) {
		HASH_DEL(all->by_key, series);
	} else {
		if (HASH_COUNT(all->by_key) >= SERIES_MAX)
			make_room(all);
		series = calloc(1, sizeof(*series));
		if (!series)
			return NULL;
		snprintf(series->key, sizeof(series->key), "%s", key);
	}
	HASH_ADD_STR(all->by_key, key, series);
	return series;
}

/* Of the last ones: they are kept in no order. */
static uint64_t median(const struct series *series)
{
	uint64_t sorted[INTERVALS_MAX];
	uint32_t count = series->count - 1 < INTERVALS_MAX ? series->count - 1 : INTERVALS_MAX;

	memcpy(sorted, series->intervals_ns, sizeof(sorted));
	return usual_median(sorted, count);
}

static uint64_t growth_of(const struct oom_victim *victim, uint64_t age_ns)
{
	uint64_t bytes = (victim->anon_kb + victim->file_kb + victim->shmem_kb + victim->swap_kb +
			  victim->pagetable_kb) *
			 1024;

	if (age_ns < YOUNG_NS)
		return 0;
	return (uint64_t)((double)bytes * MINUTE_NS / (double)age_ns);
}

static bool is_leak(const struct series *series)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (size_t i = 0; i < LEAK_KILLS; i++) {
		least = series->growth[i] < least ? series->growth[i] : least;
		most = series->growth[i] > most ? series->growth[i] : most;
	}
	return least > 0 && most <= least + least / 2;
}

static void count(struct series *series, const struct record *record, uint64_t age_ns)
{
	const struct oom_victim *victim = &record->oom.victims[0];

	if (series->count)
		series->intervals_ns[(series->count - 1) % INTERVALS_MAX] =
			record->boot_ns > series->last_ns ? record->boot_ns - series->last_ns : 0;
	else
		series->first_ns = record->boot_ns;
	series->count++;
	series->last_ns = record->boot_ns;
	series->last_pid = victim->pid;
	series->last_start_ns = victim->start_ns;
	memmove(&series->growth[1], &series->growth[0], sizeof(uint64_t) * (LEAK_KILLS - 1));
	series->growth[0] = growth_of(victim, age_ns);
}

void oom_serieses_add(struct oom_serieses *all, struct record *record)
{
	const struct oom_victim *victim = &record->oom.victims[0];
	bool aged = victim->start_ns && record->boot_ns > victim->start_ns;
	uint64_t age_ns = aged ? record->boot_ns - victim->start_ns : 0;
	char key[CGROUP_PATH_SIZE + COMM_SIZE + 1];

	make_key(record, key, sizeof(key));
	struct series *series = get(all, key);

	if (!series)
		return;
	TEXT_COPY(series->pod_uid, record->subject.pod_uid);
	TEXT_COPY(series->container_id, record->subject.container_id);
	/* a killer in user space asks its victim to end, and kills it some seconds later */
	if (!series->count || series->last_pid != victim->pid ||
	    series->last_start_ns != victim->start_ns)
		count(series, record, age_ns);

	record->oom.series = (struct oom_series){
		.count = series->count,
		.first_ns = series->first_ns,
		.interval_ns = median(series),
		.growth_bytes_per_min = growth_of(victim, age_ns),
		.leak = is_leak(series),
	};
}

uint64_t oom_serieses_evicted(const struct oom_serieses *all)
{
	return all->evicted;
}
