/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd tells through its socket (native events, CRI and native listings), as events.
 *
 * daemon.c makes one. It subscribes, lists, lists again, polls downloads while there are any, and
 * reconnects by itself; each connection begins with SOURCE_UP and a listing between SOURCE_SYNC_BEGIN and
 * SOURCE_SYNC_END, each loss is a SOURCE_DOWN; SOURCE_AWAITED until it has begun. Every call has a deadline. It always
 * drains, so that containerd never queues for us.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "model/event.h"

struct containerd_source;

struct containerd_source_options {
	const char *socket;	    /* NULL: the first that exists of the known places */
	const char *namespace_name; /* NULL: k8s.io */
	uint32_t log_lines; /* of a container that ended: the last ones that it wrote; 0 none */
};

struct containerd_source_stats {
	bool connected;
	char socket[108];
	char version[64];
	uint64_t events, calls, failed_calls, reconnects, unknown_events, undecodable;
};

/* The one that it would choose now by itself; the first of the known places where none exists. */
const char *containerd_source_known_socket(void);

/* Never fails for want of a containerd: it keeps trying. Returns 0 or a negative errno. */
int containerd_source_new(struct containerd_source **ret, sd_event *loop,
			  const struct containerd_source_options *options, event_fn on_event,
			  void *context);
void containerd_source_free(struct containerd_source *source);

/* Asks CRI for one container's status soon: the daemon saw a hint (runc failed) that no event tells. */
void containerd_source_refresh(struct containerd_source *source, const char *container_id);

void containerd_source_stats(const struct containerd_source *source,
			     struct containerd_source_stats *ret);
