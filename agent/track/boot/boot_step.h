/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a critical path, gathered from its end to its beginning without gaps. */
#pragma once

#include "model/record.h"

struct gathered_step;

struct boot_steps {
	struct gathered_step *all; /* from the last to the first */
	uint32_t count;
	uint64_t cursor_ns; /* where the step that comes before ends */
	uint32_t left_out;
};

/* Returns 0 or -ENOMEM. */
int boot_steps_begin(struct boot_steps *steps, uint64_t end_ns);

/* One from from_ns up to the cursor, which moves there; NULL where no time is left for it. */
struct boot_step *boot_steps_add(struct boot_steps *steps, enum boot_step_kind kind,
				 uint64_t from_ns, const char *name);

/*
 * Puts them into boot, first to last. Short ones (below 1 % of the whole) are joined with their like beside them,
 * named after the longest, or with a neighbour so long that it is no matter; unexplained time of some ms too.
 */
void boot_steps_end(struct boot_steps *steps, struct record_boot *boot);
