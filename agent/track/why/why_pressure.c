/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/why_pressure.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Between two samples that are farther apart than this, and than a quarter of their age, nobody looked. */
#define APART_NS (3 * NS_PER_SECOND)

/* The inner sample that is missed least. */
static uint32_t least_missed(const struct pressure_series *series)
{
	uint64_t newest_ns = series->at_ns[series->count - 1];
	uint32_t found = 1;
	double least = 0;

	for (uint32_t i = 1; i + 1 < series->count; i++) {
		double gap = (double)(series->at_ns[i + 1] - series->at_ns[i - 1]);
		double missed = gap / (double)(newest_ns - series->at_ns[i] + NS_PER_SECOND);

		if (i == 1 || missed < least) {
			least = missed;
			found = i;
		}
	}
	return found;
}

/* Returns the sample that had to go, PRESSURE_SAMPLES if there was room. */
static uint32_t add(struct pressure_series *series, const struct event *event)
{
	uint32_t gone = PRESSURE_SAMPLES;

	if (series->count == PRESSURE_SAMPLES) {
		gone = least_missed(series);
		series->count--;
		memmove(series->at_ns + gone, series->at_ns + gone + 1,
			(series->count - gone) * sizeof(*series->at_ns));
		memmove(series->times + gone, series->times + gone + 1,
			(series->count - gone) * sizeof(*series->times));
	}
	series->at_ns[series->count] = event->boot_ns;
	series->times[series->count++] = event->pressure.times;
	return gone;
}

static bool follows(const struct pressure_series *series, uint64_t at_ns)
{
	return !series->count || at_ns > series->at_ns[series->count - 1];
}

static void note_node(struct pressures *pressures, const struct event *event)
{
	const struct event_pressure *told = &event->pressure;
	struct node_sample *more = pressures->more;
	uint32_t gone = add(&pressures->node, event), last = pressures->node.count - 1;

	if (gone < PRESSURE_SAMPLES) {
		struct node_sample *next = &more[gone + 1];

		if (more[gone].memory_available_bytes < next->memory_available_bytes)
			next->memory_available_bytes = more[gone].memory_available_bytes;
		memmove(more + gone, next, (last - gone) * sizeof(*more));
	}
	more[last] = (struct node_sample){
		.counted = told->counted,
		.memory_total_bytes = told->memory_total_bytes,
		.memory_available_bytes = told->memory_available_bytes,
		.disk_count = told->disk_count < PRESSURE_DISKS_MAX ? told->disk_count
								    : PRESSURE_DISKS_MAX,
	};
	memcpy(more[last].disks, told->disks, sizeof(more[last].disks));
}

static struct pressure_series *find_pod(const struct pressures *pressures, const char *pod_uid)
{
	for (uint32_t i = 0; i < pressures->pod_count; i++)
		if (strcmp(pressures->pods[i]->pod_uid, pod_uid) == 0)
			return pressures->pods[i];
	return NULL;
}

/* A pod that begins takes the place of the one that began first. */
static struct pressure_series *get_pod(struct pressures *pressures, const char *pod_uid)
{
	struct pressure_series *series = find_pod(pressures, pod_uid);

	if (series)
		return series;
	series = calloc(1, sizeof(*series));
	if (!series)
		return NULL;
	if (pressures->pod_count == PRESSURE_PODS_MAX) {
		free(pressures->pods[0]);
		memmove(pressures->pods, pressures->pods + 1,
			--pressures->pod_count * sizeof(*pressures->pods));
	}
	TEXT_COPY(series->pod_uid, pod_uid);
	pressures->pods[pressures->pod_count++] = series;
	return series;
}

void why_pressure_note(struct pressures *pressures, const struct event *event)
{
	const char *pod_uid = event->pressure.pod_uid;

	if (!*pod_uid) {
		if (follows(&pressures->node, event->boot_ns))
			note_node(pressures, event);
		return;
	}
	struct pressure_series *pod = get_pod(pressures, pod_uid);

	if (pod && follows(pod, event->boot_ns))
		add(pod, event);
}

void why_pressure_clear(struct pressures *pressures)
{
	while (pressures->pod_count)
		free(pressures->pods[--pressures->pod_count]);
	pressures->node.count = 0;
}

/* A moment between two samples: `after` is the later one's index, part how far it is on the way there. */
struct place {
	uint32_t after;
	double part;
};

/*
 * What can be told of span: from where samples were near to where they were. False where there are none. ret_x are
 * the places of ret_span's borders.
 */
static bool find_span(const struct pressure_series *series, struct span span, struct span *ret_span,
		      struct place *ret_from, struct place *ret_to)
{
	struct span found = {0};
	uint64_t newest_ns = series->count ? series->at_ns[series->count - 1] : 0;

	for (uint32_t i = 1; i < series->count; i++) {
		uint64_t before_ns = series->at_ns[i - 1], after_ns = series->at_ns[i];
		uint64_t apart_ns = after_ns - before_ns;
		struct span inside = {before_ns > span.from_ns ? before_ns : span.from_ns,
				      after_ns < span.to_ns ? after_ns : span.to_ns};

		if (inside.from_ns >= inside.to_ns)
			continue;
		if (apart_ns > APART_NS && apart_ns > (newest_ns - before_ns) / 4) {
			found = (struct span){0}; /* what is behind the break counts */
			continue;
		}
		if (!found.from_ns) {
			found.from_ns = inside.from_ns;
			*ret_from = (struct place){i, (double)(inside.from_ns - before_ns) /
							      (double)apart_ns};
		}
		found.to_ns = inside.to_ns;
		*ret_to = (struct place){i, (double)(inside.to_ns - before_ns) / (double)apart_ns};
	}
	*ret_span = found;
	return found.from_ns != 0;
}

