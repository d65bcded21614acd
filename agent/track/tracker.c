/* SPDX-License-Identifier: Apache-2.0 */
#include "track/tracker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/boot/boot.h"
#include "track/death/child.h"
#include "track/death/host.h"
#include "track/lifecycle.h"
#include "track/death/oom.h"
#include "track/death/stop.h"
#include "track/wait.h"
#include "track/why/why.h"

#define START_WINDOW_NS	 (300 * NS_PER_SECOND)
#define BOOT_DEADLINE_NS (600 * NS_PER_SECOND)
#define CONTAINERS_MAX	 4096
/* Longer than anything waits for but the start window. */
#define FLUSH_NS (120 * NS_PER_SECOND)

struct tracker {
	record_fn on_record;
	void *context;
	uint64_t now_ns; /* of the latest event seen, or tick */
	uint64_t evicted_told, calls_told, boot_lost_told, whys_told, peers_told, ooms_told;
	uint64_t children_told, stops_told;
	struct tracker_stats stats;
	struct containers containers;
	struct calls calls;
	struct whys whys;
	struct facts facts;
	struct lifecycle lifecycle;
	struct hosts hosts;
	struct deaths *deaths;
	struct stops *stops;
	struct pulls *pulls;
	struct ooms *ooms;
	struct children *children;
	struct gaps *gaps;
	struct pods *pods;
	struct waits *waits;
	struct boot *boot;
};

static void emit(void *context, const struct record *record)
{
	struct tracker *tracker = context;

	tracker->stats.records[record->type]++;
	boot_record(tracker->boot, record);
	tracker->on_record(tracker->context, record);
}

static void on_pod_ready(void *context, const struct pod *pod)
{
	struct tracker *tracker = context;

	lifecycle_pod_ready(&tracker->lifecycle, pod);
}

int tracker_new(struct tracker **ret, const struct tracker_settings *settings, record_fn on_record,
		void *context)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return -ENOMEM;
	tracker->on_record = on_record;
	tracker->context = context;
	tracker->containers.max =
		settings->containers_max ? settings->containers_max : CONTAINERS_MAX;
	tracker->deaths = deaths_new();
	tracker->stops = stops_new();
	tracker->pulls = pulls_new(emit, tracker);
	tracker->children = children_new(&tracker->containers, emit, tracker);
	tracker->gaps = gaps_new(emit, tracker);
	tracker->pods = pods_new(on_pod_ready, tracker);
	tracker->ooms = ooms_new(&tracker->containers, tracker->pods, emit, tracker);
	if (tracker->pulls)
		pulls_know_pods(tracker->pulls, tracker->pods);
	tracker->waits = waits_new(tracker->pods, emit, tracker);
	tracker->boot =
		boot_new(settings->boot_deadline_ns ? settings->boot_deadline_ns : BOOT_DEADLINE_NS,
			 emit, tracker);
	tracker->hosts.emit = emit;
	tracker->hosts.context = tracker;
	tracker->facts.containers = &tracker->containers;
	tracker->lifecycle = (struct lifecycle){
		.containers = &tracker->containers,
		.pulls = tracker->pulls,
		.pods = tracker->pods,
		.calls = &tracker->calls,
		.whys = &tracker->whys,
		.gaps = tracker->gaps,
		.deaths = tracker->deaths,
		.stops = tracker->stops,
		.hosts = &tracker->hosts,
		.start_window_ns =
			settings->start_window_ns ? settings->start_window_ns : START_WINDOW_NS,
		.emit = emit,
		.context = tracker,
		.due_ns = UINT64_MAX,
	};
	if (!tracker->deaths || !tracker->stops || !tracker->pulls || !tracker->ooms ||
	    !tracker->children || !tracker->gaps || !tracker->pods || !tracker->waits ||
	    !tracker->boot) {
		tracker_free(tracker);
		return -ENOMEM;
	}
	*ret = tracker;
	return 0;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	facts_clear(&tracker->facts);
	containers_clear(&tracker->containers);
	calls_clear(&tracker->calls);
	whys_clear(&tracker->whys);
	deaths_free(tracker->deaths);
	stops_free(tracker->stops);
	pulls_free(tracker->pulls);
	ooms_free(tracker->ooms);
	children_free(tracker->children);
	gaps_free(tracker->gaps);
	waits_free(tracker->waits);
	pods_free(tracker->pods);
	boot_free(tracker->boot);
	free(tracker);
}

static void note_sync(struct tracker *tracker, const struct event *event)
{
	struct facts *facts = &tracker->facts;

	if (event->source.source != SOURCE_CONTAINERD)
		return;
	if (event->source.step == SOURCE_SYNC_BEGIN) {
		facts->sync_generation++;
		facts->sync_begin_ns = event->boot_ns;
		facts->left_out = 0;
	} else if (event->source.step == SOURCE_SYNC_END && facts->sync_begin_ns) {
		lifecycle_synced(&tracker->lifecycle, facts->sync_generation, facts->sync_begin_ns,
				 tracker->now_ns);
		facts->sync_begin_ns = 0;
	}
}

/* A table was full: what was forgotten may be missed later. */
static void tell_lost(struct tracker *tracker, uint64_t total, uint64_t *told, const char *cause)
{
	struct event lost = {
		.type = EVENT_SOURCE,
		.boot_ns = tracker->now_ns,
		.source = {.source = SOURCE_AGENT, .step = SOURCE_LOST, .count = total - *told},
	};

	if (total == *told)
		return;
	*told = total;
	TEXT_COPY(lost.source.cause, cause);
	gaps_event(tracker->gaps, &lost, tracker->now_ns);
}

