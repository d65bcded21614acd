// SPDX-License-Identifier: Apache-2.0
/*
 * Pulls that go on: told every few seconds, not final, with how much has come and how long the rest will take. One
 * that is over in less than that is told once, when it is ready.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/pod.h"
#include "track/pull/pull_private.h"

#define TELL_NS	      (3 * NS_PER_SECOND)
#define TELL_LATER_NS (10 * NS_PER_SECOND)
#define SHORT_NS      (60 * NS_PER_SECOND)
/* Longer than between two looks at a download. */
#define STANDS_STILL_NS (1500 * NS_PER_MS)
/* Nothing of it has moved for so long: given up, and nobody said so. */
#define SILENT_NS (600 * NS_PER_SECOND)
/* Failures further apart are not of the same try. */
#define IN_A_ROW_NS (3600 * NS_PER_SECOND)

static void clear(struct running *running)
{
	free(running->layers);
	*running = (struct running){0};
}

void running_clear(struct pulls *pulls)
{
	for (size_t i = 0; i < RUNNING_MAX; i++)
		clear(&pulls->running[i]);
}

static struct running *find(struct pulls *pulls, const char *image_id)
{
	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (*pulls->running[i].name && strcmp(pulls->running[i].image_id, image_id) == 0)
			return &pulls->running[i];
	return NULL;
}

/* A free one, else the one that has moved least lately. */
static struct running *slot(struct pulls *pulls)
{
	struct running *oldest = &pulls->running[0];

	for (size_t i = 0; i < RUNNING_MAX; i++) {
		if (!*pulls->running[i].name)
			return &pulls->running[i];
		if (pulls->running[i].touched_ns < oldest->touched_ns)
			oldest = &pulls->running[i];
	}
	clear(oldest);
	return oldest;
}

static struct failed *find_failed(struct pulls *pulls, const char *image_id)
{
	for (size_t i = 0; i < FAILED_MAX; i++)
		if (*image_id && strcmp(pulls->failed[i].image_id, image_id) == 0)
			return &pulls->failed[i];
	return NULL;
}

static void note_layers(struct running *running, const struct parts *parts)
{
	running->layer_count = parts->count;
	for (uint32_t i = 0; i < parts->count; i++) {
		const struct event_layer *told = &parts->all[i].told;

		TEXT_COPY(running->layers[i].digest, told->digest);
		running->layers[i].bytes = told->bytes;
		running->layers[i].present =
			told->committed_ns && told->committed_ns < running->resolved_ns;
		running->layers[i].done =
			told->committed_ns >= running->resolved_ns && told->committed_ns;
	}
}

void running_begin(struct pulls *pulls, const struct event_image *image, uint64_t now_ns)
{
	const struct failed *failed = find_failed(pulls, image->image_id);
	struct running *running;

	if (!*image->name || !*image->image_id || !image->resolved_ns || !pulls->parts.count ||
	    find(pulls, image->image_id))
		return;
	running = slot(pulls);
	running->layers = calloc(pulls->parts.count, sizeof(*running->layers));
	if (!running->layers)
		return;
	TEXT_COPY(running->name, image->name);
	TEXT_COPY(running->registry, image->registry);
	TEXT_COPY(running->manifest, image->digest);
	TEXT_COPY(running->image_id, image->image_id);
	running->resolved_ns = running->began_ns = image->resolved_ns;
	if (failed && failed->last_ns > running->began_ns) /* its manifest was kept */
		running->began_ns = now_ns;
	running->touched_ns = now_ns;
	running->next_ns = running->began_ns + TELL_NS;
	/* seconds, since an agent that is started anew finds the same beginning to the ms only */
	snprintf(running->key, sizeof(running->key), "%.72s-%llu", running->manifest,
		 (unsigned long long)(running->began_ns / NS_PER_SECOND * NS_PER_SECOND));
	note_layers(running, &pulls->parts);
}

static bool has_layer(const struct running *running, const char *digest)
{
	for (uint32_t i = 0; i < running->layer_count; i++)
		if (strcmp(running->layers[i].digest, digest) == 0)
			return true;
	return false;
}

void running_touch(struct pulls *pulls, const char *layer, uint64_t now_ns)
{
	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (*pulls->running[i].name && (!layer || has_layer(&pulls->running[i], layer)))
			pulls->running[i].touched_ns = now_ns;
}

const struct running *running_of_layer(const struct pulls *pulls, const char *layer,
				       const char *image_id)
{
	const struct running *first = NULL;

	for (size_t i = 0; i < RUNNING_MAX; i++) {
		const struct running *running = &pulls->running[i];

		if (*running->name && strcmp(running->image_id, image_id) != 0 &&
		    has_layer(running, layer) &&
		    (!first || running->resolved_ns < first->resolved_ns))
			first = running;
	}
	return first;
}

