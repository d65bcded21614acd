// SPDX-License-Identifier: Apache-2.0
/*
 * Layer by layer: who fetched it, when, and when it was unpacked.
 *
 * containerd fetches a layer once, whoever asks for it first. A pull that knew its layers only after the download had
 * begun has waited for another's; of two that both knew before, either may have asked first.
 *
 * The snapshot of a layer is prepared when its turn comes, which on containerd 1.x is before it has come: its unpack
 * begins when the blob is complete.
 */
#include <string.h>

#include "base/text.h"
#include "track/pull/pull_private.h"

void span_widen(struct span *span, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns && (!span->from_ns || from_ns < span->from_ns))
		span->from_ns = from_ns;
	if (to_ns > span->to_ns)
		span->to_ns = to_ns;
}

struct span span_overlap(struct span one, struct span other)
{
	struct span both = {one.from_ns > other.from_ns ? one.from_ns : other.from_ns,
			    one.to_ns < other.to_ns ? one.to_ns : other.to_ns};

	return both.from_ns < both.to_ns ? both : (struct span){0};
}

static void claim(struct work *work, const struct event_image *image, uint64_t end_ns)
{
	work->claimed = true;
	/* its end may not have been seen so far */
	work->span.to_ns = end_ns > work->span.from_ns ? end_ns : work->span.from_ns;
	work->owner_resolved_ns = image->resolved_ns;
	TEXT_COPY(work->owner, image->name);
}

static void make_present(struct part *part)
{
	part->origin = LAYER_PRESENT;
	part->download = (struct span){0};
	part->other = NULL;
}

/* It has, or had, another pull that wants the layer too. Returns false if this one can't have fetched it. */
static bool weigh(struct part *part, const struct event_image *image, uint64_t began_ns,
		  uint64_t other_resolved_ns, const char *other)
{
	part->other = other;
	part->origin = image->resolved_ns <= began_ns && other_resolved_ns <= began_ns
			       ? LAYER_SHARED
		       : image->resolved_ns <= began_ns ? LAYER_FETCHED
							: LAYER_WAITED;
	if (part->origin == LAYER_FETCHED)
		part->other = NULL;
	if (part->origin != LAYER_WAITED)
		return true;
	part->download.from_ns = image->resolved_ns;
	if (part->download.to_ns && part->download.to_ns <= image->resolved_ns) /* no wait */
		make_present(part);
	return false;
}

static void download(struct pulls *pulls, struct part *part, const struct event_image *image)
{
	const struct event_layer *layer = &part->told;
	struct work *work = pull_find_work(pulls->ingests, layer->digest);
	const struct work *unpack = pull_find_work(pulls->unpacks, layer->chain);

	if (!work) {
		/* Too short to be seen in progress: only its end is known. */
		part->origin = layer->committed_ns && unpack && !unpack->claimed ? LAYER_FETCHED
										 : LAYER_PRESENT;
		if (part->origin == LAYER_FETCHED)
			part->download.to_ns = layer->committed_ns;
		return;
	}
	part->download = (struct span){work->span.from_ns, layer->committed_ns > work->span.from_ns
								   ? layer->committed_ns
								   : work->span.to_ns};
	if (work->claimed) {
		if (part->download.to_ns <= image->resolved_ns)
			make_present(part);
		else
			weigh(part, image, work->span.from_ns, work->owner_resolved_ns,
			      work->owner);
		return;
	}
	const struct running *other = running_of_layer(pulls, layer->digest, image->image_id);

	part->origin = LAYER_FETCHED;
	if (!other || weigh(part, image, work->span.from_ns, other->resolved_ns, other->name))
		claim(work, image, part->download.to_ns ?: image->resolved_ns);
}

static void unpack(struct pulls *pulls, struct part *part, const struct event_image *image,
		   uint64_t ready_ns)
{
	struct work *work = pull_find_work(pulls->unpacks, part->told.chain);

	if (!work)
		return;
	if (work->span.to_ns) {
		part->unpack = work->span;
		if (part->told.committed_ns > part->unpack.from_ns)
			part->unpack.from_ns = part->told.committed_ns;
		if (part->unpack.from_ns > part->unpack.to_ns)
			part->unpack.from_ns = part->unpack.to_ns;
	}
	if (work->claimed)
		part->unpack =
			span_overlap(part->unpack, (struct span){image->resolved_ns, ready_ns});
	else if (work->span.to_ns)
		claim(work, image, work->span.to_ns);
}

