/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OOM kills: victims of one kill folded together, with whose limit it was and who survived.
 *
 * A record is told at once when the first victim's end is seen, and again, final, a second later:
 * only then is it known whether the container outlived its child.
 */
#pragma once

#include "track/container.h"
#include "track/pod.h"

struct ooms;

struct ooms *ooms_new(const struct containers *containers, const struct pods *pods, record_fn emit,
		      void *context);
void ooms_free(struct ooms *ooms);

void ooms_event(struct ooms *ooms, const struct event *event, uint64_t now_ns);
uint64_t ooms_next_tick_ns(const struct ooms *ooms);
void ooms_tick(struct ooms *ooms, uint64_t now_ns);

/* Series and cgroups near their limit that found no room. */
uint64_t ooms_lost(const struct ooms *ooms);
