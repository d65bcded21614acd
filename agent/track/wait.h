/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pods and their containers wait for, as Kubernetes alone knows: RECORD_WAIT.
 *
 * A wait is told when it begins, again now and then while it goes on, and for good when it is over: when its
 * reason has not come back for a while, or with the pod. ErrImagePull and ImagePullBackOff take turns and are
 * one wait; so are the pauses of one crash loop.
 */
#pragma once

#include "track/pod.h"

struct waits;

struct waits *waits_new(const struct pods *pods, record_fn emit, void *context);
void waits_free(struct waits *waits);

/* Before the event that a pod is gone reaches the pods. */
void waits_event(struct waits *waits, const struct event *event, uint64_t now_ns);
uint64_t waits_next_tick_ns(const struct waits *waits);
void waits_tick(struct waits *waits, uint64_t now_ns);

/* The kubelet's own words: "back-off 1m20s restarting failed container=..."; 0 if it is not said. */
uint64_t wait_back_off_ns(const char *message);
