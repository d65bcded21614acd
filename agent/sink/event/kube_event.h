/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as an Event of Kubernetes, or as nothing worth one. Pure: the store asks it once for each record
 * (store_outbox_fill), the pump sends what it made. It must not know whether the API server is there.
 *
 * What is told, and on whom:
 *
 *	ContainerSlowStart  a container's start above slow_start                            the pod
 *	PodSlowStart        a pod's own, unless its container's part alone is above it      the pod
 *	ProcessOOMKilled    a child was killed for memory                                   the pod
 *	ContainerOOMKilled  the container's first process was                               the pod
 *	NodeOOMKilled       the node was out of memory, or no pod's process was killed      the pod, else the node
 *	ContainerCrashed    it ended other than by itself with 0 or by being stopped        the pod
 *	ContainerExecFailed its program was not executed, or its loader lacked something    the pod
 *	WorkerCrashing      the third child of one program died within 20 min               the pod
 *	CrashLooping        instead of both when it is the third death within 20 min        the pod
 *	ImagePullSlow       above slow_pull (containerd does not say for whom)              the node
 *	ImagePullFailed     Kubernetes waits for an image that can't be pulled              the pod
 *	NodeBootCompleted   all pods that were expected are ready again                     the node
 *	NodeBootSlow        so, but slower than usual; or not within the deadline           the node
 *	ObservationGap      something may have been missed                                  the node
 *
 * What was found afterwards (reconstructed) is told only if it happened since the first agent with an outbox
 * began on this boot, and at most an hour before this one: what was there before the first, never. A boot may
 * have been over before the first agent began: of it the hour alone decides.
 *
 * Limits of the fields are those of ValidateEventCreate in Kubernetes' pkg/apis/core/validation/events.go.
 */
#pragma once

#include "model/boot_history.h"
#include "store/store.h"

#define KUBE_EVENT_NOTE_SIZE 1025
#define KUBE_EVENTS_OF	     "/apis/events.k8s.io/v1/namespaces/%s/events"

struct kube_event_rules {
	const char *node_name;
	uint64_t slow_start_ns, slow_pull_ns;
	bool share_log_lines;	 /* else none of a container's log leaves the node */
	const char *boot_id;	 /* this boot's */
	uint64_t first_since_ns; /* when the first agent with an outbox began on this boot */
	uint64_t agent_since_ns; /* when this one did */
	const struct boot_history *earlier; /* boots before this one */
};

/* The types that can't wait until they are final. */
#define KUBE_EVENT_EARLY (1u << RECORD_OOM | 1u << RECORD_WAIT | 1u << RECORD_CHILD)

/* now_ns: on the boot clock. ret->body is the Event's JSON. */
enum outbox_answer kube_event_describe(const struct kube_event_rules *rules, const char *boot_id,
				       const struct record *record, uint64_t now_ns,
				       struct outbox_entry *ret);

/* True for what goes before chatter when much waits: deaths. */
bool kube_event_urgent(const char *reason);
