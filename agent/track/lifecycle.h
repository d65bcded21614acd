/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When enough is known of a container to tell its start and its death.
 *
 * What happened is told as soon as it is certain (`final` false), and once more, final, when the
 * other sources have had the time to add what they know.
 */
#pragma once

#include "track/call.h"
#include "track/death/death.h"
#include "track/facts.h"
#include "track/gap.h"
#include "track/death/host.h"
#include "track/pod.h"
#include "track/pull/pull.h"
#include "track/death/stop.h"
#include "track/why/why.h"

struct lifecycle {
	struct containers *containers;
	const struct pulls *pulls;
	const struct pods *pods;
	const struct calls *calls;
	const struct whys *whys;
	const struct gaps *gaps;
	struct deaths *deaths;
	const struct stops *stops;
	const struct hosts *hosts;
	uint64_t start_window_ns;
	record_fn emit;
	void *context;
	uint64_t due_ns; /* earliest of all containers' */
};

/* A pod became Ready before our eyes: its own start. */
void lifecycle_pod_ready(struct lifecycle *lifecycle, const struct pod *pod);

/* A call is known by which it was made or started, before anybody watched: starts it was part of are told again. */
void lifecycle_call(struct lifecycle *lifecycle, const char *id, uint64_t now_ns);

/* So is a pull: starts of containers with this image are told again. */
void lifecycle_pull(struct lifecycle *lifecycle, const char *image, const char *image_id,
		    uint64_t now_ns);

/* Kubernetes has told more of this pod, or ("") the host of any: deaths in it are looked at again. */
void lifecycle_stops(struct lifecycle *lifecycle, const char *pod_uid, uint64_t now_ns);
/* Looks at one container after an event about it. */
void lifecycle_consider(struct lifecycle *lifecycle, struct container *container, uint64_t now_ns);

/* The listing that began at begin_ns is over: what it did not contain is gone. */
void lifecycle_synced(struct lifecycle *lifecycle, uint32_t generation, uint64_t begin_ns,
		      uint64_t now_ns);

void lifecycle_tick(struct lifecycle *lifecycle, uint64_t now_ns);
