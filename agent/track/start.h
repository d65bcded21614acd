/* SPDX-License-Identifier: Apache-2.0 */
/* A container's start as a chain of phases, from the facts known by now. */
#pragma once

#include "track/call.h"
#include "track/container.h"
#include "track/pod.h"
#include "track/pull/pull.h"
#include "track/why/why.h"

/* Where the facts are. */
struct start_facts {
	const struct containers *containers;
	const struct pulls *pulls;
	const struct pods *pods;
	const struct calls *calls;
	const struct whys *whys;
};

/*
 * Fills ret with the phases from the pod's creation (its first sign, where there is no Kubernetes; that of the
 * restart, if it is one) to the moment it was called ready, its first listen or, until then, the
 * entrypoint's exec; phases are gapless. Returns false if the container has no start to tell of.
 */
bool start_build(const struct start_facts *facts, const struct container *container,
		 struct record_start *ret);

/* Whether it is of the same pod and succeeded before the work for `later` began: as an init container does. */
bool start_precedes(const struct container *container, const struct container *later);

/*
 * A pod's own start, created to Ready, with the phases of the container that was ready last. False if the
 * containers that it became Ready with are not its first ones, or not known.
 */
bool start_build_pod(const struct start_facts *facts, const struct pod *pod,
		     struct record_start *ret);
