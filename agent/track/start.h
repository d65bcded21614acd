/* SPDX-License-Identifier: Apache-2.0 */
/* A container's start as a chain of phases, from the facts known by now. */
#pragma once

#include "track/container.h"
#include "track/pull.h"

/*
 * Fills ret with the phases from the first sign of the pod (of the restart, if it is one) to the
 * first listen or, until then, the entrypoint's exec; phases are gapless. Returns false if the
 * container has no start to tell of.
 */
bool start_build(const struct containers *all, const struct container *container,
		 const struct pulls *pulls, struct record_start *ret);
