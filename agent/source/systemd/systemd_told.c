/* SPDX-License-Identifier: Apache-2.0 */
#include "source/systemd/systemd_told.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/text.h"

struct told_unit {
	UT_hash_handle hh; /* by its name, cut as events have it */
	uint32_t index;
	uint32_t flags;
	uint64_t boot_ns;
	struct event_unit unit;
};

struct systemd_told {
	event_fn on_event;
	void *context;
	struct told_unit *units;
	struct systemd_told_stats stats;
	uint8_t edges[SYSTEMD_UNITS_MAX][SYSTEMD_UNITS_MAX / 8];
};

struct systemd_told *systemd_told_new(event_fn on_event, void *context)
{
	struct systemd_told *told = calloc(1, sizeof(*told));

	if (told) {
		told->on_event = on_event;
		told->context = context;
	}
	return told;
}

void systemd_told_free(struct systemd_told *told)
{
	struct told_unit *unit, *next;

	if (!told)
		return;
	HASH_ITER (hh, told->units, unit, next) {
		HASH_DEL(told->units, unit);
		free(unit);
	}
	free(told);
}

static struct told_unit *find(const struct systemd_told *told, const char *name)
{
	char cut[UNIT_SIZE];
	struct told_unit *found;

	TEXT_COPY(cut, name);
	HASH_FIND_STR(told->units, cut, found);
	return found;
}

static bool is_complete(const struct event_unit *unit)
{
	return unit->active_ns || (unit->end_ns && !*unit->result);
}

bool systemd_told_complete(const struct systemd_told *told, const char *name)
{
	const struct told_unit *unit = find(told, name);

	return unit && is_complete(&unit->unit);
}

static void emit(struct systemd_told *told, const struct told_unit *unit)
{
	const struct event event = {
		.type = EVENT_UNIT,
		.flags = unit->flags,
		.boot_ns = unit->boot_ns,
		.unit = unit->unit,
	};

	told->on_event(told->context, &event);
}

/* A try that failed goes on in the next; one that has succeeded is never changed. */
static void merge(struct systemd_told *told, struct told_unit *known, const struct event *event)
{
	struct event_unit unit = event->unit;

	if (is_complete(&known->unit))
		return;
	unit.begin_ns = known->unit.begin_ns;
	if (unit.active_ns == known->unit.active_ns && unit.end_ns == known->unit.end_ns &&
	    strcmp(unit.result, known->unit.result) == 0)
		return;
	/* it changed between two readings: before our eyes, and its begin is known */
	known->flags = 0;
	known->boot_ns = event->boot_ns;
	known->unit = unit;
	emit(told, known);
}

bool systemd_told_unit(struct systemd_told *told, const struct event *event)
{
	struct told_unit *unit = find(told, event->unit.name);

	if (unit) {
		merge(told, unit, event);
		return true;
	}
	if (told->stats.units == SYSTEMD_UNITS_MAX)
		return false;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return false;
	unit->index = told->stats.units++;
	unit->flags = event->flags;
	unit->boot_ns = event->boot_ns;
	unit->unit = event->unit;
	HASH_ADD_STR(told->units, unit.name, unit);
	emit(told, unit);
	return true;
}

bool systemd_told_after(struct systemd_told *told, const char *unit_name, const char *after_name)
{
	const struct told_unit *unit = find(told, unit_name), *after = find(told, after_name);
	struct event event = {.type = EVENT_UNIT_AFTER};

	if (!unit || !after)
		return true;
	uint8_t *byte = &told->edges[unit->index][after->index / 8];
	uint8_t bit = (uint8_t)(1u << after->index % 8);

	if (*byte & bit)
		return true;
	if (told->stats.edges == SYSTEMD_EDGES_MAX)
		return false;
	told->stats.edges++;
	*byte |= bit;
	event.flags = unit->flags;
	event.boot_ns = unit->unit.begin_ns;
	TEXT_COPY(event.unit_after.unit, unit->unit.name);
	TEXT_COPY(event.unit_after.after, after->unit.name);
	told->on_event(told->context, &event);
	return true;
}

void systemd_told_stats(const struct systemd_told *told, struct systemd_told_stats *ret)
{
	*ret = told->stats;
}
