/* SPDX-License-Identifier: Apache-2.0 */
#include "track/pull/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/pull/pull_private.h"

#define INGESTS_MAX 512
#define UNPACKS_MAX 512

/* Downloads that vanished and whose image did not come within this time have failed. */
#define IMAGE_WAIT_NS (3 * NS_PER_SECOND)
/* One pull announces its image under several names within this time. */
#define ALIAS_WINDOW_NS (10 * NS_PER_SECOND)
/* `ctr pull` announces the image before it unpacks. */
#define UNPACK_WAIT_NS (2 * NS_PER_SECOND)
/* An unpack that goes on for longer was given up: containerd 1.x does not tell. */
#define UNPACK_MAX_NS (600 * NS_PER_SECOND)
/* Another pull that waited for a layer is over within this time. */
#define CLAIMED_NS (600 * NS_PER_SECOND)

struct pulls *pulls_new(record_fn emit, void *context)
{
	struct pulls *pulls = calloc(1, sizeof(*pulls));

	if (pulls) {
		pulls->emit = emit;
		pulls->context = context;
	}
	return pulls;
}

void pull_drop_work(struct work **table, struct work *work)
{
	HASH_DEL(*table, work);
	free(work);
}

void pulls_free(struct pulls *pulls)
{
	if (!pulls)
		return;
	while (pulls->ingests)
		pull_drop_work(&pulls->ingests, pulls->ingests);
	while (pulls->unpacks)
		pull_drop_work(&pulls->unpacks, pulls->unpacks);
	running_clear(pulls);
	free(pulls);
}

void pulls_know_pods(struct pulls *pulls, const struct pods *pods)
{
	pulls->pods = pods;
}

struct work *pull_find_work(struct work *table, const char *digest)
{
	struct work *work;

	HASH_FIND_STR(table, digest, work);
	return work;
}

static struct work *get_work(struct work **table, const char *digest, unsigned int max)
{
	struct work *work = pull_find_work(*table, digest);

	if (work || !*digest)
		return work;
	if (HASH_COUNT(*table) >= max)
		pull_drop_work(table, *table); /* uthash keeps insertion order: the oldest */
	work = calloc(1, sizeof(*work));
	if (work) {
		text_copy(work->digest, sizeof(work->digest), digest);
		HASH_ADD_STR(*table, digest, work);
	}
	return work;
}

/* Another download of a blob that was seen before. */
static bool begins_again(const struct work *work, const struct event_ingest *ingest)
{
	if (ingest->gone)
		return false;
	return work->claimed ? ingest->started_ns > work->span.to_ns : work->span.to_ns != 0;
}

static void note_peer(struct work *work, const struct event_ingest *ingest)
{
	if (!*ingest->peer)
		return;
	if (*work->peer &&
	    (work->peer_port != ingest->peer_port || strcmp(work->peer, ingest->peer) != 0))
		work->several_peers = true;
	TEXT_COPY(work->peer, ingest->peer);
	work->peer_port = ingest->peer_port;
}

static void note_ingest(struct pulls *pulls, const struct event_ingest *ingest, uint64_t boot_ns,
			uint64_t now_ns)
{
	/* one that ends unknown was there before us */
	struct work *work = ingest->gone ? pull_find_work(pulls->ingests, ingest->digest)
					 : get_work(&pulls->ingests, ingest->digest, INGESTS_MAX);

	if (work && begins_again(work, ingest)) {
		pull_drop_work(&pulls->ingests, work);
		work = get_work(&pulls->ingests, ingest->digest, INGESTS_MAX);
	}
	if (!work || work->claimed)
		return;
	if (ingest->started_ns)
		work->span.from_ns = ingest->started_ns;
	else if (!work->span.from_ns)
		work->span.from_ns = boot_ns;
	if (ingest->offset > work->bytes)
		work->bytes = ingest->offset;
	work->seen_ns = boot_ns;
	note_peer(work, ingest);
	work->span.to_ns = ingest->gone ? boot_ns : 0;
	work->aborted = ingest->aborted;
	if (ingest->gone)
		pulls->failing_ns = now_ns;
	running_touch(pulls, ingest->digest, now_ns);
}

