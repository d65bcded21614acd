/* SPDX-License-Identifier: Apache-2.0 */
/* Events of every type by chance: few containers, pods, images and processes, so that they meet. */
#pragma once

#include "model/event.h"

struct chance {
	uint64_t state; /* not 0 */
};

uint64_t random_number(struct chance *chance);
uint32_t below(struct chance *chance, uint32_t limit);

/* Something that is read at now_ns; most of it happened in the seconds before. */
struct event random_event(struct chance *chance, uint64_t now_ns);
