/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/boot_facts.h"

/* While it goes on it is told at most so often. */
#define AGAIN_NS NS_PER_SECOND
/* Ready is believed when it has lasted: late records are in, … */
#define SETTLE_NS (3 * NS_PER_SECOND)
/* … without Kubernetes the next pod has had its turn, … */
#define QUIET_NS (10 * NS_PER_SECOND)
/* … also where nobody knows which pods there will be, or one of them has failed before. */
#define LONG_QUIET_NS (30 * NS_PER_SECOND)

struct boot {
	record_fn emit;
	void *context;
	uint64_t deadline_ns;
	uint64_t now_ns, since_ns; /* since: this agent watches */
	uint64_t kernel_up_ns;	   /* the probes; 0: never */
	bool begun;		   /* there is something to tell */
	bool news;		   /* to be looked at */
	bool untold;		   /* to be told */
	bool final, done;	   /* done: nothing can change any more but the last boot's end */
	uint64_t told_ns, units_told_ns, ready_since_ns, due_ns;
	struct event_last_boot last; /* how the one before ended */
	bool last_untold;
	struct record_boot told; /* as it was told last */
	struct boot_facts facts;
};

/* How many are back, and what that depends on. */
struct standing {
	uint32_t expected, ready;
	const struct boot_pod *last;  /* Ready last */
	const struct boot_pod *first; /* of those that are not Ready */
	uint64_t last_ns;
	bool failed; /* one of them has failed in this boot */
	bool all;    /* everything is ready */
};

struct boot *boot_new(uint64_t deadline_ns, record_fn emit, void *context)
{
	struct boot *boot = calloc(1, sizeof(*boot));

	if (boot) {
		boot->deadline_ns = deadline_ns;
		boot->emit = emit;
		boot->context = context;
		boot->due_ns = UINT64_MAX;
	}
	return boot;
}

void boot_free(struct boot *boot)
{
	if (!boot)
		return;
	boot_units_clear(&boot->facts.units);
	boot_pods_clear(&boot->facts.pods);
	boot_peers_clear(&boot->facts.peers);
	free(boot);
}

uint64_t boot_lost(const struct boot *boot)
{
	return boot->facts.units.lost + boot->facts.pods.lost + boot->facts.peers.lost;
}

static bool is_late(const struct boot *boot)
{
	return boot->since_ns > boot->deadline_ns;
}

static bool note_systemd(struct boot *boot, const struct event *event)
{
	boot->facts.systemd = event->boot;
	boot->facts.systemd_reconstructed = event->flags & EVENT_RECONSTRUCTED;
	boot->begun = true;
	return true;
}

/* The first of its kind in this boot; a restart's, found long after, is none of it. */
static bool note_milestone(struct boot *boot, const struct event *event)
{
	const struct event_milestone *told = &event->milestone;
	struct boot_moment *moment = &boot->facts.milestones[told->what];
	uint64_t ns = event->boot_ns;

	if (told->what == MILESTONE_AGENT_STARTED) {
		boot->since_ns = ns;
		return false;
	}
	if (ns <= 1 || (is_late(boot) && ns > boot->deadline_ns))
		return false;
	boot->begun = true;
	if (!*moment->unit)
		TEXT_COPY(moment->unit, told->unit);
	if (moment->ns && moment->ns <= ns)
		return false;
	moment->ns = ns;
	moment->reconstructed = event->flags & EVENT_RECONSTRUCTED;
	return true;
}

static bool note_source(struct boot *boot, const struct event *event)
{
	const struct event_source *source = &event->source;

	if (source->source == SOURCE_KUBERNETES)
		boot->facts.kubernetes = true;
	if (source->source == SOURCE_KERNEL && source->step == SOURCE_UP && !boot->kernel_up_ns)
		boot->kernel_up_ns = event->boot_ns;
	return boot_pods_event(&boot->facts.pods, event);
}

static bool note(struct boot *boot, const struct event *event)
{
	struct boot_facts *facts = &boot->facts;

	switch (event->type) {
	case EVENT_BOOT:
		return note_systemd(boot, event);
	case EVENT_UNIT:
		if (!boot_units_note(&facts->units, event, boot->deadline_ns))
			return false;
		boot->begun = true;
		return true;
	case EVENT_UNIT_AFTER:
		return boot_units_note_after(&facts->units, &event->unit_after);
	case EVENT_MILESTONE:
		return event->milestone.what < MILESTONE_COUNT && note_milestone(boot, event);
	case EVENT_LAST_BOOT:
		boot->last = event->last_boot;
		boot->begun = boot->last_untold = true;
		return true;
	case EVENT_CONNECT_FAILED:
		return !boot->done && boot_peers_note(&facts->peers, event);
	case EVENT_SOURCE:
		return note_source(boot, event);
	default:
		return !boot->done && boot_pods_event(&facts->pods, event);
	}
}

