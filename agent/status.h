/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's state as JSON, for `nodewake status`: is it well, what does it cost, what did it miss. */
#pragma once

#include <jansson.h>

#include "client/kube.h"
#include "sink/annotation_sink.h"
#include "sink/kube_event_sink.h"
#include "source/containerd_source.h"
#include "source/kernel_source.h"
#include "store/store.h"
#include "track/tracker.h"

/* kernel may be NULL; kernel_error then says why. kube may be NULL, and then the two sinks are. */
struct status_parts {
	const struct kernel_source *kernel;
	int kernel_error;
	const struct containerd_source *containerd;
	const struct tracker *tracker;
	struct store *store;
	const struct kube *kube;
	const struct kube_event_sink *events;
	const struct annotation_sink *annotations;
	const char *node_name;
	const char *boot_id;
	uint64_t since_ns;
};

/* Returns a new reference, NULL for want of memory. */
json_t *status_json(const struct status_parts *parts);