void pull_tell(struct pulls *pulls, struct pull *pull, uint64_t now_ns)
{
	struct record record = {
		.type = RECORD_PULL, .final = true, .boot_ns = pull->record.span.to_ns};

	TEXT_COPY(record.key, pull->key);
	if (!*pull->key)
		snprintf(record.key, sizeof(record.key), "%.72s-%llu",
			 *pull->record.digest ? pull->record.digest
			 : pull->logged	      ? pull->image_id
					      : "failed",
			 (unsigned long long)pull->record.span.from_ns);
	TEXT_COPY(record.subject.image, pull->record.image);
	if (pull->record.bytes && !pull->record.failed)
		pull_link(pulls, pull);
	record.pull = pull->record;
	pull->told_ns = now_ns;
	pull->due_ns = UINT64_MAX;
	pulls->emit(pulls->context, &record);
}

static void begin_unpack(struct work *work, uint64_t boot_ns)
{
	work->span = (struct span){boot_ns, 0};
	work->claimed = false;
}

static void note_unpack(struct pulls *pulls, const struct event_snapshot *snapshot,
			uint64_t boot_ns, uint64_t now_ns)
{
	if (snapshot->step == SNAPSHOT_REMOVE || *snapshot->container_id)
		return;
	struct work *work = get_work(&pulls->unpacks, snapshot->chain, UNPACKS_MAX);

	if (!work)
		return;
	if (snapshot->step == SNAPSHOT_PREPARE)
		begin_unpack(work, boot_ns);
	else /* the clocks of two processes may cross */
		work->span.to_ns = boot_ns > work->span.from_ns ? boot_ns : work->span.from_ns;
	running_touch(pulls, NULL, now_ns);
	for (uint32_t i = 0; i < pulls->count; i++) {
		struct pull *pull = &pulls->recent[i];

		if (pull->told_ns || strcmp(pull->top_chain, snapshot->chain) != 0)
			continue;
		pull->due_ns = now_ns + UNPACK_WAIT_NS;
		if (snapshot->step == SNAPSHOT_COMMIT) {
			span_widen(&pull->record.unpack, work->span.from_ns, work->span.to_ns);
			if (!pull->record.anatomy.unpack_ns)
				pull->record.anatomy.unpack_ns = span_seen(work->span);
			span_widen(&pull->record.span, 0, work->span.to_ns);
			pull_tell(pulls, pull, now_ns);
		}
	}
}

/* Adds one layer to the image being described. */
static void note_layer(struct pulls *pulls, const struct event_layer *layer)
{
	if (strcmp(pulls->layers_image, layer->image) != 0 || layer->index == 0) {
		pulls->parts.count = 0;
		TEXT_COPY(pulls->layers_image, layer->image);
	}
	if (pulls->parts.count < PARTS_MAX)
		pulls->parts.all[pulls->parts.count++].told = *layer;
}

/* What was claimed so long ago is asked for no more. */
static void drop_old(struct work **table, uint64_t now_ns)
{
	struct work *work, *next;

	HASH_ITER (hh, *table, work, next)
		if (work->claimed && work->span.to_ns + CLAIMED_NS < now_ns)
			pull_drop_work(table, work);
}

void pull_add_name(struct pull *pull, const char *name)
{
	for (uint32_t i = 0; i < pull->name_count; i++)
		if (strcmp(pull->names[i], name) == 0)
			return;
	if (pull->name_count < ALIASES_MAX)
		TEXT_COPY(pull->names[pull->name_count++], name);
}

static struct pull *find_alias(struct pulls *pulls, const struct event_image *image,
			       uint64_t now_ns)
{
	for (uint32_t i = 0; i < pulls->count; i++) {
		struct pull *pull = &pulls->recent[i];

		if (!pull->logged && (!pull->told_ns || now_ns - pull->told_ns < ALIAS_WINDOW_NS) &&
		    ((*image->digest && strcmp(pull->record.digest, image->digest) == 0) ||
		     (*image->image_id && strcmp(pull->image_id, image->image_id) == 0)))
			return pull;
	}
	return NULL;
}

/* Room for one more; what has waited there is told, if it was not. */
struct pull *pull_next_slot(struct pulls *pulls, uint64_t now_ns)
{
	struct pull *slot = &pulls->recent[pulls->next];