void boot_record(struct boot *boot, const struct record *record)
{
	struct boot_facts *facts = &boot->facts;

	if (boot->done)
		return;
	if (record->type == RECORD_PULL) {
		facts->pulls[facts->pull_count++ % BOOT_PULLS_MAX] = record->pull;
		boot->news = true;
	} else if (boot_pods_record(&facts->pods, record)) {
		boot->news = true;
	}
}

/* Where nothing has to come back the node itself has to. */
static void stand_alone(const struct boot *boot, struct standing *standing)
{
	const struct boot_moment *milestones = boot->facts.milestones;
	const struct boot_moment *needed = boot->facts.kubernetes
						   ? &milestones[MILESTONE_NODE_READY]
						   : &milestones[MILESTONE_RUNTIME_READY];
	uint64_t kubelet_ns = milestones[MILESTONE_KUBELET_STARTED].ns;

	standing->last_ns = needed->ns > kubelet_ns ? needed->ns : kubelet_ns;
	standing->all = needed->ns != 0;
}

static struct standing stand(const struct boot *boot)
{
	const struct boot_pods *pods = &boot->facts.pods;
	struct standing standing = {0};
	bool reconstructed;

	for (const struct boot_pod *pod = pods->by_uid; pod; pod = pod->hh.next) {
		if (!boot_pod_expected(pods, pod))
			continue;
		uint64_t ready_ns = boot_pod_ready_ns(pods, pod, &reconstructed);

		/* found after the deadline: is it the first time that it is Ready? */
		if (is_late(boot) && ready_ns > boot->deadline_ns)
			ready_ns = 0;
		standing.expected++;
		standing.failed |= boot_pod_has_failed(pod);
		if (!ready_ns) {
			standing.first = standing.first ? standing.first : pod;
			continue;
		}
		standing.ready++;
		if (ready_ns > standing.last_ns) {
			standing.last = pod;
			standing.last_ns = ready_ns;
		}
	}
	standing.all = standing.ready == standing.expected;
	if (!standing.expected)
		stand_alone(boot, &standing);
	/* which are expected only Kubernetes knows, where there is one; it may never answer */
	if (boot->facts.kubernetes && !pods->kubernetes && boot->now_ns < boot->deadline_ns)
		standing.all = false;
	return standing;
}

static uint64_t settle_ns(const struct boot *boot, const struct standing *standing)
{
	const struct boot_pods *pods = &boot->facts.pods;

	if (standing->failed || (!pods->kubernetes && !pods->old_pods))
		return LONG_QUIET_NS;
	return pods->kubernetes ? SETTLE_NS : QUIET_NS;
}

static bool is_measured(const struct boot *boot)
{
	const struct boot_unit *unit = boot_facts_runtime(&boot->facts);
	uint64_t started_ns = boot->facts.milestones[MILESTONE_RUNTIME_STARTED].ns;

	if (!started_ns && unit)
		started_ns = unit->begin_ns;
	return boot->kernel_up_ns && (!started_ns || boot->kernel_up_ns <= started_ns);
}

/* Of a boot whose outcome is not known: up to where it is. */
static uint64_t known_until(const struct boot *boot, const struct standing *standing)
{
	uint64_t until_ns = boot->facts.systemd.userspace_ns;

	if (boot->facts.systemd.finish_ns > until_ns)
		until_ns = boot->facts.systemd.finish_ns;
	for (size_t i = 0; i < MILESTONE_COUNT; i++)
		if (boot->facts.milestones[i].ns > until_ns)
			until_ns = boot->facts.milestones[i].ns;
	return standing->last_ns > until_ns ? standing->last_ns : until_ns;
}

static void build(const struct boot *boot, const struct standing *standing, enum boot_state state,
		  struct record_boot *ret)
{
	const struct boot_facts *facts = &boot->facts;

	*ret = (struct record_boot){
		.state = state,
		.span = {1, state == BOOT_READY		  ? standing->last_ns
			    : state == BOOT_NOT_RECOVERED ? boot->deadline_ns
			    : state == BOOT_WAKING	  ? boot->now_ns
							  : known_until(boot, standing)},
		.firmware_ns = facts->systemd.firmware_ns,
		.loader_ns = facts->systemd.loader_ns,
		.measured = is_measured(boot),
		.pods_expected = standing->expected,
		.pods_ready = standing->ready,
	};
	boot_phases_build(facts, ret);
	if (state == BOOT_WAKING || state == BOOT_NOT_RECOVERED) {
		boot_missing_build(facts, ret);
		boot_path_build(facts, standing->first, ret);
	} else {
		boot_path_build(facts, state == BOOT_READY ? standing->last : NULL, ret);
	}
}