/* Time in which at least one of the spans was open. */
static uint64_t joined(const struct span *spans, uint32_t count)
{
	uint64_t sum = 0, at_ns = 0;

	for (;;) { /* the next that ends after what was counted, by its beginning */
		const struct span *next = NULL;

		for (uint32_t i = 0; i < count; i++)
			if (spans[i].to_ns > at_ns && span_seen(spans[i]) &&
			    (!next || spans[i].from_ns < next->from_ns))
				next = &spans[i];
		if (!next)
			return sum;
		sum += next->to_ns - (next->from_ns > at_ns ? next->from_ns : at_ns);
		at_ns = next->to_ns;
	}
}

static bool was_coming(const struct part *part, uint64_t at_ns)
{
	return (part->origin == LAYER_FETCHED || part->origin == LAYER_SHARED) &&
	       span_seen(part->download) && part->download.from_ns <= at_ns &&
	       part->download.to_ns > at_ns;
}

static uint32_t at_once(const struct parts *parts)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < parts->count; i++) {
		uint32_t open = 0;

		for (uint32_t j = 0; j < parts->count; j++)
			open += was_coming(&parts->all[j], parts->all[i].download.from_ns);
		if (open > most)
			most = open;
	}
	return most;
}

static uint64_t weight(const struct part *part)
{
	return span_seen(part->download) + span_seen(part->unpack);
}

/* The longest ones; of equal ones the first. */
static void keep_layers(const struct parts *parts, struct pull_anatomy *anatomy)
{
	for (uint32_t i = 0; i < parts->count; i++) {
		const struct part *part = &parts->all[i];
		uint32_t longer = 0;

		for (uint32_t j = 0; j < parts->count; j++)
			longer += weight(&parts->all[j]) > weight(part) ||
				  (j < i && weight(&parts->all[j]) == weight(part));
		if (longer >= PULL_LAYERS_MAX)
			continue;
		struct pull_layer *layer = &anatomy->layers[anatomy->layer_count++];

		*layer = (struct pull_layer){
			.origin = part->origin,
			.bytes = part->told.bytes,
			.unpacked_bytes = part->told.unpacked_bytes,
			.unpacked_files = part->told.unpacked_files,
			.download = part->download,
			.unpack = part->unpack,
		};
		TEXT_COPY(layer->digest, part->told.digest);
	}
}

static void note_shared(const struct part *part, struct pull_anatomy *anatomy, uint64_t *longest)
{
	uint64_t length = span_seen(part->download);

	if (part->origin == LAYER_WAITED)
		span_widen(&anatomy->waited, part->download.from_ns, part->download.to_ns);
	if (!part->other || length < *longest)
		return;
	*longest = length;
	TEXT_COPY(anatomy->shared_with, part->other);
	TEXT_COPY(anatomy->shared_layer, part->told.digest);
}

static void sum_up(const struct parts *parts, uint64_t resolved_ns, struct pull *pull)
{
	struct record_pull *record = &pull->record;
	struct pull_anatomy *anatomy = &record->anatomy;
	struct span downloads[PARTS_MAX], fetched[PARTS_MAX], unpacks[PARTS_MAX];
	uint64_t longest = 0;

	anatomy->parallel = at_once(parts);
	for (uint32_t i = 0; i < parts->count; i++) {
		const struct part *part = &parts->all[i];
		bool own = part->origin == LAYER_FETCHED || part->origin == LAYER_SHARED;

		record->layers++;
		record->layers_present += part->origin == LAYER_PRESENT;
		record->bytes += own ? part->told.bytes : 0;
		downloads[i] = part->download;
		unpacks[i] = part->unpack;
		span_widen(&record->download, part->download.from_ns, part->download.to_ns);
		span_widen(&record->unpack, part->unpack.from_ns, part->unpack.to_ns);
		/* one whose beginning was not seen had been asked for when the layers were known */
		if (downloads[i].to_ns && !downloads[i].from_ns)
			downloads[i].from_ns = resolved_ns;
		fetched[i] = own ? downloads[i] : (struct span){0};
		span_widen(&pull->fetched, fetched[i].from_ns, fetched[i].to_ns);
		if (span_seen(part->unpack)) {
			anatomy->unpacked_bytes += part->told.unpacked_bytes;
			anatomy->unpacked_files += part->told.unpacked_files;
		}
		note_shared(part, anatomy, &longest);
	}
	anatomy->download_ns = joined(downloads, parts->count);
	anatomy->unpack_ns = joined(unpacks, parts->count);
	anatomy->fetch_ns = joined(fetched, parts->count);
}

