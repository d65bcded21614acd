/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Two tellings of one activation agree within this time. */
#define SAME_NS NS_PER_MS

void boot_units_clear(struct boot_units *units)
{
	struct boot_unit *unit, *next;

	HASH_ITER (hh, units->by_name, unit, next) {
		HASH_DEL(units->by_name, unit);
		free(unit);
	}
	free(units->edges);
	units->edges = NULL;
	units->edge_count = units->edge_room = 0;
}

static struct boot_unit *find(const struct boot_units *units, const char *name)
{
	struct boot_unit *unit;

	HASH_FIND_STR(units->by_name, name, unit);
	return unit;
}

const struct boot_unit *boot_units_find(const struct boot_units *units, const char *name)
{
	return find(units, name);
}

/* No room: the new one is left out, since edges point to those that are there. */
static struct boot_unit *get(struct boot_units *units, const char *name)
{
	struct boot_unit *unit = find(units, name);

	if (unit || !*name)
		return unit;
	if (HASH_COUNT(units->by_name) < BOOT_UNITS_MAX)
		unit = calloc(1, sizeof(*unit));
	if (!unit) {
		units->lost++;
		return NULL;
	}
	TEXT_COPY(unit->name, name);
	HASH_ADD_STR(units->by_name, name, unit);
	return unit;
}

static bool learn(uint64_t *fact, uint64_t ns)
{
	if (!ns || *fact)
		return false;
	*fact = ns;
	return true;
}

/* Its first activation failed, or goes on: then a later one is the end of it. */
static bool awaited(const struct boot_unit *unit)
{
	return !unit->active_ns && (*unit->result || !unit->end_ns);
}

bool boot_units_note(struct boot_units *units, const struct event *event, uint64_t until_ns)
{
	const struct event_unit *told = &event->unit;
	struct boot_unit *unit;
	bool news = false;

	if (!told->begin_ns || told->begin_ns > until_ns || !(unit = get(units, told->name)))
		return false;
	bool first = !unit->begin_ns || told->begin_ns + SAME_NS < unit->begin_ns;
	bool later = !first && told->begin_ns > unit->begin_ns + SAME_NS;

	if (first) {
		unit->begin_ns = told->begin_ns;
		unit->active_ns = unit->end_ns = 0;
		unit->reconstructed = event->flags & EVENT_RECONSTRUCTED;
		news = true;
	} else if (later && (!awaited(unit) || !told->active_ns)) {
		return false;
	}
	bool had_ended = unit->end_ns;

	news |= learn(&unit->active_ns, told->active_ns);
	news |= !later && learn(&unit->end_ns, told->end_ns);
	/* the reason of an end after it had been active is of no interest to its start */
	if (strcmp(unit->result, told->result) != 0 && (first || later || !had_ended)) {
		TEXT_COPY(unit->result, told->result);
		news = true;
	}
	unit->untold |= news;
	units->untold |= news;
	return news;
}

bool boot_units_note_after(struct boot_units *units, const struct event_unit_after *told)
{
	struct boot_unit *unit = get(units, told->unit), *after = get(units, told->after);

	if (!unit || !after || unit == after)
		return false;
	for (uint32_t i = 0; i < units->edge_count; i++)
		if (units->edges[i].unit == unit && units->edges[i].after == after)
			return false;
	if (units->edge_count == BOOT_EDGES_MAX) {
		units->lost++;
		return false;
	}
	if (units->edge_count == units->edge_room) {
		uint32_t room = units->edge_room ? units->edge_room * 2 : 64;
		struct boot_edge *more = reallocarray(units->edges, room, sizeof(*more));

		if (!more) {
			units->lost++;
			return false;
		}
		units->edges = more;
		units->edge_room = room;
	}
	units->edges[units->edge_count++] = (struct boot_edge){unit, after};
	unit->untold |= unit->begin_ns != 0;
	units->untold |= unit->untold;
	return true;
}

uint64_t boot_unit_done_ns(const struct boot_unit *unit)
{
	return unit->active_ns ? unit->active_ns : unit->end_ns;
}

