/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/boot/boot_standing.h"

/* While it goes on it is told at most so often. */
#define AGAIN_NS NS_PER_SECOND
/* What is found out late still finds its place in a boot that is over. */
#define LATE_FACTS_NS (120 * NS_PER_SECOND)

struct boot {
	record_fn emit;
	void *context;
	uint64_t now_ns;
	bool begun;   /* there is something to tell */
	bool news;    /* to be looked at */
	bool untold;  /* to be told */
	bool final;   /* the last word was told */
	bool settled; /* and stays: what becomes of the pods is no part of the boot any more */
	uint64_t
		keep_ns; /* what was known of them is kept until then, for what is found out late */
	uint64_t told_ns, units_told_ns, ready_since_ns, due_ns;
	struct event_last_boot last; /* how the one before ended */
	bool last_untold;
	struct record_boot told; /* as it was told last */
	struct boot_facts facts;
};

struct boot *boot_new(uint64_t deadline_ns, record_fn emit, void *context)
{
	struct boot *boot = calloc(1, sizeof(*boot));

	if (boot) {
		boot->facts.deadline_ns = deadline_ns;
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

static bool note_systemd(struct boot *boot, const struct event *event)
{
	boot->facts.systemd = event->boot;
	boot->facts.systemd_reconstructed = event->flags & EVENT_RECONSTRUCTED;
	boot->begun = true;
	return true;
}

/* Of two that tell the same: the earlier one, unless it is only that because its second was cut off. */
static bool is_better(const struct boot_moment *known, uint64_t ns, bool cut)
{
	uint64_t known_ns = known->ns;

	if (cut && !known->cut)
		ns += NS_PER_SECOND;
	else if (known->cut && !cut)
		known_ns += NS_PER_SECOND;
	return !known->ns || ns < known_ns;
}

/* The first of its kind in this boot; a restart's, found long after, is none of it. */
static bool note_milestone(struct boot *boot, const struct event *event)
{
	const struct event_milestone *told = &event->milestone;
	struct boot_moment *moment = &boot->facts.milestones[told->what];
	uint64_t ns = event->boot_ns;
	bool cut = told->what == MILESTONE_NODE_READY && strcmp(told->told_by, "api") == 0;

	if (told->what == MILESTONE_AGENT_STARTED) {
		boot->facts.since_ns = ns;
		return false;
	}
	if (ns <= 1 || (boot_is_late(&boot->facts) && ns > boot->facts.deadline_ns))
		return false;
	boot->begun = true;
	if (!*moment->unit)
		TEXT_COPY(moment->unit, told->unit);
	if (!is_better(moment, ns, cut))
		return false;
	moment->ns = ns;
	moment->cut = cut;
	moment->reconstructed = event->flags & EVENT_RECONSTRUCTED;
	return true;
}

/*
 * A boot that has not recovered waits for its pods, for days: others that begin meanwhile are none of it. Which are its
 * own a late agent can't tell by that, and Kubernetes tells when it answers.
 */
static uint64_t pods_until_ns(const struct boot_facts *facts)
{
	bool unanswered = facts->kubernetes && !facts->pods.kubernetes;

	return boot_is_late(facts) || unanswered ? UINT64_MAX : facts->deadline_ns;
}

static bool note_pods(struct boot *boot, const struct event *event)
{
	struct boot_facts *facts = &boot->facts;

	return !boot->settled && boot_pods_event(&facts->pods, event, pods_until_ns(facts));
}

static bool note_source(struct boot *boot, const struct event *event)
{
	const struct event_source *source = &event->source;

	if (source->source == SOURCE_KUBERNETES)
		boot->facts.kubernetes = true;
	if (source->source == SOURCE_KERNEL && source->step == SOURCE_UP &&
	    !boot->facts.kernel_up_ns) {
		boot->facts.kernel_up_ns = source->since_ns ? source->since_ns : event->boot_ns;
		boot->facts.early = source->since_ns;
	}
	return note_pods(boot, event);
}

static bool note(struct boot *boot, const struct event *event)
{
	struct boot_facts *facts = &boot->facts;

	switch (event->type) {
	case EVENT_BOOT:
		return note_systemd(boot, event);
	case EVENT_UNIT:
		if (!boot_units_note(&facts->units, event, boot->facts.deadline_ns))
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
		return !boot->settled && boot_peers_note(&facts->peers, event, facts->deadline_ns);
	case EVENT_SOURCE:
		return note_source(boot, event);
	default:
		return note_pods(boot, event);
	}
}

/* A log that is read late tells of a pull in this boot. */
static bool pulled_before(const struct boot *boot, const struct record *record)
{
	return record->type == RECORD_PULL && record->pull.reconstructed && boot->keep_ns &&
	       record->pull.span.from_ns < boot->told.span.to_ns;
}

void boot_record(struct boot *boot, const struct record *record)
{
	struct boot_facts *facts = &boot->facts;

	if (record->type == RECORD_PULL && !record->final)
		return; /* it goes on */
	if (boot->settled && !pulled_before(boot, record) &&
	    !boot_pods_began_before(&facts->pods, record))
		return;
	if (record->type == RECORD_PULL) {
		facts->pulls[facts->pull_count++ % BOOT_PULLS_MAX] = record->pull;
		boot->news = true;
	} else if (boot_pods_record(&facts->pods, record, pods_until_ns(facts))) {
		boot->news = true;
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

static void settle(struct boot *boot)
{
	boot->settled = true;
	boot->keep_ns = boot->now_ns + LATE_FACTS_NS;
}

static void forget_pods(struct boot *boot)
{
	boot->keep_ns = 0;
	boot_pods_clear(&boot->facts.pods);
	boot_peers_clear(&boot->facts.peers);
}

/* What was missing is gone: that the node has not recovered stays true. */
static void give_up(struct boot *boot)
{
	settle(boot);
	forget_pods(boot);
}

static void tell(struct boot *boot, const struct boot_standing *standing, enum boot_state state,
		 bool final)
{
	boot_build(&boot->facts, standing, state, boot->now_ns, &boot->told);
	boot->final = final;
	emit_told(boot);
	if (final && (state == BOOT_READY || boot_is_late(&boot->facts)))
		settle(boot);
}

/* It is over; what came to light since stands in it too. */
static void tell_again(struct boot *boot)
{
	struct boot_standing standing = boot_stand(&boot->facts, boot->now_ns);
	struct record_boot before = boot->told;

	boot->untold = false;
	boot_build(&boot->facts, &standing, before.state, boot->now_ns, &boot->told);
	if (before.finish_ns != boot->told.finish_ns ||
	    memcmp(before.phases, boot->told.phases, sizeof(before.phases)) != 0 ||
	    memcmp(before.steps, boot->told.steps, sizeof(before.steps)) != 0)
		emit_told(boot);
}

static void wake_at(struct boot *boot, uint64_t due_ns)
{
	if (due_ns < boot->due_ns)
		boot->due_ns = due_ns;
}

/* The last word, when it has come; false if it has not. */
static bool conclude(struct boot *boot, const struct boot_standing *standing)
{
	uint64_t settled_ns = boot->ready_since_ns + boot_settle_ns(&boot->facts, standing);

	if (standing->all && boot->now_ns >= settled_ns) {
		if (boot->final && standing->last_ns <= boot->facts.deadline_ns)
			give_up(boot);
		else
			tell(boot, standing, BOOT_READY, true);
		return true;
	}
	if (standing->all || boot->final) {
		wake_at(boot, standing->all ? settled_ns : UINT64_MAX);
		return false;
	}
	if (boot->now_ns < boot_end_ns(&boot->facts)) {
		wake_at(boot, boot_end_ns(&boot->facts));
		return false;
	}
	tell(boot, standing,
	     boot_is_unknown(&boot->facts, standing) ? BOOT_STATE_NONE : BOOT_NOT_RECOVERED, true);
	return true;
}

static void tell_waking(struct boot *boot, const struct boot_standing *standing)
{
	if (!boot->untold || boot->final || boot_is_late(&boot->facts))
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
	struct boot_standing standing = boot_stand(&boot->facts, boot->now_ns);

	if (!standing.all)
		boot->ready_since_ns = 0;
	else if (!boot->ready_since_ns)
		boot->ready_since_ns = boot->now_ns;
	if (!conclude(boot, &standing))
		tell_waking(boot, &standing);
}

static void consider_settled(struct boot *boot)
{
	if (!boot->keep_ns)
		return;
	if (boot->untold && boot->now_ns >= boot->told_ns + AGAIN_NS)
		tell_again(boot);
	if (boot->now_ns >= boot->keep_ns)
		forget_pods(boot);
	else
		wake_at(boot, boot->untold ? boot->told_ns + AGAIN_NS : boot->keep_ns);
}

static void consider(struct boot *boot)
{
	if (!boot->begun || (!boot->news && boot->now_ns < boot->due_ns))
		return;
	boot->untold |= boot->news;
	boot->news = false;
	boot->due_ns = UINT64_MAX;
	tell_units(boot);
	if (!boot->settled)
		consider_pods(boot);
	if (boot->settled)
		consider_settled(boot);
	if (boot->final && boot->last_untold)
		emit_told(boot);
}

static void advance(struct boot *boot, uint64_t now_ns)
{
	if (now_ns > boot->now_ns)
		boot->now_ns = now_ns;
	if (!boot->facts.since_ns)
		boot->facts.since_ns = now_ns;
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
