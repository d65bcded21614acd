/* SPDX-License-Identifier: Apache-2.0 */
#include "track/death/oom_detail.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

void oom_detail_memory(struct record_oom *record, uint32_t victim,
		       const struct event_memory *memory)
{
	record->memory = memory->state;
	record->process_total = memory->processes;
	record->victims[victim].worker = memory->worker;
	record->victims[victim].workers = memory->workers;
}

void oom_detail_neighbour(const struct containers *containers, struct record_oom *record,
			  const char *container_id, const struct event_neighbour *neighbour)
{
	const struct container *container = containers_find(containers, neighbour->container_id);

	if (record->neighbour_count == OOM_NEIGHBOURS_MAX)
		return;
	struct oom_neighbour *kept = &record->neighbours[record->neighbour_count++];

	*kept = neighbour->who;
	*kept->container = '\0';
	if (container && strcmp(neighbour->container_id, container_id) != 0)
		TEXT_COPY(kept->container,
			  container->sandbox ? "pause" : container->subject.container);
}

/* Without Kubernetes a container of it knows the pod's name. */
static const struct subject *subject_of(const struct containers *containers, const struct pod *pod,
					const char *pod_uid)
{
	if (pod)
		return &pod->subject;
	for (const struct container *c = containers->by_id; c; c = c->by_id.next)
		if (strcmp(c->subject.pod_uid, pod_uid) == 0 && *c->subject.pod)
			return &c->subject;
	return NULL;
}

static uint64_t excess(const struct oom_pod *pod)
{
	return pod->usage_bytes > pod->request_bytes ? pod->usage_bytes - pod->request_bytes : 0;
}

void oom_detail_pod(const struct containers *containers, const struct pods *pods,
		    struct record_oom *record, const struct event_pod_memory *told)
{
	const struct pod *pod = pods_find(pods, told->pod_uid);
	const struct subject *subject = subject_of(containers, pod, told->pod_uid);
	struct oom_pod found = {
		.usage_bytes = told->usage_bytes,
		.request_bytes = pod ? pod->memory_request_bytes : 0,
		.request_known = pod != NULL,
	};
	uint32_t at = record->pod_count;

	if (!excess(&found))
		return;
	if (subject)
		snprintf(found.pod, sizeof(found.pod), "%.63s/%.95s", subject->pod_namespace,
			 subject->pod);
	else
		TEXT_COPY(found.pod, told->pod_uid);
	record->pod_total++;
	while (at > 0 && excess(&record->pods[at - 1]) < excess(&found))
		at--;
	if (at == OOM_PODS_MAX)
		return;
	record->pod_count += record->pod_count < OOM_PODS_MAX;
	memmove(record->pods + at + 1, record->pods + at,
		(record->pod_count - at - 1) * sizeof(*record->pods));
	record->pods[at] = found;
}