static double between(uint64_t before, uint64_t after, double part)
{
	return (double)before + (after > before ? (double)(after - before) * part : 0);
}

static uint64_t grown(double from, double to)
{
	return to > from ? (uint64_t)(to - from + 0.5) : 0;
}

static struct pressure_times difference(const struct pressure_series *series, struct place from,
					struct place to)
{
	const struct pressure_times *t = series->times;
	struct pressure_times times;

#define GROWN(field)                                                                          \
	times.field = grown(between(t[from.after - 1].field, t[from.after].field, from.part), \
			    between(t[to.after - 1].field, t[to.after].field, to.part))
	GROWN(cpu_some_ns);
	GROWN(io_some_ns);
	GROWN(io_full_ns);
	GROWN(memory_some_ns);
	GROWN(memory_full_ns);
#undef GROWN
	return times;
}

static const struct disk_load *find_disk(const struct node_sample *sample, const char *name)
{
	for (uint32_t i = 0; i < sample->disk_count; i++)
		if (strcmp(sample->disks[i].name, name) == 0)
			return &sample->disks[i];
	return NULL;
}

/* What it did between the two places. False where it was not told at all four samples around them. */
static bool disk_difference(const struct node_sample *more, struct place from, struct place to,
			    const char *name, struct disk_load *ret)
{
	const struct disk_load *a = find_disk(&more[from.after - 1], name);
	const struct disk_load *b = find_disk(&more[from.after], name);
	const struct disk_load *c = find_disk(&more[to.after - 1], name);
	const struct disk_load *d = find_disk(&more[to.after], name);

	if (!a || !b || !c || !d)
		return false;
#define GROWN(field)                                               \
	ret->field = grown(between(a->field, b->field, from.part), \
			   between(c->field, d->field, to.part))
	GROWN(requests);
	GROWN(busy_ns);
	GROWN(queue_ns);
#undef GROWN
	return true;
}

static void fill_disk(const struct node_sample *more, struct place from, struct place to,
		      struct start_pressure *ret)
{
	const struct node_sample *last = &more[to.after];
	uint64_t length_ns = ret->span.to_ns - ret->span.from_ns, busiest_ns = 0;
	struct disk_load load;

	for (uint32_t i = 0; i < last->disk_count; i++) {
		if (!disk_difference(more, from, to, last->disks[i].name, &load) ||
		    load.busy_ns <= busiest_ns)
			continue;
		busiest_ns = load.busy_ns;
		uint64_t percent = load.busy_ns * 100 / length_ns;

		TEXT_COPY(ret->disk, last->disks[i].name);
		ret->disk_busy_percent = percent < 100 ? (uint32_t)percent : 100;
		ret->disk_queue_tenths = (uint32_t)(load.queue_ns * 10 / length_ns);
		ret->disk_latency_ns = load.requests ? load.queue_ns / load.requests : 0;
	}
}

static void fill_memory(const struct node_sample *more, struct place from, struct place to,
			struct start_pressure *ret)
{
	for (uint32_t i = from.after; i <= to.after; i++) {
		if (!more[i].memory_total_bytes)
			continue;
		if (!ret->memory_total_bytes ||
		    more[i].memory_available_bytes < ret->memory_available_bytes)
			ret->memory_available_bytes = more[i].memory_available_bytes;
		ret->memory_total_bytes = more[i].memory_total_bytes;
	}
}

/* From the exec to the end; all 0 where it was not executed before our eyes, or nothing ended it. */
static struct span program_span(const struct record_start *start)
{
	struct span span = {0};

	for (uint32_t i = 0; i < start->phase_count; i++) {
		if (start->phases[i].phase != PHASE_APP && start->phases[i].phase != PHASE_PROBE)
			continue;
		if (!span.from_ns)
			span.from_ns = start->phases[i].span.from_ns;
		span.to_ns = start->phases[i].span.to_ns;
	}
	return span;
}

/* A pod's cgroup is younger than the pod: half of the span is enough. */
static void fill_pod(const struct pressure_series *pod, struct start_pressure *ret)
{
	struct place from, to;
	struct span span;

	if (!pod || !find_span(pod, ret->span, &span, &from, &to) ||
	    span_length(span) * 2 < span_length(ret->span))
		return;
	ret->pod_measured = true;
	ret->pod = difference(pod, from, to);
}

void why_pressure_fill(const struct pressures *pressures, const char *pod_uid,
		       struct record_start *start)
{
	const struct pressure_series *node = &pressures->node;
	struct start_pressure told = {0};
	struct span program = program_span(start), span;
	struct place from, to;

	if (!find_span(node, start->span, &told.span, &from, &to))
		return;
	if (span_length(program) * 2 >= span_length(told.span)) {
		struct place first, last;

		if (find_span(node, program, &span, &first, &last)) {
			told.span = span;
			from = first;
			to = last;
		}
	}
	told.measured =
		pressures->more[from.after - 1].counted && pressures->more[to.after].counted;
	if (told.measured)
		told.node = difference(node, from, to);
	fill_memory(pressures->more, from, to, &told);
	fill_disk(pressures->more, from, to, &told);
	fill_pod(find_pod(pressures, pod_uid), &told);
	start->why.pressure = told;
}
