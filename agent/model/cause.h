/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What took the time of a start: the causes that its record has evidence for, and the greatest of them in words.
 *
 * For all who show a start in one line (Events, annotations, `starts`, `explain`) and for track/why/advice.c. Texts may
 * hold names from outside as they came: whoever prints them does so by text_print_safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/record.h"

enum cause_kind {
	CAUSE_NONE, /* the phase itself: nothing inside it explains most of it */
	CAUSE_CPU,
	CAUSE_RUN_QUEUE,
	CAUSE_THROTTLED,
	CAUSE_DISK, /* index: of files, where there is one */
	CAUSE_NETWORK,
	CAUSE_LOCK,
	CAUSE_SLEEP,
	CAUSE_READ,   /* the same; how long it waited for it was not measured */
	CAUSE_PEER,   /* index: of peers */
	CAUSE_DNS,    /* the same */
	CAUSE_PROBE,  /* readiness and startup probes: able to answer, but not asked */
	CAUSE_PLUGIN, /* index: of plugins */
	CAUSE_WORK,   /* index: of work */
	CAUSE_QUEUE,  /* another image's pull had its turn */
	CAUSE_RESOLVE,
	CAUSE_DOWNLOAD,
	CAUSE_LAYER, /* another image's pull was fetching one of its layers */
	CAUSE_UNPACK, /* where that takes longer than the download, else what was left of it behind that */
	CAUSE_KIND_COUNT
};

struct cause {
	enum cause_kind kind;
	enum phase phase;
	uint32_t phase_index; /* of phases: a start has several waits */
	uint32_t index;	      /* of what the kind says */
	uint64_t phase_ns;    /* length of the phase */
	uint64_t ns;	      /* of it: this cause's */
};

#define CAUSES_MAX 64

/* All causes of all phases, as far as they are known, in the order of the phases; returns how many. */
uint32_t cause_list(const struct record_start *start, struct cause ret[static CAUSES_MAX]);

/* The greatest of a phase, if that is at least a third of it; returns whether there is one. */
bool cause_of_phase(const struct record_start *start, enum phase phase, struct cause *ret);

/* Of this phase: how long it waited for a peer. Tries that fail fill the time between them too. */
uint64_t cause_peer_ns(const struct peer_wait *peer, const struct phase_span *phase);

/* The largest that was read in this phase, of those that are told; NULL: none was. */
const struct file_read *cause_file(const struct record_start *start,
				   const struct phase_span *phase);

/* One of start's in words, with its time: "throttled 24.3s (71 %) by its CPU limit"; nothing for CAUSE_NONE. */
void cause_print(FILE *out, const struct record_start *start, const struct cause *cause);

/*
 * The longest phase and what took most of it, if that is at least a third:
 * "app 34.2s: throttled 24.3s (71 %) by its CPU limit", "sandbox 8.10s: CNI plugin slow-cni 8.00s",
 * "pull 61.0s: download 58.0s, 3.9GiB at 69 MB/s". Returns the cause's ns (the phase's, if there is none inside it);
 * 0 and "" for a start without phases.
 */
uint64_t start_cause(const struct record_start *start, char ret_text[static CAUSE_SIZE]);
