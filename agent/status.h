/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's state as JSON, for `nodewake status`: is it well, what does it cost, what did it miss. */
#pragma once

#include <jansson.h>

#include "boot_sources.h"
#include "kubernetes.h"
#include "source/containerd/containerd_source.h"
#include "source/journal/journal_source.h"
#include "source/kernel/kernel_source.h"
#include "store/store.h"
#include "track/tracker.h"

/* kernel may be NULL; kernel_error then says why. kubernetes may be NULL. */
struct status_parts {
	const struct kernel_source *kernel;
	int kernel_error;
	const struct containerd_source *containerd;
	const struct boot_sources *boot;      /* NULL before it is open */
	const struct journal_source *journal; /* NULL: it could not be made */
	const struct tracker *tracker;
	struct store *store;
	const struct kubernetes *kubernetes;
	const char *boot_id;
	uint64_t since_ns;
	int64_t since_offset_ns; /* wall clock's to the boot clock, at since_ns */
	uint64_t tended_ns;	 /* when the daemon last looked after its store: every 10 s */
};

/* False too where the probes could be loaded, but none attached. */
static inline bool status_kernel_up(const struct status_parts *parts)
{
	return parts->kernel && parts->kernel_error >= 0;
}

/* Returns a new reference, NULL for want of memory. */
json_t *status_json(const struct status_parts *parts);
