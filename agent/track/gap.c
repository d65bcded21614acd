/* SPDX-License-Identifier: Apache-2.0 */
#include "track/gap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define OPEN_MAX 32
/* Losses of one cause that follow each other within this time are one gap. */
#define QUIET_NS (10 * NS_PER_SECOND)

struct open_gap {
	bool used;
	bool until_up; /* ends when the source is up again, else when it is quiet */
	enum source_kind source;
	uint64_t due_ns;
	struct record_gap record;
};

struct gaps {
	record_fn emit;
	void *context;
	bool up[SOURCE_KIND_COUNT];
	struct open_gap open[OPEN_MAX];
};

static const char *const source_names[SOURCE_KIND_COUNT] = {
	[SOURCE_NONE] = "",
	[SOURCE_KERNEL] = "kernel",
	[SOURCE_CONTAINERD] = "containerd",
	[SOURCE_AGENT] = "agent",
	[SOURCE_KUBERNETES] = "kubernetes",
	[SOURCE_SYSTEMD] = "systemd",
	[SOURCE_JOURNAL] = "journal",
};

struct gaps *gaps_new(record_fn emit, void *context)
{
	struct gaps *gaps = calloc(1, sizeof(*gaps));

	if (gaps) {
		gaps->emit = emit;
		gaps->context = context;
	}
	return gaps;
}

void gaps_free(struct gaps *gaps)
{
	free(gaps);
}

bool gaps_source_up(const struct gaps *gaps, enum source_kind source)
{
	return gaps->up[source];
}

static void tell(struct gaps *gaps, struct open_gap *gap, bool final)
{
	struct record record = {
		.type = RECORD_GAP,
		.final = final,
		.boot_ns = gap->record.span.to_ns,
		.gap = gap->record,
	};

	snprintf(record.key, sizeof(record.key), "%.16s-%" PRIu64 "-%.40s", gap->record.source,
		 gap->record.span.from_ns, gap->record.cause);
	gaps->emit(gaps->context, &record);
	gap->used = !final;
}

static struct open_gap *find(struct gaps *gaps, const struct event_source *source, bool until_up)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (gaps->open[i].used && gaps->open[i].source == source->source &&
		    gaps->open[i].until_up == until_up &&
		    (until_up || strcmp(gaps->open[i].record.cause, source->cause) == 0))
			return &gaps->open[i];
	return NULL;
}

static struct open_gap *begin(struct gaps *gaps, const struct event_source *source, bool until_up,
			      uint64_t from_ns, uint64_t to_ns)
{
	struct open_gap *gap = NULL;

	for (size_t i = 0; i < OPEN_MAX && !gap; i++)
		if (!gaps->open[i].used)
			gap = &gaps->open[i];
	if (!gap) { /* more causes than places: the first is told as it stands */
		gap = &gaps->open[0];
		tell(gaps, gap, true);
	}
	*gap = (struct open_gap){
		.used = true,
		.until_up = until_up,
		.source = source->source,
		.due_ns = UINT64_MAX,
		.record.span = {from_ns, to_ns},
	};
	TEXT_COPY(gap->record.source, source_names[source->source]);
	TEXT_COPY(gap->record.cause, source->cause);
	return gap;
}

static void note_up(struct gaps *gaps, const struct event_source *source, uint64_t boot_ns)
{
	struct open_gap *gap = find(gaps, source, true);

	gaps->up[source->source] = true;
	if (gap) {
		gap->record.span.to_ns = boot_ns;
		tell(gaps, gap, true);
	}
}

/* A source that was never up misses from its first failure on. */
static void note_down(struct gaps *gaps, const struct event_source *source, uint64_t boot_ns)
{
	gaps->up[source->source] = false;
	if (!find(gaps, source, true)) {
		uint64_t from_ns = source->since_ns ? source->since_ns : boot_ns;

		tell(gaps, begin(gaps, source, true, from_ns, boot_ns), false);
	}
}

static void note_lost(struct gaps *gaps, const struct event_source *source, uint64_t boot_ns,
		      uint64_t now_ns)
{
	struct open_gap *gap = find(gaps, source, false);
	bool fresh = !gap;

	if (fresh)
		gap = begin(gaps, source, false, source->since_ns ? source->since_ns : boot_ns,
			    boot_ns);
	gap->record.count += source->count;
	gap->record.span.to_ns = boot_ns;
	gap->due_ns = now_ns + QUIET_NS;
	if (fresh)
		tell(gaps, gap, false);
}

void gaps_event(struct gaps *gaps, const struct event *event, uint64_t now_ns)
{
	const struct event_source *source = &event->source;

	if (event->type != EVENT_SOURCE || source->source >= SOURCE_KIND_COUNT)
		return;
	/* without these the boot report knows less; nothing of a container is missed, but for calls in a log */
	if (source->source == SOURCE_SYSTEMD ||
	    (source->source == SOURCE_JOURNAL && source->step != SOURCE_LOST))
		return;
	switch (source->step) {
	case SOURCE_UP:
		note_up(gaps, source, event->boot_ns);
		break;
	case SOURCE_DOWN:
		note_down(gaps, source, event->boot_ns);
		break;
	case SOURCE_LOST:
		note_lost(gaps, source, event->boot_ns, now_ns);
		break;
	case SOURCE_MISSING:
		tell(gaps, begin(gaps, source, false, event->boot_ns, event->boot_ns), true);
		break;
	default:
		break;
	}
}

uint64_t gaps_next_tick_ns(const struct gaps *gaps)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < OPEN_MAX; i++)
		if (gaps->open[i].used && gaps->open[i].due_ns < due)
			due = gaps->open[i].due_ns;
	return due;
}

void gaps_tick(struct gaps *gaps, uint64_t now_ns)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (gaps->open[i].used && gaps->open[i].due_ns <= now_ns)
			tell(gaps, &gaps->open[i], true);
}
