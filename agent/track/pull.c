/* SPDX-License-Identifier: Apache-2.0 */
#include "track/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"

#define INGESTS_MAX 512
#define UNPACKS_MAX 512
#define PULLS_MAX   64
#define ALIASES_MAX 6

/* Downloads that vanished and whose image did not come within this time have failed. */
#define IMAGE_WAIT_NS (3 * NS_PER_SECOND)
/* One pull announces its image under several names within this time. */
#define ALIAS_WINDOW_NS (10 * NS_PER_SECOND)
/* `ctr pull` announces the image before it unpacks. */
#define UNPACK_WAIT_NS (2 * NS_PER_SECOND)
/* A log that is read tells one pull after the other, those of one image at the same time among them. */
#define LOG_WAIT_NS (500 * NS_PER_MS)
/* An unpack that goes on for longer was given up: containerd 1.x does not tell. */
#define UNPACK_MAX_NS (600 * NS_PER_SECOND)

/* A blob seen in download, or a layer seen in unpack; kept until a pull claims it or it is old. */
struct work {
	char digest[DIGEST_SIZE];
	struct span span; /* to_ns 0: goes on */
	uint64_t bytes;
	UT_hash_handle hh;
};

struct pull {
	struct record_pull record;
	char names[ALIASES_MAX][IMAGE_SIZE];
	uint32_t name_count;
	char image_id[DIGEST_SIZE];
	char top_chain[DIGEST_SIZE];
	uint64_t told_ns; /* 0: waits for its unpack */
	uint64_t due_ns;
	bool logged; /* not seen: containerd logged it */
};

struct pulls {
	record_fn emit;
	void *context;
	struct work *ingests, *unpacks;
	struct pull recent[PULLS_MAX];
	uint32_t next; /* ring position */
	uint32_t count;

	/* layers told so far of the image whose EVENT_IMAGE comes next */
	char layers_image[IMAGE_SIZE];
	struct pull building;
	uint64_t failing_ns; /* first ingest that vanished unclaimed; 0 none */
	uint64_t since_ns;   /* from here on pulls are seen; 0: not yet */
};

struct pulls *pulls_new(record_fn emit, void *context)
{
	struct pulls *pulls = calloc(1, sizeof(*pulls));

	if (pulls) {
		pulls->emit = emit;
		pulls->context = context;
	}
	return pulls;
}

static void drop_work(struct work **table, struct work *work)
{
	HASH_DEL(*table, work);
	free(work);
}

void pulls_free(struct pulls *pulls)
{
	if (!pulls)
		return;
	while (pulls->ingests)
		drop_work(&pulls->ingests, pulls->ingests);
	while (pulls->unpacks)
		drop_work(&pulls->unpacks, pulls->unpacks);
	free(pulls);
}

static struct work *find_work(struct work *table, const char *digest)
{
	struct work *work;

	HASH_FIND_STR(table, digest, work);
	return work;
}

static struct work *get_work(struct work **table, const char *digest, unsigned int max)
{
	struct work *work = find_work(*table, digest);

	if (work || !*digest)
		return work;
	if (HASH_COUNT(*table) >= max)
		drop_work(table, *table); /* uthash keeps insertion order: the oldest */
	work = calloc(1, sizeof(*work));
	if (work) {
		text_copy(work->digest, sizeof(work->digest), digest);
		HASH_ADD_STR(*table, digest, work);
	}
	return work;
}

static void widen(struct span *span, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns && (!span->from_ns || from_ns < span->from_ns))
		span->from_ns = from_ns;
	if (to_ns > span->to_ns)
		span->to_ns = to_ns;
}

static void note_ingest(struct pulls *pulls, const struct event_ingest *ingest, uint64_t boot_ns,
			uint64_t now_ns)
{
	/* one that ends unknown was claimed by its image already */
	struct work *work = ingest->gone ? find_work(pulls->ingests, ingest->digest)
					 : get_work(&pulls->ingests, ingest->digest, INGESTS_MAX);

	if (!work)
		return;
	if (ingest->started_ns)
		work->span.from_ns = ingest->started_ns;
	else if (!work->span.from_ns)
		work->span.from_ns = boot_ns;
	if (ingest->offset > work->bytes)
		work->bytes = ingest->offset;
	work->span.to_ns = ingest->gone ? boot_ns : 0;
	if (ingest->gone)
		pulls->failing_ns = now_ns;
}

