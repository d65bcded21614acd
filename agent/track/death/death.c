/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/death.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"

#define WORKLOADS_MAX  2048
#define LOOP_DEATHS    3
#define LOOP_WINDOW_NS (20 * 60 * NS_PER_SECOND)
/* So many of the last ones say of which kind a loop is: it may change. */
#define PATTERN_DEATHS 8

struct death {
	enum exit_verdict verdict;
	int32_t code, signal;
	uint64_t age_ns, at_ns;
};

/* A pod's container over its restarts, each of which has another container id. */
struct workload {
	char key[POD_UID_SIZE + NAME_SIZE];
	uint32_t in_a_row;
	uint32_t kept;
	struct death last[PATTERN_DEATHS]; /* newest first */
	uint64_t first_ns;
	char first[CAUSE_SIZE];
	UT_hash_handle hh;
};

struct deaths {
	struct workload *workloads;
};

struct deaths *deaths_new(void)
{
	return calloc(1, sizeof(struct deaths));
}

static void drop(struct deaths *deaths, struct workload *workload)
{
	HASH_DEL(deaths->workloads, workload);
	free(workload);
}

void deaths_free(struct deaths *deaths)
{
	while (deaths && deaths->workloads)
		drop(deaths, deaths->workloads);
	free(deaths);
}

/* Moves it to the end of the insertion order, so that the first is the one to evict. */
static struct workload *get(struct deaths *deaths, const struct subject *subject)
{
	char key[POD_UID_SIZE + NAME_SIZE];
	struct workload *workload;

	snprintf(key, sizeof(key), "%s/%s", subject->pod_uid, subject->container);
	HASH_FIND_STR(deaths->workloads, key, workload);
	if (workload) {
		HASH_DEL(deaths->workloads, workload);
	} else {
		if (HASH_COUNT(deaths->workloads) >= WORKLOADS_MAX)
			drop(deaths, deaths->workloads);
		workload = calloc(1, sizeof(*workload));
		if (!workload)
			return NULL;
		memcpy(workload->key, key, sizeof(key));
	}
	HASH_ADD_STR(deaths->workloads, key, workload);
	return workload;
}

/* "SIGSEGV after 3.20s", "exit 1 after 40.0ms", "killed for memory after 2min 31.4s", "never started" */
static void describe(const struct death *death, char ret[CAUSE_SIZE])
{
	const char *age = text_of_duration(death->age_ns);

	if (death->verdict == EXIT_START_FAILED)
		snprintf(ret, CAUSE_SIZE, "never started");
	else if (death->verdict == EXIT_OOM_KILLED)
		snprintf(ret, CAUSE_SIZE, "killed for memory after %s", age);
	else if (death->signal)
		snprintf(ret, CAUSE_SIZE, "SIG%s after %s", sigabbrev_np(death->signal) ?: "?",
			 age);
	else
		snprintf(ret, CAUSE_SIZE, "exit %d after %s", death->code, age);
}

static void add(struct workload *workload, const struct death *death)
{
	if (workload->in_a_row++ == 0) {
		workload->kept = 0;
		workload->first_ns = death->at_ns;
		describe(death, workload->first);
	}
	memmove(&workload->last[1], &workload->last[0],
		sizeof(*workload->last) * (PATTERN_DEATHS - 1));
	workload->last[0] = *death;
	if (workload->kept < PATTERN_DEATHS)
		workload->kept++;
}

static bool same_end(const struct workload *workload)
{
	const struct death *last = workload->last;

	for (uint32_t i = 1; i < workload->kept; i++)
		if (last[i].verdict != last->verdict || last[i].code != last->code ||
		    last[i].signal != last->signal)
			return false;
	return true;
}

/* Each by a tenth at least: what a busy machine makes slower is no growth. */
static bool grows(const struct workload *workload)
{
	for (uint32_t i = 1; i < workload->kept; i++)
		if (workload->last[i - 1].age_ns < workload->last[i].age_ns * 11 / 10)
			return false;
	return workload->kept >= LOOP_DEATHS;
}

/* Within a fifth of each other, and a second: starts vary by that much. */
static bool same_age(const struct crash_loop *loop)
{
	return loop->longest_ns - loop->shortest_ns <= loop->shortest_ns / 5 + NS_PER_SECOND;
}

static void find_pattern(const struct workload *workload, struct crash_loop *ret)
{
	struct crash_loop loop = {
		.count = workload->kept,
		.shortest_ns = UINT64_MAX,
		.first_ns = workload->first_ns,
	};

	if (workload->kept < 2)
		return;
	for (uint32_t i = 0; i < workload->kept; i++) {
		uint64_t age_ns = workload->last[i].age_ns;

		loop.shortest_ns = age_ns < loop.shortest_ns ? age_ns : loop.shortest_ns;
		loop.longest_ns = age_ns > loop.longest_ns ? age_ns : loop.longest_ns;
	}
	bool same = same_end(workload);

	if (same && same_age(&loop))
		loop.pattern = LOOP_SAME;
	else if (grows(workload) && !same_age(&loop))
		loop.pattern = LOOP_GROWING;
	else
		loop.pattern = same ? LOOP_CODE : LOOP_MIXED;
	TEXT_COPY(loop.first, workload->first);
	*ret = loop;
}

void deaths_add(struct deaths *deaths, const struct record *record, struct death_row *ret)
{
	const struct record_exit *exit = &record->exit;
	const struct death death = {
		.verdict = exit->verdict,
		.code = exit->code,
		.signal = exit->signal,
		.age_ns = record_duration_ns(record),
		.at_ns = exit->finished_ns,
	};
	bool success = exit->verdict == EXIT_COMPLETED;
	struct workload *workload = NULL;

	*ret = (struct death_row){.deaths = success ? 0 : 1};
	if (*record->subject.pod_uid && *record->subject.container)
		workload = get(deaths, &record->subject);
	if (!workload)
		return;
	if (success) {
		workload->in_a_row = 0;
		return;
	}
	add(workload, &death);
	ret->deaths = workload->in_a_row;
	ret->looping = workload->in_a_row >= LOOP_DEATHS &&
		       death.at_ns - workload->last[LOOP_DEATHS - 1].at_ns <= LOOP_WINDOW_NS;
	find_pattern(workload, &ret->loop);
}