	if (slot->due_ns && slot->due_ns != UINT64_MAX)
		pull_tell(pulls, slot, now_ns);
	pulls->next = (pulls->next + 1) % PULLS_MAX;
	if (pulls->count < PULLS_MAX)
		pulls->count++;
	*slot = (struct pull){.due_ns = UINT64_MAX};
	return slot;
}

/* Its layers are told; what was seen of them is this pull's. */
static bool build(struct pulls *pulls, const struct event_image *image, uint64_t boot_ns,
		  struct pull *ret)
{
	struct record_pull *record = &ret->record;

	pull_layers(pulls, image, boot_ns, ret);
	/* Nothing of it was downloaded before our eyes: a tag, an import, or there already. */
	if (!record->download.to_ns)
		return false;
	/* no beginning was seen, or none that fits the end: it began with the manifest */
	if (!record->download.from_ns || record->download.from_ns > record->download.to_ns) {
		record->download.from_ns = image->resolved_ns < record->download.to_ns
						   ? image->resolved_ns
						   : record->download.to_ns;
		record->reconstructed = true;
	}
	record->span = record->download;
	span_widen(&record->span, image->resolved_ns, boot_ns);
	span_widen(&record->span, record->unpack.from_ns, record->unpack.to_ns);
	TEXT_COPY(record->image, image->name);
	TEXT_COPY(record->digest, image->digest);
	TEXT_COPY(ret->image_id, image->image_id);
	pull_add_name(ret, image->name);
	return true;
}

static void note_image(struct pulls *pulls, const struct event_image *image, uint64_t boot_ns,
		       uint64_t now_ns)
{
	struct pull built = {0};
	struct pull *alias;

	if (image->step == IMAGE_DELETE)
		return;
	if (image->step == IMAGE_PULLING) {
		running_begin(pulls, image, now_ns);
		return;
	}
	if ((alias = find_alias(pulls, image, now_ns))) {
		pull_add_name(alias, image->name);
		return;
	}
	if (!build(pulls, image, boot_ns, &built))
		return;
	running_end(pulls, &built, now_ns);
	drop_old(&pulls->ingests, now_ns);
	drop_old(&pulls->unpacks, now_ns);
	pulls->failing_ns = 0;

	struct pull *slot = pull_next_slot(pulls, now_ns);

	*slot = built;
	slot->due_ns = now_ns + UNPACK_WAIT_NS;
	struct work *top = pull_find_work(pulls->unpacks, slot->top_chain);
	if (slot->record.unpack.to_ns && (!top || top->span.to_ns))
		pull_tell(pulls, slot, now_ns);
}

/* The parts are of the image that follows them. */
static void note_whole(struct pulls *pulls, const struct event *event, uint64_t now_ns)
{
	note_image(pulls, &event->image, event->boot_ns, now_ns);
	pulls->parts.count = 0;
	*pulls->layers_image = '\0';
}

void pulls_event(struct pulls *pulls, const struct event *event, uint64_t now_ns)
{
	pods_waiting_event(&pulls->waiting, event);
	switch (event->type) {
	case EVENT_INGEST:
		if (event->ingest.kind == INGEST_LAYER)
			note_ingest(pulls, &event->ingest, event->boot_ns, now_ns);
		break;
	case EVENT_SNAPSHOT:
		note_unpack(pulls, &event->snapshot, event->boot_ns, now_ns);
		break;
	case EVENT_LAYER:
		note_layer(pulls, &event->layer);
		break;
	case EVENT_IMAGE:
		note_whole(pulls, event, now_ns);
		break;
	case EVENT_SOURCE:
		if (event->source.source == SOURCE_CONTAINERD && event->source.step == SOURCE_UP &&
		    !pulls->since_ns)
			pulls->since_ns = event->boot_ns;
		break;
	default:
		break;
	}
}

bool pull_has_name(const struct pull *pull, const char *image, const char *image_id)
{
	if (*pull->image_id &&
	    (strcmp(pull->image_id, image) == 0 || strcmp(pull->image_id, image_id) == 0))
		return true;
	for (uint32_t i = 0; i < pull->name_count; i++)
		if ((*image && strcmp(pull->names[i], image) == 0) ||
		    (*image_id && strcmp(pull->names[i], image_id) == 0))
			return true;
	return false;
}

