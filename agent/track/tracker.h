/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events in, records out: the one door to the state machines of this folder.
 *
 * Pure: no I/O, no clock, no log. The same events in the same order give the same records, so a
 * recorded event file replays an incident. Events of different sources may arrive out of order by
 * some hundred ms; what has to wait for a late one waits for tracker_tick.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "model/record.h"

struct tracker;

struct tracker_settings {
	uint64_t start_window_ns; /* how long a container may take to its first listen; 0: 5 min */
	uint32_t
		containers_max; /* 0: 4096; the oldest dead one goes first, then a gap is recorded */
	uint64_t
		boot_deadline_ns; /* how long after the kernel's start a boot may take; 0: 10 min */
};

struct tracker_stats {
	uint64_t events[EVENT_TYPE_COUNT];
	uint64_t records[RECORD_TYPE_COUNT];
	uint32_t containers, pods, pulls; /* kept now */
	uint64_t evicted;
};

/* Returns 0 or -ENOMEM. on_record is called from within tracker_event and tracker_tick. */
int tracker_new(struct tracker **ret, const struct tracker_settings *settings, record_fn on_record,
		void *context);
void tracker_free(struct tracker *tracker);

/*
 * seen_ns: when the agent read it. What waits for the other sources waits from then on: a backlog
 * tells of long ago, and what belongs together is read one source after the other.
 */
void tracker_event(struct tracker *tracker, const struct event *event, uint64_t seen_ns);

/* The same of an event of long ago: what had been due before it is done first. */
void tracker_replay(struct tracker *tracker, const struct event *event, uint64_t seen_ns);

/* Boot time at which tracker_tick is due; UINT64_MAX if nothing waits. */
uint64_t tracker_next_tick_ns(const struct tracker *tracker);

/* Concludes what has waited long enough at boot_ns. */
void tracker_tick(struct tracker *tracker, uint64_t boot_ns);

/* Emits what is pending, as it stands: at the end of a replay or at shutdown. */
void tracker_flush(struct tracker *tracker, uint64_t boot_ns);

void tracker_stats(const struct tracker *tracker, struct tracker_stats *ret);
