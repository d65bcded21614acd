/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics that are not made of records: plain numbers of the sources, the store, the process, which the
 * daemon fills in when it is asked (sinks may not know sources and stores). Zero is a good value for what
 * there is not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/kube/kube.h"
#include "model/event.h"

#define METRICS_PROGRAMS_MAX 32

struct metrics_figures {
	struct metrics_source {
		bool configured; /* false: turned off, there are no series */
		bool up;
		uint64_t events;
	} sources[SOURCE_KIND_COUNT];
	uint64_t kernel_lost;
	uint32_t program_count;
	struct metrics_program {
		char name[32];
		uint64_t runs, run_ns;
	} programs[METRICS_PROGRAMS_MAX];
	uint64_t bpf_map_bytes;
	uint64_t containers;
	uint64_t store_bytes, store_waiting, store_dropped;
	uint64_t outbox_events;
	uint64_t api_requests[KUBE_VERB_COUNT], api_failures;
	uint64_t rss_bytes, pss_bytes, cpu_ns;
	uint64_t boot_wall_ns, started_wall_ns; /* of the machine, of the agent */
};

void metrics_figures_write(FILE *out, const struct metrics_figures *figures);