static void note_call(struct tracker *tracker, const struct event *event)
{
	const struct event_cri_call *call = &event->cri_call;

	if (call->method != CRI_PULL_IMAGE) {
		calls_note(&tracker->calls, event);
		lifecycle_call(&tracker->lifecycle, call->container_id, tracker->now_ns);
	} else if (pulls_logged(tracker->pulls, event, tracker->now_ns)) {
		lifecycle_pull(&tracker->lifecycle, call->image, call->image_id, tracker->now_ns);
	}
}

void tracker_event(struct tracker *tracker, const struct event *event, uint64_t seen_ns)
{
	if (event->type <= EVENT_NONE || event->type >= EVENT_TYPE_COUNT)
		return;
	tracker->stats.events[event->type]++;
	if (seen_ns > tracker->now_ns)
		tracker->now_ns = seen_ns;

	uint64_t now_ns = tracker->now_ns;

	pulls_event(tracker->pulls, event, now_ns);
	gaps_event(tracker->gaps, event, now_ns);
	waits_event(tracker->waits, event, now_ns);
	pods_event(tracker->pods, event, now_ns);
	whys_event(&tracker->whys, event, now_ns);
	struct container *container = facts_event(&tracker->facts, event, now_ns);

	ooms_event(tracker->ooms, event, now_ns);
	children_event(tracker->children, event, now_ns);
	if (container)
		lifecycle_consider(&tracker->lifecycle, container, now_ns);
	const char *stopped_uid = stops_event(tracker->stops, event);

	if (stopped_uid)
		lifecycle_stops(&tracker->lifecycle, stopped_uid, now_ns);
	if (hosts_event(&tracker->hosts, event))
		lifecycle_stops(&tracker->lifecycle, "", now_ns);
	if (event->type == EVENT_SOURCE)
		note_sync(tracker, event);
	if (event->type == EVENT_CRI_CALL)
		note_call(tracker, event);
	boot_event(tracker->boot, event, now_ns);
	tell_lost(tracker, tracker->containers.evicted, &tracker->evicted_told,
		  "more containers than the agent keeps");
	tell_lost(tracker, tracker->calls.evicted, &tracker->calls_told,
		  "more starts were logged than the agent keeps");
	tell_lost(tracker, tracker->whys.evicted, &tracker->whys_told,
		  "more starts at once than the agent explains");
	tell_lost(tracker, tracker->whys.peers_lost, &tracker->peers_told,
		  "more peers of one start than the agent keeps");
	tell_lost(tracker, ooms_lost(tracker->ooms), &tracker->ooms_told,
		  "more programs killed for memory than the agent keeps count of");
	tell_lost(tracker, children_lost(tracker->children), &tracker->children_told,
		  "more programs of containers died than the agent keeps");
	tell_lost(tracker, stops_evicted(tracker->stops), &tracker->stops_told,
		  "more pods than the agent keeps reasons of their stops for");
	tell_lost(tracker, boot_lost(tracker->boot), &tracker->boot_lost_told,
		  "more units or pods in a boot than the agent keeps");
}

uint64_t tracker_next_tick_ns(const struct tracker *tracker)
{
	const uint64_t others[] = {
		pulls_next_tick_ns(tracker->pulls),	  ooms_next_tick_ns(tracker->ooms),
		gaps_next_tick_ns(tracker->gaps),	  pods_next_tick_ns(tracker->pods),
		waits_next_tick_ns(tracker->waits),	  boot_next_tick_ns(tracker->boot),
		children_next_tick_ns(tracker->children), hosts_next_tick_ns(&tracker->hosts),
	};
	uint64_t due_ns = tracker->lifecycle.due_ns;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i] < due_ns)
			due_ns = others[i];
	return due_ns;
}

void tracker_tick(struct tracker *tracker, uint64_t boot_ns)
{
	if (boot_ns > tracker->now_ns)
		tracker->now_ns = boot_ns;
	lifecycle_tick(&tracker->lifecycle, tracker->now_ns);
	pulls_tick(tracker->pulls, tracker->now_ns);
	ooms_tick(tracker->ooms, tracker->now_ns);
	children_tick(tracker->children, tracker->now_ns);
	gaps_tick(tracker->gaps, tracker->now_ns);
	pods_tick(tracker->pods, tracker->now_ns);
	waits_tick(tracker->waits, tracker->now_ns);
	boot_tick(tracker->boot, tracker->now_ns);
	hosts_tick(&tracker->hosts, tracker->now_ns);
}

void tracker_replay(struct tracker *tracker, const struct event *event, uint64_t seen_ns)
{
	uint64_t due_ns, last_ns = UINT64_MAX;

	/* due again at once: events made by hand must not hang it */
	while ((due_ns = tracker_next_tick_ns(tracker)) < seen_ns && due_ns != last_ns) {
		tracker_tick(tracker, due_ns);
		last_ns = due_ns;
	}
	tracker_event(tracker, event, seen_ns);
}

void tracker_flush(struct tracker *tracker, uint64_t boot_ns)
{
	uint64_t end_ns = boot_ns + FLUSH_NS;
	uint64_t due_ns;

	while ((due_ns = tracker_next_tick_ns(tracker)) <= end_ns)
		tracker_tick(tracker, due_ns);
}

void tracker_stats(const struct tracker *tracker, struct tracker_stats *ret)
{
	struct tracker_stats stats = tracker->stats;

	for (const struct container *c = tracker->containers.by_id; c; c = c->by_id.next) {
		stats.containers += !c->sandbox;
		stats.pods += c->sandbox;
	}
	stats.pulls = pulls_count(tracker->pulls);
	stats.evicted = tracker->containers.evicted;
	*ret = stats;
}