uint64_t pulls_next_tick_ns(const struct pulls *pulls)
{
	uint64_t due = pulls->failing_ns ? pulls->failing_ns + IMAGE_WAIT_NS : UINT64_MAX;

	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].due_ns < due)
			due = pulls->recent[i].due_ns;
	if (running_next_tick_ns(pulls) < due)
		due = running_next_tick_ns(pulls);
	return due;
}

/* A blob may be complete long before its image: others are still coming or being unpacked. */
static bool still_working(const struct pulls *pulls, uint64_t now_ns)
{
	for (const struct work *unpack = pulls->unpacks; unpack; unpack = unpack->hh.next)
		if (!unpack->span.to_ns && now_ns - unpack->span.from_ns < UNPACK_MAX_NS)
			return true;
	return pulls_count(pulls) > 0;
}

/*
 * Ingests that ended and that no image claimed, all in one record: their images are not known. While something goes
 * on, only those that are known to have been given up.
 */
static void tell_failed(struct pulls *pulls, bool working, uint64_t now_ns)
{
	struct pull failed = {.record.failed = true};
	struct work *work, *next;

	HASH_ITER (hh, pulls->ingests, work, next) {
		if (!work->span.to_ns || work->claimed || (working && !work->aborted) ||
		    running_of_layer(pulls, work->digest, ""))
			continue;
		span_widen(&failed.record.span, work->span.from_ns, work->span.to_ns);
		failed.record.bytes += work->bytes;
		failed.record.layers++;
		TEXT_COPY(failed.record.digest, work->digest);
		pull_drop_work(&pulls->ingests, work);
	}
	failed.record.download = failed.record.span;
	if (failed.record.layers)
		pull_tell(pulls, &failed, now_ns);
}

void pulls_tick(struct pulls *pulls, uint64_t now_ns)
{
	running_tick(pulls, now_ns);
	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].due_ns > now_ns)
			continue;
		else if (pulls->recent[i].logged)
			pull_tell_logged(pulls, &pulls->recent[i], now_ns);
		else
			pull_tell(pulls, &pulls->recent[i], now_ns);
	if (!pulls->failing_ns || pulls->failing_ns + IMAGE_WAIT_NS > now_ns)
		return;
	bool working = still_working(pulls, now_ns);

	running_fail(pulls, now_ns);
	tell_failed(pulls, working, now_ns);
	pulls->failing_ns = working ? now_ns : 0;
}

uint32_t pulls_count(const struct pulls *pulls)
{
	uint32_t open = 0;

	for (const struct work *work = pulls->ingests; work; work = work->hh.next)
		open += !work->span.to_ns && !work->claimed;
	return open;
}

const struct record_pull *pulls_find(const struct pulls *pulls, const char *image,
				     const char *image_id, uint64_t from_ns, uint64_t to_ns)
{
	const struct record_pull *best = NULL;
	bool best_logged = false;

	for (uint32_t i = 0; i < pulls->count; i++) {
		const struct pull *pull = &pulls->recent[i];

		if (pull->record.span.to_ns > from_ns && pull->record.span.to_ns <= to_ns &&
		    pull_has_name(pull, image, image_id) &&
		    (!best || (best_logged && !pull->logged) ||
		     (best_logged == pull->logged && pull->record.span.to_ns > best->span.to_ns))) {
			best = &pull->record;
			best_logged = pull->logged;
		}
	}
	return best;
}

const struct record_pull *pulls_before(const struct pulls *pulls, uint64_t from_ns, uint64_t to_ns)
{
	const struct record_pull *last = NULL;

	if (running_at(pulls, to_ns))
		return NULL;
	for (uint32_t i = 0; i < pulls->count; i++) {
		const struct span *span = &pulls->recent[i].record.span;

		if (span->from_ns < to_ns && span->to_ns > to_ns)
			return NULL;
		if (span->to_ns > from_ns && span->to_ns <= to_ns &&
		    (!last || span->to_ns > last->span.to_ns))
			last = &pulls->recent[i].record;
	}
	return last;
}
