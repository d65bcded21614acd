/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and DNS questions that a starting container waited for, each told once: the kernel writes at most two records per second and target and counts
 * the others; here is known how many of them were told, so that none is left out at the end.
 *
 * kernel_source.c hands in each record, says when a start is over, and looks after those that went quiet.
 */
#pragma once

#include "bpf/wire.h"
#include "model/event.h"

struct kernel_connects;

/* What the kernel has counted of a target. Returns 0 or a negative errno. */
typedef int (*kernel_failures_fn)(void *context, const struct wire_target *target,
				  struct wire_failures *ret);

/* Returns 0 or -ENOMEM. */
int kernel_connects_new(struct kernel_connects **ret, kernel_failures_fn read, void *read_context,
			event_fn on_event, void *context);
void kernel_connects_free(struct kernel_connects *connects);

/* A record, which may lie anywhere, and its event: told with the failures since the last event. */
void kernel_connects_take(struct kernel_connects *connects, const void *record,
			  const struct event *event);

/* Tells what has no record yet of one container, because nothing more will come of it. */
void kernel_connects_tell(struct kernel_connects *connects, uint64_t cgroup_id);

/* … and of the targets whose last record is old. Returns whether others are left: call again in a second. */
bool kernel_connects_settle(struct kernel_connects *connects, uint64_t now_ns);
