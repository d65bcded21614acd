/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children of a container that die by a signal while it goes on: RECORD_CHILD, one for each program of a container.
 *
 * What counts as a death is decided where it is seen (bpf/child.bpf.c): faults always, other signals only where they
 * are not the container's own housekeeping. Victims of an OOM kill are told by oom.c. The first death is told at once,
 * once more when it shows whether the container goes on, then at most each 10 s while there are more.
 */
#pragma once

#include "track/container.h"

struct children;

struct children *children_new(struct containers *containers, record_fn emit, void *context);
void children_free(struct children *children);

void children_event(struct children *children, const struct event *event, uint64_t now_ns);
uint64_t children_next_tick_ns(const struct children *children);
void children_tick(struct children *children, uint64_t now_ns);

/* Deaths of programs that were forgotten, since there were too many at once, before all of them had been told. */
uint64_t children_lost(const struct children *children);
