/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"

#define WORKLOADS_MAX  2048
#define LOOP_DEATHS    3
#define LOOP_WINDOW_NS (20 * 60 * NS_PER_SECOND)

/* A pod's container over its restarts, each of which has another container id. */
struct workload {
	char key[POD_UID_SIZE + NAME_SIZE];
	uint32_t in_a_row;
	uint64_t last_ns[LOOP_DEATHS]; /* newest first */
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

void deaths_add(struct deaths *deaths, const struct subject *subject, bool success,
		uint64_t boot_ns, uint32_t *ret_in_a_row, bool *ret_looping)
{
	*ret_in_a_row = success ? 0 : 1;
	*ret_looping = false;
	if (!*subject->pod_uid || !*subject->container)
		return;
	struct workload *workload = get(deaths, subject);

	if (!workload)
		return;
	if (success) {
		workload->in_a_row = 0;
		return;
	}
	*ret_in_a_row = ++workload->in_a_row;
	memmove(&workload->last_ns[1], &workload->last_ns[0], sizeof(uint64_t) * (LOOP_DEATHS - 1));
	workload->last_ns[0] = boot_ns;
	*ret_looping = workload->in_a_row >= LOOP_DEATHS &&
		       boot_ns - workload->last_ns[LOOP_DEATHS - 1] <= LOOP_WINDOW_NS;
}