const struct boot_unit *boot_units_before(const struct boot_units *units,
					  const struct boot_unit *unit)
{
	const struct boot_unit *last = NULL;

	for (uint32_t i = 0; i < units->edge_count; i++) {
		const struct boot_unit *after = units->edges[i].after;
		uint64_t done_ns = boot_unit_done_ns(after);

		if (units->edges[i].unit != unit || !after->begin_ns || !done_ns ||
		    done_ns > unit->begin_ns)
			continue;
		if (!last || done_ns > boot_unit_done_ns(last) ||
		    (done_ns == boot_unit_done_ns(last) && after->begin_ns > last->begin_ns))
			last = after;
	}
	return last;
}

/* As the field names them; K3s and RKE2 have the container runtime and the kubelet inside. */
static const char *const all_in_one[] = {"k3s.service", "k3s-agent.service", "rke2-server.service",
					 "rke2-agent.service"};
static const char *const apart[] = {"kubelet.service", "containerd.service", "crio.service"};

static const struct boot_unit *begun(const struct boot_units *units, const char *name)
{
	const struct boot_unit *unit = find(units, name);

	return unit && unit->begin_ns ? unit : NULL;
}

static const struct boot_unit *later_of(const struct boot_unit *a, const struct boot_unit *b)
{
	return !a ? b : !b ? a : a->begin_ns > b->begin_ns ? a : b;
}

static bool is_one_of(const struct boot_unit *unit, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(unit->name, names[i]) == 0)
			return true;
	return false;
}

const struct boot_unit *boot_units_runtime(const struct boot_units *units, const char *runtime_name,
					   const char *kubelet_name)
{
	const struct boot_unit *unit =
		later_of(begun(units, runtime_name), begun(units, kubelet_name));
	const struct boot_unit *before;

	for (size_t i = 0; i < sizeof(all_in_one) / sizeof(*all_in_one) && !unit; i++)
		unit = begun(units, all_in_one[i]);
	if (!unit)
		for (size_t i = 0; i < sizeof(apart) / sizeof(*apart); i++)
			unit = later_of(unit, begun(units, apart[i]));
	while (unit && (before = boot_units_before(units, unit)) && before != unit &&
	       before->begin_ns < unit->begin_ns &&
	       (is_one_of(before, apart, sizeof(apart) / sizeof(*apart)) ||
		strcmp(before->name, runtime_name) == 0))
		unit = before;
	return unit;
}

const struct boot_unit *boot_units_activating(const struct boot_units *units)
{
	const struct boot_unit *first = NULL;

	for (const struct boot_unit *unit = units->by_name; unit; unit = unit->hh.next)
		if (unit->begin_ns && !boot_unit_done_ns(unit) &&
		    (!first || unit->begin_ns < first->begin_ns))
			first = unit;
	return first;
}

static void tell(const struct boot_units *units, const struct boot_unit *unit, record_fn emit,
		 void *context)
{
	uint64_t done_ns = boot_unit_done_ns(unit);
	const struct boot_unit *before = boot_units_before(units, unit);
	struct record record = {
		.type = RECORD_UNIT,
		.final = done_ns != 0,
		.boot_ns = done_ns ? done_ns : unit->begin_ns,
		.unit.span = {unit->begin_ns, done_ns},
	};

	/* the ends of long names differ, not their beginnings */
	text_copy_tail(record.key, sizeof(record.key), unit->name);
	TEXT_COPY(record.unit.name, unit->name);
	TEXT_COPY(record.unit.result, unit->result);
	if (before)
		TEXT_COPY(record.unit.after, before->name);
	emit(context, &record);
}

void boot_units_tell(struct boot_units *units, record_fn emit, void *context)
{
	units->untold = false;
	for (struct boot_unit *unit = units->by_name; unit; unit = unit->hh.next) {
		if (!unit->untold)
			continue;
		unit->untold = false;
		tell(units, unit, emit, context);
	}
}
