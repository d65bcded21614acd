/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime, and before it the kubelet, did for a start: which step took the time.
 *
 * facts.c tells which shim, runtime and hook began and ended, pod.c what Kubernetes says of volumes and devices;
 * start.c asks for the steps of a start whose phases are complete. A step is between two things that were seen;
 * where a neighbour's border had to do for its own, it is marked.
 */
#pragma once

#include "track/container.h"
#include "track/pod.h"

/* The place among the container's steps, -1 if there is no room; `within`: it is inside of another. */
int32_t why_work_begin(struct container *container, const struct event_exec *exec, bool within,
		       uint64_t boot_ns);

/* The same process has executed another program: a wrapper, then the runtime itself. */
void why_work_again(struct container *container, int32_t step, const struct event_exec *exec,
		    uint64_t boot_ns);
/* Both do nothing for a place that the container has not (any more). */
void why_work_end(struct container *container, int32_t step, uint64_t boot_ns);

/* What a warning of Kubernetes says of a volume or device; false if nothing. */
bool why_work_trouble(const struct event_pod_trouble *trouble, struct work_step *ret);

/* sandbox and pod may be NULL. */
void why_work_fill(const struct container *sandbox, const struct container *container,
		   const struct pod *pod, struct record_start *start);
