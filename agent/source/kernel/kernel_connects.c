/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_connects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/kernel/kernel_wire.h"

/* Those with the oldest record go first: what they count on is told with their next one. */
#define FAILING_MAX 256
/* Later than that a failure has a record of its own: with a margin for one that is being counted. */
#define QUIET_NS (WIRE_CONNECT_INTERVAL_NS + 100 * NS_PER_MS)

struct failing {
	struct wire_target target; /* container_id 0: free */
	enum event_type type;
	union {
		struct event_connect_failed connect;
		struct event_dns dns;
	} last;
	uint64_t record_ns;
	uint64_t made_ns;      /* of what the kernel has counted it in */
	uint32_t told;	       /* of the kernel's total */
	uint64_t told_wait_ns; /* of the kernel's wait */
	bool settled;
};

struct kernel_connects {
	kernel_failures_fn read;
	void *read_context;
	event_fn on_event;
	void *context;
	struct failing failing[FAILING_MAX];
};

int kernel_connects_new(struct kernel_connects **ret, kernel_failures_fn read, void *read_context,
			event_fn on_event, void *context)
{
	struct kernel_connects *connects = calloc(1, sizeof(*connects));

	if (!connects)
		return -ENOMEM;
	connects->read = read;
	connects->read_context = read_context;
	connects->on_event = on_event;
	connects->context = context;
	*ret = connects;
	return 0;
}

void kernel_connects_free(struct kernel_connects *connects)
{
	free(connects);
}

/* The target's place, or else a free or the oldest one. */
static struct failing *place_of(struct kernel_connects *connects, const struct wire_target *target)
{
	struct failing *oldest = connects->failing;

	for (size_t i = 0; i < FAILING_MAX; i++) {
		struct failing *failing = &connects->failing[i];

		if (memcmp(&failing->target, target, sizeof(*target)) == 0)
			return failing;
		if (failing->record_ns < oldest->record_ns)
			oldest = failing;
	}
	*oldest = (struct failing){.target = *target};
	return oldest;
}

/* Tells what the kernel has counted since the last time. */
static void emit(struct kernel_connects *connects, struct failing *failing, uint64_t boot_ns,
		 const struct wire_failures *counted)
{
	struct event event = {.type = failing->type, .boot_ns = boot_ns};
	uint32_t count = counted->total - failing->told;
	uint64_t wait_ns = counted->wait_ns - failing->told_wait_ns;

	failing->told = counted->total;
	failing->told_wait_ns = counted->wait_ns;
	if (event.type == EVENT_DNS) {
		event.dns = failing->last.dns;
		event.dns.count = count;
		event.dns.wait_ns = wait_ns;
		event.dns.longest_ns = counted->longest_ns;
	} else {
		event.connect_failed = failing->last.connect;
		event.connect_failed.count = count;
		event.connect_failed.wait_ns = wait_ns;
		event.connect_failed.longest_ns = counted->longest_ns;
	}
	connects->on_event(connects->context, &event);
}

static void note_last(struct failing *failing, const struct event *event)
{
	failing->type = event->type;
	if (event->type == EVENT_DNS)
		failing->last.dns = event->dns;
	else
		failing->last.connect = event->connect_failed;
	failing->record_ns = event->boot_ns;
	failing->settled = false;
}

void kernel_connects_take(struct kernel_connects *connects, const void *record,
			  const struct event *event)
{
	struct wire_connect_failed wire;

	memcpy(&wire, record, sizeof(wire));
	if (wire.header.type == WIRE_CONNECT_REACHED) { /* what failed comes before it */
		kernel_connects_tell(connects, wire.target.container_id);
		connects->on_event(connects->context, event);
		return;
	}
	struct wire_failures counted = {
		.total = wire.total, .wait_ns = wire.wait_ns, .longest_ns = wire.longest_ns};
	struct failing *failing = place_of(connects, &wire.target);

	/* new here, or the kernel has forgotten it and counts from the beginning */
	if (!failing->record_ns || wire.made_ns != failing->made_ns) {
		failing->made_ns = wire.made_ns;
		failing->told = wire.total - wire.count;
		failing->told_wait_ns = wire.told_wait_ns;
	}
	note_last(failing, event);
	/* two that end at once on two CPUs may both write a record with both, or the second one first */
	if (wire.total > failing->told)
		emit(connects, failing, event->boot_ns, &counted);
}

/* The process stays the one of the last record. */
static void tell_rest(struct kernel_connects *connects, struct failing *failing)
{
	struct wire_failures counted;

	if (connects->read(connects->read_context, &failing->target, &counted) < 0)
		return;
	if (counted.made_ns != failing->made_ns) {
		failing->made_ns = counted.made_ns;
		failing->told = 0;
		failing->told_wait_ns = 0;
	}
	if (counted.total <= failing->told)
		return;
	if (failing->type == EVENT_DNS) {
		failing->last.dns.began_ns = counted.began_ns;
		kernel_wire_question(counted.question, failing->last.dns.query);
	} else {
		failing->last.connect.began_ns = counted.began_ns;
	}
	emit(connects, failing, counted.last_ns, &counted);
}

void kernel_connects_tell(struct kernel_connects *connects, uint64_t cgroup_id)
{
	for (size_t i = 0; i < FAILING_MAX; i++) {
		struct failing *failing = &connects->failing[i];

		if (failing->target.container_id == cgroup_id && !failing->settled)
			tell_rest(connects, failing);
	}
}

bool kernel_connects_settle(struct kernel_connects *connects, uint64_t now_ns)
{
	bool left = false;

	for (size_t i = 0; i < FAILING_MAX; i++) {
		struct failing *failing = &connects->failing[i];

		if (!failing->record_ns || failing->settled)
			continue;
		failing->settled = now_ns > failing->record_ns + QUIET_NS;
		if (failing->settled)
			tell_rest(connects, failing);
		else
			left = true;
	}
	return left;
}
