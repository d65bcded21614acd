/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that exist before the probes are attached. */
#pragma once

#include "model/event.h"
#include "source/kernel/kernel_probes.h"

/*
 * Call after attaching: what comes into being meanwhile is then seen by either, and events are
 * idempotent. Emits an EVENT_CGROUP_NEW with EVENT_RECONSTRUCTED for each container found, and tells
 * the probes, so that their deaths are seen. Returns how many, or a negative errno.
 */
int kernel_seed(struct kernel_probes *probes, const char *deciding_dir, event_fn on_event,
		void *context);
