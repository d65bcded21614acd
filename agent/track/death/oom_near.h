/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroups are near their limit now, and since when, as EVENT_MEMORY tells. */
#pragma once

#include "model/event.h"

struct oom_near;

struct oom_near *oom_near_new(void);
void oom_near_free(struct oom_near *all);

void oom_near_note(struct oom_near *all, const struct event *event);

/*
 * How long it had been near when somebody in it was killed at boot_ns; 0: not known, or it came there faster than it is
 * looked at. From then on it is not believed until the source has looked again: a kill may have helped.
 */
uint64_t oom_near_killed(struct oom_near *all, const char *path, uint64_t boot_ns);

/* Those that gave way to newer ones. */
uint64_t oom_near_evicted(const struct oom_near *all);