static void tell(struct pulls *pulls, struct pull *pull, uint64_t now_ns)
{
	struct record record = {
		.type = RECORD_PULL, .final = true, .boot_ns = pull->record.span.to_ns};

	snprintf(record.key, sizeof(record.key), "%.72s-%llu",
		 *pull->record.digest ? pull->record.digest
		 : pull->logged	      ? pull->image_id
				      : "failed",
		 (unsigned long long)pull->record.span.from_ns);
	TEXT_COPY(record.subject.image, pull->record.image);
	record.pull = pull->record;
	pull->told_ns = now_ns;
	pull->due_ns = UINT64_MAX;
	pulls->emit(pulls->context, &record);
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
		work->span = (struct span){boot_ns, 0};
	else
		work->span.to_ns = boot_ns;
	for (uint32_t i = 0; i < pulls->count; i++) {
		struct pull *pull = &pulls->recent[i];

		if (pull->told_ns || strcmp(pull->top_chain, snapshot->chain) != 0)
			continue;
		pull->due_ns = now_ns + UNPACK_WAIT_NS;
		if (snapshot->step == SNAPSHOT_COMMIT) {
			widen(&pull->record.unpack, work->span.from_ns, boot_ns);
			pull->record.span.to_ns = boot_ns;
			tell(pulls, pull, now_ns);
		}
	}
}

/* Adds one layer to the image being described; what was seen of its download and unpack is used up. */
static void note_layer(struct pulls *pulls, const struct event_layer *layer)
{
	struct pull *pull = &pulls->building;
	struct work *ingest = find_work(pulls->ingests, layer->digest);
	struct work *unpack = find_work(pulls->unpacks, layer->chain);

	if (strcmp(pulls->layers_image, layer->image) != 0 || layer->index == 0) {
		*pull = (struct pull){0};
		TEXT_COPY(pulls->layers_image, layer->image);
	}
	pull->record.layers++;
	TEXT_COPY(pull->top_chain, layer->chain);
	if (ingest) {
		uint64_t end = layer->committed_ns > ingest->span.from_ns ? layer->committed_ns
									  : ingest->span.to_ns;
		widen(&pull->record.download, ingest->span.from_ns, end);
		pull->record.bytes += layer->bytes;
		drop_work(&pulls->ingests, ingest);
	} else if (layer->committed_ns && unpack) {
		/* Too short to be seen in progress: only its end is known. */
		widen(&pull->record.download, 0, layer->committed_ns);
		pull->record.bytes += layer->bytes;
	} else {
		pull->record.layers_present++;
	}
	if (unpack) {
		widen(&pull->record.unpack, unpack->span.from_ns, unpack->span.to_ns);
		if (unpack->span.to_ns)
			drop_work(&pulls->unpacks, unpack);
	}
}

static void add_name(struct pull *pull, const char *name)
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
static struct pull *next_slot(struct pulls *pulls, uint64_t now_ns)
{
	struct pull *slot = &pulls->recent[pulls->next];

	if (slot->due_ns && slot->due_ns != UINT64_MAX)
		tell(pulls, slot, now_ns);
	pulls->next = (pulls->next + 1) % PULLS_MAX;
	if (pulls->count < PULLS_MAX)
		pulls->count++;
	*slot = (struct pull){.due_ns = UINT64_MAX};
	return slot;
}

static void note_image(struct pulls *pulls, const struct event_image *image, uint64_t boot_ns,
		       uint64_t now_ns)
{
	struct pull built = pulls->building;
	struct pull *alias;

	pulls->building = (struct pull){0};
	*pulls->layers_image = '\0';
	if (image->step == IMAGE_DELETE)
		return;
	if ((alias = find_alias(pulls, image, now_ns))) {
		add_name(alias, image->name);
		return;
	}
	/* Nothing of it was downloaded before our eyes: a tag, an import, or there already. */
	if (!built.record.download.to_ns)
		return;

	struct record_pull *record = &built.record;

	if (!record->download.from_ns) { /* none was seen in progress: it began with the manifest */
		record->download.from_ns = image->resolved_ns;
		record->reconstructed = true;
	}
	record->span = record->download;
	widen(&record->span, image->resolved_ns, boot_ns);
	widen(&record->span, record->unpack.from_ns, record->unpack.to_ns);
	TEXT_COPY(record->image, image->name);
	TEXT_COPY(record->digest, image->digest);
	TEXT_COPY(built.image_id, image->image_id);
	add_name(&built, image->name);
	pulls->failing_ns = 0;

	struct pull *slot = next_slot(pulls, now_ns);

	*slot = built;
	slot->due_ns = now_ns + UNPACK_WAIT_NS;
	struct work *top = find_work(pulls->unpacks, slot->top_chain);
	if (slot->record.unpack.to_ns && (!top || top->span.to_ns))
		tell(pulls, slot, now_ns);
}

