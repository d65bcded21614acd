/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_children.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Later than that a death has a record of its own: with a margin for one that is being counted. */
#define QUIET_NS (WIRE_CHILD_INTERVAL_NS + 100 * NS_PER_MS)

struct kind {
	struct wire_child_key key; /* container_id 0: free */
	struct event last;
	uint32_t told; /* of the kernel's total */
	uint64_t record_ns;
	bool settled;
};

struct kernel_children {
	struct kernel_child_table table;
	event_fn on_event;
	void *context;
	/* as many as the kernel keeps: none is without a place; those that end here are made when the first child dies */
	struct kind *kinds;
	size_t count;
};

int kernel_children_new(struct kernel_children **ret, const struct kernel_child_table *table,
			event_fn on_event, void *context)
{
	struct kernel_children *children = calloc(1, sizeof(*children));

	if (!children)
		return -ENOMEM;
	children->table = *table;
	children->on_event = on_event;
	children->context = context;
	*ret = children;
	return 0;
}

void kernel_children_free(struct kernel_children *children)
{
	if (!children)
		return;
	free(children->kinds);
	free(children);
}

static struct wire_child_key key_of(const struct wire_exit *wire)
{
	struct wire_child_key key = {
		.container_id = wire->header.cgroup_id,
		.signal = wire->status & 0x7f,
	};

	memcpy(key.comm, wire->header.comm, strnlen(wire->header.comm, sizeof(key.comm)));
	return key;
}

/* Its place, a free one, or one more; NULL when there are as many as the kernel's, or no memory. */
static struct kind *place_of(struct kernel_children *children, const struct wire_child_key *key)
{
	struct kind *free_place = NULL;

	for (size_t i = 0; i < children->count; i++) {
		struct kind *kind = &children->kinds[i];

		if (memcmp(&kind->key, key, sizeof(*key)) == 0)
			return kind;
		if (!kind->key.container_id && !free_place)
			free_place = kind;
	}
	if (!free_place && children->count < WIRE_CHILDREN_MAX) {
		struct kind *more = reallocarray(children->kinds, children->count + 1,
						 sizeof(*children->kinds));

		if (!more)
			return NULL;
		children->kinds = more;
		free_place = &more[children->count++];
	}
	if (free_place)
		*free_place = (struct kind){
			.key = *key,
			.told = children->table.told(children->table.context, key),
		};
	return free_place;
}

static void note_told(struct kernel_children *children, struct kind *kind, uint32_t total)
{
	kind->told = total;
	children->table.tell(children->table.context, &kind->key, total);
}

void kernel_children_take(struct kernel_children *children, const struct wire_exit *wire,
			  struct event *event)
{
	struct wire_child_key key = key_of(wire);
	struct kind *kind = place_of(children, &key);

	if (kind) {
		/* the rest may have been told meanwhile, from the kernel's count, or by an agent before */
		uint32_t before = kind->told > wire->told ? kind->told : wire->told;

		kind->last = *event;
		kind->record_ns = event->boot_ns;
		kind->settled = false;
		if (wire->total <= before)
			return;
		event->exit.count = wire->total - before;
		note_told(children, kind, wire->total);
	}
	children->on_event(children->context, event);
}

/* The same death of another process, so much later: what it did to itself stays its own doing. */
static void be_another(struct event_exit *exit, uint32_t pid, uint64_t later_ns)
{
	for (int i = 0; i < 2; i++)
		if (exit->last[i].sender.pid == exit->who.pid)
			exit->last[i].sender.pid = pid;
	exit->who.pid = pid;
	exit->who.start_ns += later_ns;
	exit->namespace_pid = 0;
}

/* What was counted since is as the last one that was told, but for its time. */
static void tell_rest(struct kernel_children *children, struct kind *kind)
{
	struct wire_children counted;

	kind->settled = true;
	if (children->table.read(children->table.context, &kind->key, &counted) < 0 ||
	    counted.total <= kind->told)
		return;
	struct event event = kind->last;

	event.exit.count = counted.total - kind->told;
	be_another(&event.exit, counted.last_pid, counted.last_ns - event.boot_ns);
	event.boot_ns = counted.last_ns;
	note_told(children, kind, counted.total);
	children->on_event(children->context, &event);
}

void kernel_children_adopt(struct kernel_children *children, const struct wire_child_key *key,
			   uint64_t now_ns)
{
	struct kind *kind = place_of(children, key);
	struct wire_children counted;

	if (!kind || children->table.read(children->table.context, key, &counted) < 0)
		return;
	kind->record_ns = now_ns;
	kind->last = (struct event){.type = EVENT_EXIT, .boot_ns = counted.last_ns};
	kind->last.exit = (struct event_exit){
		.who.pid = counted.last_pid,
		.role = ROLE_MEMBER,
		.cgroup_id = key->container_id,
		.signal = (int32_t)key->signal,
	};
	memcpy(kind->last.exit.comm, key->comm, sizeof(key->comm));
}

bool kernel_children_settle(struct kernel_children *children, uint64_t now_ns)
{
	bool unsettled = false;

	for (size_t i = 0; i < children->count; i++) {
		struct kind *kind = &children->kinds[i];

		if (!kind->key.container_id || kind->settled)
			continue;
		if (now_ns >= kind->record_ns + QUIET_NS)
			tell_rest(children, kind);
		else
			unsettled = true;
	}
	return unsettled;
}

void kernel_children_tell(struct kernel_children *children, uint64_t cgroup_id)
{
	for (size_t i = 0; i < children->count; i++)
		if (children->kinds[i].key.container_id == cgroup_id)
			tell_rest(children, &children->kinds[i]);
}

void kernel_children_forget(struct kernel_children *children, uint64_t cgroup_id)
{
	for (size_t i = 0; i < children->count; i++) {
		struct kind *kind = &children->kinds[i];

		if (kind->key.container_id != cgroup_id)
			continue;
		tell_rest(children, kind);
		children->table.forget(children->table.context, &kind->key);
		*kind = (struct kind){.settled = true};
	}
}
