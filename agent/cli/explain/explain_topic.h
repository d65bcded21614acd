/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each topic adds to a start as explain prints it: a file of its own each (explain_*.c), hooked into the two tables
 * of explain_text.c. A topic prints nothing where it knows nothing.
 */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* Rows below a phase; called for each phase. */
typedef void (*explain_below_fn)(FILE *out, const struct record_start *start,
				 const struct phase_span *phase);

void explain_network(FILE *out, const struct record_start *start, const struct phase_span *phase);
void explain_work(FILE *out, const struct record_start *start, const struct phase_span *phase);
void explain_pull(FILE *out, const struct record_start *start, const struct phase_span *phase);
void explain_stalls(FILE *out, const struct record_start *start, const struct phase_span *phase);
void explain_files(FILE *out, const struct record_start *start, const struct phase_span *phase);
void explain_peers(FILE *out, const struct record_start *start, const struct phase_span *phase);

/* Lines behind all that was printed of a start. */
typedef void (*explain_after_fn)(FILE *out, const struct record_start *start);

/* How many others were starting at the same time. */
void explain_competing(FILE *out, const struct record_start *start);

/* What the node waited for, what probes cost, what to do. */
void explain_advice(FILE *out, const struct record_start *start);

/* The kinds of stalls, the largest first. */
void explain_stalls_order(const struct stall_times *times, enum stall ret[static STALL_COUNT]);
