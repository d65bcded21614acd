/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deaths of containers' children, made whole: the kernel tells the first of a kind and then a few a second; here each
 * event gets the count of those since the last, and what was counted last is told a second later.
 */
#pragma once

#include "bpf/wire.h"
#include "model/event.h"

struct kernel_children;

/* The kernel's table of them, by kind. read: what it counted, 0 or a negative errno; told, tell: the total that was told, also by an agent before. */
struct kernel_child_table {
	void *context;
	int (*read)(void *context, const struct wire_child_key *key, struct wire_children *ret);
	uint32_t (*told)(void *context, const struct wire_child_key *key);
	void (*tell)(void *context, const struct wire_child_key *key, uint32_t total);
	void (*forget)(void *context, const struct wire_child_key *key);
};

int kernel_children_new(struct kernel_children **ret, const struct kernel_child_table *table,
			event_fn on_event, void *context);
void kernel_children_free(struct kernel_children *children);

/* A record of the ring, and the event that it was decoded to: told with its count. */
void kernel_children_take(struct kernel_children *children, const struct wire_exit *wire,
			  struct event *event);

/*
 * A kind that was counted before this agent, before the ring is read: kernel_children_settle tells what no agent has told of it, by its
 * numbers alone if the ring has no record of it.
 */
void kernel_children_adopt(struct kernel_children *children, const struct wire_child_key *key,
			   uint64_t now_ns);

/* Tells what was counted since. Returns true while something may be left to tell. */
bool kernel_children_settle(struct kernel_children *children, uint64_t now_ns);

/* The container's first process ends: what was counted of it comes before that. */
void kernel_children_tell(struct kernel_children *children, uint64_t cgroup_id);

/* The container's cgroup is gone. */
void kernel_children_forget(struct kernel_children *children, uint64_t cgroup_id);
