/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to the API server: fills the store's outbox with what kube_event.c makes of new records, and writes
 * what is pending, by POST once and then by PATCH of the series with its absolute count, so that repeating a
 * write is harmless. Kept in the outbox until the server knows it: nothing is lost while it is away, or while
 * the daemon is not there. The daemon makes one, if there is a Kubernetes, and tells it of each stored record.
 *
 * What the server refuses for good (a namespace that is gone, an invalid object) is given up, counted and
 * logged; all else is tried again after a pause that grows. kube may be freed before the sink.
 */
#pragma once

#include <systemd/sd-event.h>

#include "client/kube/kube.h"
#include "sink/event/kube_event.h"
#include "store/store.h"

struct kube_event_sink;

struct kube_event_sink_options {
	struct store *store; /* its outbox is enabled here */
	struct kube *kube;
	const char *node_name; /* borrowed, like the two above; a valid name */
	const char *boot_id;
	uint64_t slow_start_ns, slow_pull_ns;
	bool share_log_lines;	/* let the lines of --log-lines go into Events */
	uint64_t retry_most_ns; /* longest pause between tries; 0: 30 s */
	uint64_t forbidden_ns;	/* so long a 403 may be the server's own start; 0: 2 min */
};

/* Returns 0 or a negative errno. */
int kube_event_sink_new(struct kube_event_sink **ret, sd_event *loop,
			const struct kube_event_sink_options *options);
void kube_event_sink_free(struct kube_event_sink *sink);

/* Records were stored, or the disk works again: looks soon, after what else happens now. */
void kube_event_sink_wake(struct kube_event_sink *sink);

struct kube_event_sink_stats {
	uint64_t pending; /* Events the server does not know, or not the latest count of */
	uint64_t created, updated, failed, given_up;
	int64_t last_write_wall_ns; /* 0: none so far */
};

void kube_event_sink_stats(const struct kube_event_sink *sink, struct kube_event_sink_stats *ret);
