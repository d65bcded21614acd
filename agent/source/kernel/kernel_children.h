/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deaths of containers' children, made whole: the kernel tells the first of a kind and then a few a second; here each
 * event gets the count of those since the last, and what was counted last is told a second later.
 */
#pragma once

#include "bpf/wire.h"
#include "model/event.h"

struct kernel_children;

/* What the kernel counted of one kind: 0 or negative errno; and that it may forget it. */
typedef int (*kernel_children_fn)(void *context, const struct wire_child_key *key,
				  struct wire_children *ret);
typedef void (*kernel_forget_fn)(void *context, const struct wire_child_key *key);

int kernel_children_new(struct kernel_children **ret, kernel_children_fn read,
			kernel_forget_fn forget, void *read_context, event_fn on_event,
			void *context);
void kernel_children_free(struct kernel_children *children);

/* A record of the ring, and the event that it was decoded to: told with its count. */
void kernel_children_take(struct kernel_children *children, const struct wire_exit *wire,
			  struct event *event);

/* Tells what was counted since. Returns true while something may be left to tell. */
bool kernel_children_settle(struct kernel_children *children, uint64_t now_ns);

/* The container's first process ends: what was counted of it comes before that. */
void kernel_children_tell(struct kernel_children *children, uint64_t cgroup_id);

/* The container's cgroup is gone. */
void kernel_children_forget(struct kernel_children *children, uint64_t cgroup_id);