void pulls_event(struct pulls *pulls, const struct event *event, uint64_t now_ns)
{
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
		note_image(pulls, &event->image, event->boot_ns, now_ns);
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

static bool has_name(const struct pull *pull, const char *image, const char *image_id)
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

static bool same_image(const struct pull *a, const struct pull *b)
{
	if (*a->image_id && *b->image_id)
		return strcmp(a->image_id, b->image_id) == 0;
	for (uint32_t i = 0; i < a->name_count; i++)
		if (has_name(b, a->names[i], ""))
			return true;
	return false;
}

static struct pull *find_before(struct pulls *pulls, const struct pull *pull)
{
	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].record.span.from_ns < pull->record.span.to_ns &&
		    &pulls->recent[i] != pull && same_image(&pulls->recent[i], pull))
			return &pulls->recent[i];
	return NULL;
}

bool pulls_logged(struct pulls *pulls, const struct event *event, uint64_t now_ns)
{
	const struct event_cri_call *call = &event->cri_call;
	struct pull logged = {
		.record = {.reconstructed = true, .span = {call->began_ns, event->boot_ns}},
		.logged = true,
	};
	struct pull *before;

	if (!*call->image || !*call->image_id || !call->began_ns ||
	    call->began_ns >= event->boot_ns)
		return false;
	TEXT_COPY(logged.record.image, call->image);
	TEXT_COPY(logged.image_id, call->image_id);
	add_name(&logged, call->image);
	before = find_before(pulls, &logged);
	if (before) {
		/* two at the same time: the one that asked first may be the one that is told second */
		if (!before->logged || before->told_ns ||
		    before->record.span.from_ns <= call->began_ns)
			return false;
		before->record.span.from_ns = call->began_ns;
		return true;
	}
	/* what ended under our eyes was seen, unless hardly anything was left to do */
	logged.due_ns =
		now_ns +
		(pulls->since_ns && event->boot_ns > pulls->since_ns ? IMAGE_WAIT_NS : LOG_WAIT_NS);
	*next_slot(pulls, now_ns) = logged;
	return true;
}

/* It waited for whether it was seen after all. */
static void tell_logged(struct pulls *pulls, struct pull *pull, uint64_t now_ns)
{
	if (find_before(pulls, pull))
		*pull = (struct pull){.due_ns = UINT64_MAX};
	else
		tell(pulls, pull, now_ns);
}

uint64_t pulls_next_tick_ns(const struct pulls *pulls)
{
	uint64_t due = pulls->failing_ns ? pulls->failing_ns + IMAGE_WAIT_NS : UINT64_MAX;

	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].due_ns < due)
			due = pulls->recent[i].due_ns;
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

/* Ingests that ended and that no image claimed, all in one record: their images are not known. */
static void tell_failed(struct pulls *pulls, uint64_t now_ns)
{
	struct pull failed = {.record.failed = true};
	struct work *work, *next;

	HASH_ITER (hh, pulls->ingests, work, next) {
		if (!work->span.to_ns)
			continue;
		widen(&failed.record.span, work->span.from_ns, work->span.to_ns);
		failed.record.bytes += work->bytes;
		failed.record.layers++;
		TEXT_COPY(failed.record.digest, work->digest);
		drop_work(&pulls->ingests, work);
	}
	failed.record.download = failed.record.span;
	pulls->failing_ns = 0;
	if (failed.record.layers)
		tell(pulls, &failed, now_ns);
}

void pulls_tick(struct pulls *pulls, uint64_t now_ns)
{
	for (uint32_t i = 0; i < pulls->count; i++)
		if (pulls->recent[i].due_ns > now_ns)
			continue;
		else if (pulls->recent[i].logged)
			tell_logged(pulls, &pulls->recent[i], now_ns);
		else
			tell(pulls, &pulls->recent[i], now_ns);
	if (!pulls->failing_ns || pulls->failing_ns + IMAGE_WAIT_NS > now_ns)
		return;
	if (still_working(pulls, now_ns))
		pulls->failing_ns = now_ns;
	else
		tell_failed(pulls, now_ns);
}

uint32_t pulls_count(const struct pulls *pulls)
{
	uint32_t open = 0;

	for (const struct work *work = pulls->ingests; work; work = work->hh.next)
		open += !work->span.to_ns;
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
		    has_name(pull, image, image_id) &&
		    (!best || (best_logged && !pull->logged) ||
		     (best_logged == pull->logged && pull->record.span.to_ns > best->span.to_ns))) {
			best = &pull->record;
			best_logged = pull->logged;
		}
	}
	return best;
}
