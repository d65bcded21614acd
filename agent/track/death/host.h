/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of the host: kept for a while to go with deaths, and told as records, repeats within a minute as one.
 * Which facts explain which deaths is host_join.c's.
 */
#pragma once

#include <stdint.h>

#include "model/event.h"
#include "model/record.h"

/* The last ones; the oldest gives way. */
#define HOST_FACTS_MAX 64

struct host_fact_seen {
	uint64_t first_ns, last_ns; /* 0: the place is free */
	struct event_host host;	    /* the last one, count: of all */
	bool told_final;
};

struct hosts {
	record_fn emit;
	void *context;
	struct host_fact_seen facts[HOST_FACTS_MAX];
};

/* True if it was a fact of the host. */
bool hosts_event(struct hosts *hosts, const struct event *event);
uint64_t hosts_next_tick_ns(const struct hosts *hosts);
void hosts_tick(struct hosts *hosts, uint64_t now_ns);
