/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node and its starting pods waited for: samples of the last starts, from which a start takes the difference
 * between its begin and its end.
 *
 * A part of struct whys. Counters grow, so a sample may be dropped without losing what lies around it: when there is
 * no room, the one goes that is missed least, closest to its neighbours for its age. Long ago they are sparser.
 */
#pragma once

#include "model/event.h"
#include "model/record.h"

#define PRESSURE_SAMPLES  96
#define PRESSURE_PODS_MAX 16

/* Of the node, or of one pod. */
struct pressure_series {
	char pod_uid[POD_UID_SIZE];
	uint32_t count;
	uint64_t at_ns[PRESSURE_SAMPLES]; /* oldest first */
	struct pressure_times times[PRESSURE_SAMPLES];
};

/* What is the node's alone, beside a sample of its series. */
struct node_sample {
	bool counted;
	uint64_t memory_total_bytes, memory_available_bytes; /* the least since the sample before */
	uint32_t disk_count;
	struct disk_load disks[PRESSURE_DISKS_MAX];
};

struct pressures {
	struct pressure_series node;
	struct node_sample more[PRESSURE_SAMPLES];
	uint32_t pod_count;
	struct pressure_series *pods[PRESSURE_PODS_MAX]; /* latest last */
};

void why_pressure_note(struct pressures *pressures, const struct event *event);
void why_pressure_clear(struct pressures *pressures);

/*
 * Of app and probe, where they are at least half of what was watched of the start, else of all that was watched. The
 * span that it was measured over is told with it.
 */
void why_pressure_fill(const struct pressures *pressures, const char *pod_uid,
		       struct record_start *start);
