/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What starts of one image usually take, phase by phase, and what the latest of them took against that. Fed by whoever
 * has the store (cli/), oldest first. No I/O. See usual.h for what "usual" is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"
#include "model/usual.h"

struct start_sample {
	uint64_t total_ns;
	uint64_t phase_ns[PHASE_COUNT]; /* 0: the start had no such phase */
	bool reconstructed;
};

/* A container's start that came about: what failed, or is a pod's own, can't be compared. */
bool start_history_counts(const struct record *record);

struct start_sample start_history_sample(const struct record *record);

struct start_verdict {
	uint32_t earlier;			 /* starts that the latest is compared with */
	uint32_t reconstructed;			 /* of all, the latest included */
	struct usual total, phases[PHASE_COUNT]; /* of the earlier ones */
	bool enough;				 /* USUAL_ENOUGH of them: else nobody can say */
	bool slower;
	enum phase grown; /* the phase that is longest above its own median; NONE: none is */
	uint64_t grown_ns;
};

/* Judges the last of them by those before it. Returns 0 or -ENOMEM. */
int start_history_judge(const struct start_sample *samples, uint32_t count,
			struct start_verdict *ret);
