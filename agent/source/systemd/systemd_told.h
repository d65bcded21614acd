/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was told of this boot's units so far: the first activation stays, news of it are told again, and an edge once.
 * Bounded. Called by the systemd source; knows no connection.
 */
#pragma once

#include "model/event.h"

#define SYSTEMD_UNITS_MAX 512
#define SYSTEMD_EDGES_MAX 4096

struct systemd_told;

struct systemd_told_stats {
	uint32_t units, edges;
};

/* Returns NULL for want of memory. */
struct systemd_told *systemd_told_new(event_fn on_event, void *context);
void systemd_told_free(struct systemd_told *told);

/* True if nothing more can be learnt of this unit's first activation. */
bool systemd_told_complete(const struct systemd_told *told, const char *name);

/*
 * Tells an EVENT_UNIT, if it is news. A unit that failed at first and became active later is told as one activation,
 * from its first try on. False if there is no room for another.
 */
bool systemd_told_unit(struct systemd_told *told, const struct event *unit);

/* Tells that unit was ordered after another, if both are told. False if there is no room. */
bool systemd_told_after(struct systemd_told *told, const char *unit, const char *after);

void systemd_told_stats(const struct systemd_told *told, struct systemd_told_stats *ret);
