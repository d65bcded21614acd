/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the runtime was asked to stop a container: what Kubernetes told of its pod at about that time.
 *
 * The kubelet stops, the runtime kills, and only Kubernetes knows why: by the pod's status, by its being deleted,
 * by Events. lifecycle.c asks here when it tells a death, and tells it again where the answer comes later. Facts of pods
 * that are gone are kept for a while. docs/stops.md has the table of causes.
 */
#pragma once

#include "track/container.h"

struct stops;

struct stops *stops_new(void);
void stops_free(struct stops *stops);

/* The uid of the pod in which something may have been stopped for this; "" any pod, NULL none. */
const char *stops_event(struct stops *stops, const struct event *event);

/* Is this container's pod known from Kubernetes, so that a cause may come? */
bool stops_know(const struct stops *stops, const char *pod_uid);

/* Pods that had to give way to others so far. */
uint64_t stops_evicted(const struct stops *stops);

/* Whether a deletion's cause may still turn out to be a drain. */
bool stops_may_refine(const struct stops *stops, enum stop_cause cause);

/* Puts cause, told, grace and hook into a death's record, of a container that the runtime stopped. */
void stops_fill(const struct stops *stops, const struct container *container,
		struct record_exit *exit);
