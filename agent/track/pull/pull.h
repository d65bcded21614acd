/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image pulls: ingests, layers and unpacks joined by digest into one record per pull.
 *
 * containerd has no event for the beginning of a pull, and an ingest does not name its image. What
 * an image consists of is told when it is ready (EVENT_LAYER …, EVENT_IMAGE); only then are the
 * downloads and unpacks seen before put together. Ingests that vanish without an image are a failed pull.
 * While it goes on, its manifest tells of its layers (IMAGE_PULLING): then it is told every few seconds, not final.
 *
 * Of pulls before the agent containerd's log tells when they began and returned, and no more: neither how much came,
 * nor what was download and what unpack.
 */
#pragma once

#include "model/event.h"
#include "model/record.h"
#include "track/pod.h"

struct pulls;

struct pulls *pulls_new(record_fn emit, void *context);
void pulls_free(struct pulls *pulls);
/* Whose pods wait for an image is told with the pull. Borrowed. */
void pulls_know_pods(struct pulls *pulls, const struct pods *pods);

void pulls_event(struct pulls *pulls, const struct event *event, uint64_t now_ns);
/*
 * A pull that was logged (CRI_PULL_IMAGE). True: it is news, and starts may have it as a part. False: an agent saw it
 * live, or the image was there by then: each pod that wants it asks, and one brings it.
 */
bool pulls_logged(struct pulls *pulls, const struct event *event, uint64_t now_ns);

uint64_t pulls_next_tick_ns(const struct pulls *pulls);
void pulls_tick(struct pulls *pulls, uint64_t now_ns);
uint32_t pulls_count(const struct pulls *pulls);

/* Of those that ended between from and to, and began before to, the last; NULL if none, or if another goes on at to. */
const struct record_pull *pulls_before(const struct pulls *pulls, uint64_t from_ns, uint64_t to_ns);

/* The pull of this image (name, name@digest or image id) that ended between from and to; NULL if none. One seen goes first. */
const struct record_pull *pulls_find(const struct pulls *pulls, const char *image,
				     const char *image_id, uint64_t from_ns, uint64_t to_ns);
