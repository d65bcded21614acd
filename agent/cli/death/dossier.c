// SPDX-License-Identifier: Apache-2.0
#include "cli/death/dossier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

struct collecting {
	struct dossier *dossier;
	char boot_id[BOOT_ID_SIZE];
	uint32_t boot;
};

/* Newest first, so that a crash loop's latest restarts are among them. */
static int keep(void *context, const char *boot_id, const struct record *record)
{
	struct collecting *collecting = context;
	struct dossier *dossier = collecting->dossier;

	if (record->type == RECORD_PULL && !record->final &&
	    !pull_goes_on(record, (int64_t)clock_boot_ns() + clock_wall_offset_ns()))
		return 0;
	if (strcmp(boot_id, collecting->boot_id) != 0)
		collecting->boot++;
	TEXT_COPY(collecting->boot_id, boot_id);
	dossier->boots[dossier->count] = collecting->boot;
	dossier->records[dossier->count++] = *record;
	return dossier->count == DOSSIER_MAX;
}

static int collect(struct dossier *dossier, struct store *store, const char *pod_namespace,
		   const char *word)
{
	struct store_query query = {
		.pod = word,
		.pod_namespace = pod_namespace,
		.order = STORE_NEWEST_FIRST,
		.limit = DOSSIER_MAX,
	};
	struct collecting collecting = {.dossier = dossier};
	int r = store_query(store, &query, keep, &collecting);

	if (r < 0 || dossier->count)
		return r;
	query.pod = NULL;
	query.container_id = word;
	return store_query(store, &query, keep, &collecting);
}

bool dossier_same_name(const struct subject *one, const struct subject *other)
{
	return strcmp(one->pod_namespace, other->pod_namespace) == 0 &&
	       strcmp(one->pod, other->pod) == 0 &&
	       (*one->pod || strcmp(one->container_id, other->container_id) == 0);
}

static bool several_names(const struct dossier *dossier)
{
	for (size_t i = 1; i < dossier->count; i++)
		if (!dossier_same_name(&dossier->records[0].subject, &dossier->records[i].subject))
			return true;
	return false;
}

/* A name that comes back, like a StatefulSet's, is another pod: the latest stays. */
static void keep_latest_pod(struct dossier *dossier)
{
	char uid[POD_UID_SIZE] = "", earlier[POD_UID_SIZE] = "";
	size_t kept = 0;

	for (size_t i = 0; i < dossier->count; i++) {
		const char *own = dossier->records[i].subject.pod_uid;

		if (!*uid)
			strcpy(uid, own);
		if (!*own || strcmp(own, uid) == 0) {
			dossier->boots[kept] = dossier->boots[i];
			dossier->records[kept++] = dossier->records[i];
		} else if (strcmp(own, earlier) != 0) {
			strcpy(earlier, own);
			dossier->earlier++;
		}
	}
	dossier->count = kept;
}

static void oldest_first(struct dossier *dossier)
{
	for (size_t i = 0; i < dossier->count / 2; i++) {
		size_t last = dossier->count - 1 - i;
		struct record record = dossier->records[i];
		uint32_t boot = dossier->boots[i];

		dossier->records[i] = dossier->records[last];
		dossier->records[last] = record;
		dossier->boots[i] = dossier->boots[last];
		dossier->boots[last] = boot;
	}
}

int dossier_read(struct dossier *ret, struct store *store, const char *pod_namespace,
		 const char *word)
{
	int r;

	*ret = (struct dossier){
		.records = calloc(DOSSIER_MAX, sizeof(*ret->records)),
		.boots = calloc(DOSSIER_MAX, sizeof(*ret->boots)),
	};
	if (!ret->records || !ret->boots)
		return -ENOMEM;
	r = collect(ret, store, pod_namespace, word);
	if (r < 0)
		return r;
	if (!ret->count)
		return -ENOENT;
	if (several_names(ret))
		return -ENOTUNIQ;
	keep_latest_pod(ret);
	oldest_first(ret);
	return 0;
}

void dossier_done(struct dossier *dossier)
{
	free(dossier->records);
	free(dossier->boots);
}

bool dossier_is_pod_start(const struct record *record)
{
	return record->type == RECORD_START && record->start.state == START_READY;
}

bool dossier_is_latest_start(const struct dossier *dossier, size_t index)
{
	const struct record *record = &dossier->records[index];

	if (record->type != RECORD_START || dossier_is_pod_start(record))
		return false;
	for (size_t i = index + 1; i < dossier->count; i++)
		if (dossier->records[i].type == RECORD_START &&
		    strcmp(dossier->records[i].subject.container, record->subject.container) == 0)
			return false;
	return true;
}
