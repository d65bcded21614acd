/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd units of this boot and what they were ordered after: for boot.c, which tells each as RECORD_UNIT,
 * and for boot_path.c, which walks them back as `systemd-analyze critical-chain` does.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"

#define BOOT_UNITS_MAX 512
#define BOOT_EDGES_MAX 4096

struct boot_unit {
	char name[UNIT_SIZE];
	uint64_t begin_ns, active_ns, end_ns; /* of its first activation; begin 0: not begun */
	char result[REASON_SIZE];
	bool reconstructed;
	bool untold; /* what is known of it has not been told so far */
	UT_hash_handle hh;
};

struct boot_edge {
	struct boot_unit *unit, *after;
};

struct boot_units {
	struct boot_unit *by_name;
	struct boot_edge *edges;
	uint32_t edge_count, edge_room;
	bool untold;   /* one of them is */
	uint64_t lost; /* units and edges that found no room */
};

void boot_units_clear(struct boot_units *units);

/* Activations after until_ns are no part of the boot. Both return true if anything is new. */
bool boot_units_note(struct boot_units *units, const struct event *event, uint64_t until_ns);
bool boot_units_note_after(struct boot_units *units, const struct event_unit_after *told);

const struct boot_unit *boot_units_find(const struct boot_units *units, const char *name);

/* When those that are ordered after it could go on: it was active, or had ended; 0: not so far. */
uint64_t boot_unit_done_ns(const struct boot_unit *unit);

/* Of the units it was ordered after, the one that was done last before it began; NULL if there is none. */
const struct boot_unit *boot_units_before(const struct boot_units *units,
					  const struct boot_unit *unit);

/*
 * The unit whose activation the pods waited for: the container runtime's or the kubelet's, whichever began later,
 * or, if that waited for the other, the other. The names are those that milestones told, "" where they did not.
 */
const struct boot_unit *boot_units_runtime(const struct boot_units *units, const char *runtime_name,
					   const char *kubelet_name);

/* One that is activating now, for the longest time; NULL if none is. */
const struct boot_unit *boot_units_activating(const struct boot_units *units);

/* Emits a record of each unit that has news. */
void boot_units_tell(struct boot_units *units, record_fn emit, void *context);