void running_end(struct pulls *pulls, struct pull *pull, uint64_t now_ns)
{
	struct running *running = find(pulls, pull->image_id);
	struct failed *failed = find_failed(pulls, pull->image_id);

	if (running) {
		TEXT_COPY(pull->key, running->key);
		clear(running);
	}
	if (!failed)
		return;
	if (now_ns - failed->last_ns < IN_A_ROW_NS)
		pull->record.anatomy.failures = failed->count;
	*failed = (struct failed){0};
}

/* Where one layer of it has got. */
struct progress {
	uint64_t bytes, total;
	uint32_t present, open;
	uint64_t seen_ns; /* when so much had come */
	struct span download;
	bool aborted;
};

/*
 * containerd begins with the layers in their order (Dispatch in images/handlers.go): one that was never seen before one
 * that was has come and gone between two looks.
 */
static void measure(const struct pulls *pulls, const struct running *running, struct progress *ret)
{
	bool later = false;

	*ret = (struct progress){0};
	for (uint32_t i = running->layer_count; i-- > 0;) {
		const struct running_layer *layer = &running->layers[i];
		const struct work *work = pull_find_work(pulls->ingests, layer->digest);
		bool seen = work && (!work->span.to_ns || work->span.to_ns > running->began_ns);

		if (layer->present) {
			ret->present++;
			continue;
		}
		ret->total += layer->bytes;
		if (seen && !work->span.to_ns) {
			ret->open++;
			ret->bytes += work->bytes < layer->bytes ? work->bytes : layer->bytes;
		} else if (seen && work->aborted) {
			ret->aborted = true;
			ret->bytes += work->bytes;
		} else if (seen || layer->done || later) {
			ret->bytes += layer->bytes;
		}
		if (seen && work->seen_ns > ret->seen_ns)
			ret->seen_ns = work->seen_ns;
		if (seen)
			span_widen(&ret->download, work->span.from_ns, work->span.to_ns);
		later |= seen || layer->done;
	}
}

static void describe(const struct running *running, const struct progress *progress,
		     struct record *ret)
{
	*ret = (struct record){.type = RECORD_PULL};
	TEXT_COPY(ret->key, running->key);
	TEXT_COPY(ret->subject.image, running->name);
	TEXT_COPY(ret->pull.image, running->name);
	TEXT_COPY(ret->pull.digest, running->manifest);
	TEXT_COPY(ret->pull.anatomy.registry, running->registry);
	ret->pull.bytes = progress->bytes;
	ret->pull.total_bytes = progress->total;
	ret->pull.layers = running->layer_count;
	ret->pull.layers_present = progress->present;
	ret->pull.download = progress->download;
}

/* Over what was told before the last time, so that one slow moment does not decide; at first since it began. */
static void foretell(const struct running *running, uint64_t at_ns, struct record_pull *ret)
{
	uint64_t from_ns = running->before[1].boot_ns ?: ret->download.from_ns;
	uint64_t came =
		ret->bytes -
		(running->before[1].bytes < ret->bytes ? running->before[1].bytes : ret->bytes);

	if (!from_ns || from_ns >= at_ns)
		return;
	ret->bytes_per_s = (uint64_t)((double)came * NS_PER_SECOND / (double)(at_ns - from_ns));
	if (ret->bytes_per_s && ret->total_bytes > ret->bytes)
		ret->left_ns = (uint64_t)((double)(ret->total_bytes - ret->bytes) * NS_PER_SECOND /
					  (double)ret->bytes_per_s);
}

/* A layer that comes for another pull, which knew its layers before this one did. */
static void note_waiting(const struct pulls *pulls, const struct running *running, uint64_t now_ns,
			 struct pull_anatomy *ret)
{
	for (uint32_t i = 0; i < running->layer_count; i++) {
		const char *digest = running->layers[i].digest;
		const struct work *work = pull_find_work(pulls->ingests, digest);
		const struct running *other =
			work && !work->span.to_ns && work->span.from_ns < running->resolved_ns
				? running_of_layer(pulls, digest, running->image_id)
				: NULL;

		if (!other || other->resolved_ns > work->span.from_ns)
			continue;
		ret->waited = (struct span){running->resolved_ns, now_ns};
		TEXT_COPY(ret->shared_with, other->name);
		TEXT_COPY(ret->shared_layer, digest);
		return;
	}
}