/* One for all that it fetched and that were looked at. */
static void name_peer(struct pulls *pulls, struct pull_anatomy *anatomy)
{
	for (uint32_t i = 0; i < pulls->parts.count; i++) {
		const struct part *part = &pulls->parts.all[i];
		const struct work *work = pull_find_work(pulls->ingests, part->told.digest);

		if (!work || !*work->peer ||
		    (part->origin != LAYER_FETCHED && part->origin != LAYER_SHARED))
			continue;
		if (work->several_peers ||
		    (*anatomy->peer && (anatomy->peer_port != work->peer_port ||
					strcmp(anatomy->peer, work->peer) != 0))) {
			*anatomy->peer = '\0';
			anatomy->peer_port = 0;
			return;
		}
		TEXT_COPY(anatomy->peer, work->peer);
		anatomy->peer_port = work->peer_port;
	}
}

/* The label's host and the name's are the same, but only the name has the port. */
static void name_registry(const struct event_image *image, struct pull_anatomy *anatomy)
{
	size_t length = strcspn(image->name, "/");

	TEXT_COPY(anatomy->registry, image->registry);
	if (*image->registry && image->name[length] &&
	    strncmp(image->name, image->registry, strlen(image->registry)) == 0)
		text_copy_n(anatomy->registry, sizeof(anatomy->registry), image->name, length);
}

void pull_layers(struct pulls *pulls, const struct event_image *image, uint64_t ready_ns,
		 struct pull *ret)
{
	struct parts *parts = &pulls->parts;

	for (uint32_t i = 0; i < parts->count; i++) {
		struct part *part = &parts->all[i];

		part->origin = LAYER_NONE;
		part->download = part->unpack = (struct span){0};
		part->other = NULL;
		download(pulls, part, image);
		unpack(pulls, part, image, ready_ns);
		TEXT_COPY(ret->top_chain, part->told.chain);
	}
	sum_up(parts, image->resolved_ns, ret);
	keep_layers(parts, &ret->record.anatomy);
	name_registry(image, &ret->record.anatomy);
	name_peer(pulls, &ret->record.anatomy);
}

static void weigh_link(struct pull_anatomy *anatomy, struct span own, struct span other,
		       const char *name)
{
	struct span both = span_overlap(own, other);

	if (span_seen(both) <= span_seen(anatomy->link))
		return;
	anatomy->link = both;
	TEXT_COPY(anatomy->link_with, name);
}

void pull_link(const struct pulls *pulls, struct pull *pull)
{
	struct span own = pull->fetched;

	for (uint32_t i = 0; i < pulls->count; i++) {
		const struct pull *other = &pulls->recent[i];

		if (other != pull && strcmp(other->image_id, pull->image_id) != 0)
			weigh_link(&pull->record.anatomy, own, other->fetched, other->record.image);
	}
	for (size_t i = 0; i < RUNNING_MAX; i++) {
		const struct running *other = &pulls->running[i];
		struct span span = {0};

		if (!*other->name || strcmp(other->image_id, pull->image_id) == 0)
			continue;
		for (uint32_t j = 0; j < other->layer_count; j++) {
			const struct work *work =
				pull_find_work(pulls->ingests, other->layers[j].digest);

			/* what began before it knew its layers comes for another */
			if (work && !work->claimed && work->span.from_ns >= other->resolved_ns)
				span_widen(&span, work->span.from_ns,
					   work->span.to_ns ? work->span.to_ns : own.to_ns);
		}
		weigh_link(&pull->record.anatomy, own, span, other->name);
	}
}
