/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boots of this node usually take, and whether one is slower than that.
 *
 * Fed with earlier boots by whoever has the store (cli/, sink/), newest first, without the boot that is judged. Only
 * those that became ready count: what did not recover has no length. No I/O.
 *
 * "Usual", and what is slower than that: see usual.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"
#include "model/usual.h"

#define BOOT_HISTORY_MAX    50
#define BOOT_HISTORY_ENOUGH USUAL_ENOUGH

/* Zeroed is empty. */
struct boot_history {
	uint32_t count;
	uint64_t total_ns[BOOT_HISTORY_MAX];
	uint64_t phase_ns[BOOT_PHASE_COUNT][BOOT_HISTORY_MAX]; /* 0: the boot had no such phase */
};

/* From power-on where firmware tells of it, else from the kernel's start. */
uint64_t boot_total_ns(const struct record_boot *boot);

/* The length of one of its phases; 0 where there is none. */
uint64_t boot_phase_ns(const struct record_boot *boot, enum boot_phase phase);

/* Passes over boots that did not become ready, and what is more than BOOT_HISTORY_MAX. */
void boot_history_add(struct boot_history *history, const struct record_boot *boot);

/* Of the whole, or of a phase; zeroes where the history is empty. */
void boot_history_usual(const struct boot_history *history, struct usual *ret);
void boot_history_usual_phase(const struct boot_history *history, enum boot_phase phase,
			      struct usual *ret);

struct boot_verdict {
	uint32_t boots;	   /* it was compared with */
	bool enough;	   /* BOOT_HISTORY_ENOUGH of them; else all that follows is 0 */
	uint64_t usual_ns; /* the median of their totals */
	uint64_t spread_ns;
	uint64_t limit_ns; /* longer than this is slower than usual */
	bool slower;
	enum boot_phase grown; /* the phase that is longest above its own median; NONE: none is */
	uint64_t grown_ns;     /* by so much */
};

/* A boot that goes on is judged by what it took so far. */
void boot_history_judge(const struct boot_history *history, const struct record_boot *boot,
			struct boot_verdict *ret);