static void name_pod(const struct pulls *pulls, struct subject *subject)
{
	const struct pod_waiting *waiting = pods_waiting_find(&pulls->waiting, subject->image);
	const struct pod *pod =
		waiting && pulls->pods ? pods_find(pulls->pods, waiting->pod_uid) : NULL;
	struct subject named;

	if (!pod)
		return;
	named = pod->subject;
	TEXT_COPY(named.image, subject->image);
	TEXT_COPY(named.container, waiting->container);
	*subject = named;
}

static void tell(struct pulls *pulls, struct running *running, uint64_t now_ns)
{
	struct progress progress;
	struct record record;

	running->next_ns =
		now_ns + (now_ns - running->began_ns < SHORT_NS ? TELL_NS : TELL_LATER_NS);
	measure(pulls, running, &progress);
	if (progress.aborted && !progress.open) /* it has failed, as will be told */
		return;
	describe(running, &progress, &record);
	record.boot_ns = now_ns;
	record.pull.span = (struct span){running->began_ns, now_ns};
	if (progress.open)
		record.pull.download.to_ns = now_ns;
	record.pull.anatomy.parallel = progress.open;
	/* what stands still is not told: then it has come slower until now */
	uint64_t at_ns = progress.seen_ns + STANDS_STILL_NS < now_ns ? now_ns : progress.seen_ns;

	foretell(running, at_ns, &record.pull);
	note_waiting(pulls, running, now_ns, &record.pull.anatomy);
	name_pod(pulls, &record.subject);
	running->before[1] = running->before[0];
	running->before[0].boot_ns = at_ns;
	running->before[0].bytes = progress.bytes;
	pulls->emit(pulls->context, &record);
}

static void note_failed(struct pulls *pulls, const struct running *running, uint64_t at_ns)
{
	struct failed *failed = find_failed(pulls, running->image_id);

	if (!failed) {
		failed = &pulls->failed[pulls->next_failed++ % FAILED_MAX];
		*failed = (struct failed){0};
		TEXT_COPY(failed->image_id, running->image_id);
	}
	failed->count = at_ns - failed->last_ns < IN_A_ROW_NS ? failed->count + 1 : 1;
	failed->last_ns = at_ns;
}

/* What it had fetched goes with it, but for layers that another waits for. */
static void drop_layers(struct pulls *pulls, const struct running *running)
{
	for (uint32_t i = 0; i < running->layer_count; i++) {
		const char *digest = running->layers[i].digest;
		struct work *work = pull_find_work(pulls->ingests, digest);

		if (work && !work->claimed && work->span.to_ns &&
		    !running_of_layer(pulls, digest, running->image_id))
			pull_drop_work(&pulls->ingests, work);
	}
}

static void fail(struct pulls *pulls, struct running *running, uint64_t end_ns)
{
	struct progress progress;
	struct record record;

	measure(pulls, running, &progress);
	describe(running, &progress, &record);
	record.final = record.pull.failed = true;
	record.pull.span = (struct span){running->began_ns, end_ns};
	record.boot_ns = end_ns;
	note_failed(pulls, running, end_ns);
	drop_layers(pulls, running);
	clear(running);
	pulls->emit(pulls->context, &record);
}

void running_fail(struct pulls *pulls, uint64_t now_ns)
{
	for (size_t i = 0; i < RUNNING_MAX; i++) {
		struct running *running = &pulls->running[i];
		struct progress progress;

		if (!*running->name)
			continue;
		measure(pulls, running, &progress);
		if (progress.aborted && !progress.open && progress.download.to_ns)
			fail(pulls, running, progress.download.to_ns);
		else if (running->touched_ns + SILENT_NS <= now_ns)
			fail(pulls, running, running->touched_ns);
	}
}

bool running_at(const struct pulls *pulls, uint64_t boot_ns)
{
	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (*pulls->running[i].name && pulls->running[i].began_ns < boot_ns)
			return true;
	return false;
}

uint64_t running_next_tick_ns(const struct pulls *pulls)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (*pulls->running[i].name && pulls->running[i].next_ns < due_ns)
			due_ns = pulls->running[i].next_ns;
	return due_ns;
}

void running_tick(struct pulls *pulls, uint64_t now_ns)
{
	for (size_t i = 0; i < RUNNING_MAX; i++)
		if (*pulls->running[i].name && pulls->running[i].next_ns <= now_ns) {
			if (pulls->running[i].touched_ns + SILENT_NS <= now_ns)
				fail(pulls, &pulls->running[i], pulls->running[i].touched_ns);
			else
				tell(pulls, &pulls->running[i], now_ns);
		}
}