static void emit_told(struct boot *boot)
{
	const struct event_last_boot *last = &boot->last;
	struct record record = {.type = RECORD_BOOT, .final = boot->final, .key = "boot"};

	boot->told.last_end = last->end;
	boot->told.last_wall_ns = last->last_wall_ns;
	boot->told.down_ns = last->down_ns;
	TEXT_COPY(boot->told.last_boot_id, last->boot_id);
	TEXT_COPY(boot->told.last_evidence, last->evidence);
	record.boot_ns = boot->told.span.to_ns;
	record.boot = boot->told;
	boot->told_ns = boot->now_ns;
	boot->untold = boot->last_untold = false;
	boot->emit(boot->context, &record);
}

/* Nothing more is to be learnt of pods. */
static void stop_watching(struct boot *boot)
{
	boot->done = true;
	boot_pods_clear(&boot->facts.pods);
	boot_peers_clear(&boot->facts.peers);
}

static void tell(struct boot *boot, const struct standing *standing, enum boot_state state,
		 bool final)
{
	build(boot, standing, state, &boot->told);
	boot->final = final;
	emit_told(boot);
	if (final && (state == BOOT_READY || is_late(boot)))
		stop_watching(boot);
}

static void wake_at(struct boot *boot, uint64_t due_ns)
{
	if (due_ns < boot->due_ns)
		boot->due_ns = due_ns;
}

/* When it is told for good, ready or not. */
static uint64_t end_ns(const struct boot *boot)
{
	bool unanswered = boot->facts.kubernetes && !boot->facts.pods.kubernetes;

	if (!is_late(boot))
		return boot->deadline_ns;
	return boot->since_ns + (unanswered ? boot->deadline_ns : LONG_QUIET_NS);
}

/* Nothing had to come back, and nobody tells whether the node itself did. */
static bool is_unknown(const struct boot *boot, const struct standing *standing)
{
	const struct boot_facts *facts = &boot->facts;

	if (is_late(boot))
		return true;
	if (standing->expected)
		return false;
	return facts->pods.kubernetes ||
	       (!boot_facts_runtime(facts) && !facts->milestones[MILESTONE_RUNTIME_STARTED].ns);
}

/* The last word, when it has come; false if it has not. */
static bool conclude(struct boot *boot, const struct standing *standing)
{
	uint64_t settled_ns = boot->ready_since_ns + settle_ns(boot, standing);

	if (standing->all && boot->now_ns >= settled_ns) {
		if (boot->final && standing->last_ns <= boot->deadline_ns)
			stop_watching(
				boot); /* what was missing is gone: that it has not recovered stays true */
		else
			tell(boot, standing, BOOT_READY, true);
		return true;
	}
	if (standing->all || boot->final) {
		wake_at(boot, standing->all ? settled_ns : UINT64_MAX);
		return false;
	}
	if (boot->now_ns < end_ns(boot)) {
		wake_at(boot, end_ns(boot));
		return false;
	}
	tell(boot, standing, is_unknown(boot, standing) ? BOOT_STATE_NONE : BOOT_NOT_RECOVERED,
	     true);
	return true;
}

static void tell_waking(struct boot *boot, const struct standing *standing)
{
	if (!boot->untold || boot->final || is_late(boot))
		return;
	if (boot->told_ns && boot->now_ns < boot->told_ns + AGAIN_NS)
		wake_at(boot, boot->told_ns + AGAIN_NS);
	else
		tell(boot, standing, standing->all ? BOOT_READY : BOOT_WAKING, false);
}

static void tell_units(struct boot *boot)
{
	if (!boot->facts.units.untold)
		return;
	if (boot->units_told_ns && boot->now_ns < boot->units_told_ns + AGAIN_NS) {
		wake_at(boot, boot->units_told_ns + AGAIN_NS);
		return;
	}
	boot->units_told_ns = boot->now_ns;
	boot_units_tell(&boot->facts.units, boot->emit, boot->context);
}

static void consider_pods(struct boot *boot)
{
	struct standing standing = stand(boot);

	if (!standing.all)
		boot->ready_since_ns = 0;
	else if (!boot->ready_since_ns)
		boot->ready_since_ns = boot->now_ns;
	if (!conclude(boot, &standing))
		tell_waking(boot, &standing);
}

static void consider(struct boot *boot)
{
	if (!boot->begun || (!boot->news && boot->now_ns < boot->due_ns))
		return;
	boot->untold |= boot->news;
	boot->news = false;
	boot->due_ns = UINT64_MAX;
	tell_units(boot);
	if (!boot->done)
		consider_pods(boot);
	if (boot->final && boot->last_untold)
		emit_told(boot);
}

static void advance(struct boot *boot, uint64_t now_ns)
{
	if (now_ns > boot->now_ns)
		boot->now_ns = now_ns;
	if (!boot->since_ns)
		boot->since_ns = now_ns;
}

void boot_event(struct boot *boot, const struct event *event, uint64_t now_ns)
{
	advance(boot, now_ns);
	boot->news |= note(boot, event);
	consider(boot);
}

uint64_t boot_next_tick_ns(const struct boot *boot)
{
	return boot->due_ns;
}

void boot_tick(struct boot *boot, uint64_t now_ns)
{
	advance(boot, now_ns);
	consider(boot);
}
