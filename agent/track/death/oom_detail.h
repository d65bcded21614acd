/* SPDX-License-Identifier: Apache-2.0 */
/* What was there right after a kill goes into its record: the memory, the neighbours, the pods. */
#pragma once

#include "track/container.h"
#include "track/pod.h"

/* victim: which of the record's it was read for. */
void oom_detail_memory(struct record_oom *record, uint32_t victim,
		       const struct event_memory *memory);

/* container_id: the victim's. */
void oom_detail_neighbour(const struct containers *containers, struct record_oom *record,
			  const char *container_id, const struct event_neighbour *neighbour);

/* One that uses what it requested, or less, is left out; where requests are not known, all are told. */
void oom_detail_pod(const struct containers *containers, const struct pods *pods,
		    struct record_oom *record, const struct event_pod_memory *told);
