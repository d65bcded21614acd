/* SPDX-License-Identifier: Apache-2.0 */
/* What Kubernetes tells of pods: a part of event.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"
#include "model/event_why.h"

/*
 * A pod that is bound to this node. The API server's stamps have whole seconds; when a change was
 * seen live, the time is that of its arrival; Ready, which this node's kubelet stamps, is within its
 * stamp's second. A condition that does not hold has the time 0.
 */
struct event_pod {
	char pod_uid[POD_UID_SIZE];
	char pod[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];
	uint64_t created_ns;	       /* API server's stamp, always */
	uint64_t scheduled_ns;	       /* bound to this node */
	uint64_t initialized_ns;       /* init containers done */
	uint64_t ready_ns;	       /* condition Ready since */
	uint64_t deleted_ns;	       /* deletionTimestamp; 0: it is not being deleted */
	uint32_t grace_s;	       /* deletionGracePeriodSeconds */
	uint32_t spec_grace_s;	       /* terminationGracePeriodSeconds */
	uint64_t memory_request_bytes; /* of its containers together */
	char disruption[REASON_SIZE];  /* condition DisruptionTarget's reason; "" none */
	bool is_static;		       /* of a file on the node, not of the API server */
	bool arrived;		       /* scheduled_ns was seen live */
	bool ready_arrived;	       /* ready_ns was seen live */
	char phase[NAME_SIZE];	       /* Pending, Running, Succeeded, Failed, Unknown */
	char reason[REASON_SIZE];
	char message[MESSAGE_SIZE];
	char address[ADDRESS_SIZE];	   /* its own; "" where it has the node's, or none yet */
	char second_address[ADDRESS_SIZE]; /* of the other family */
};

enum pod_container_state {
	POD_CONTAINER_NONE,
	POD_CONTAINER_WAITING,
	POD_CONTAINER_RUNNING,
	POD_CONTAINER_TERMINATED,
	POD_CONTAINER_STATE_COUNT
};

struct event_pod_container {
	char pod_uid[POD_UID_SIZE];
	char name[NAME_SIZE];
	char container_id[ID_SIZE]; /* without "containerd://"; "" until there is one */
	char image[IMAGE_SIZE];
	bool init;		 /* an init container, as the pod's spec says */
	bool ready;		 /* passed its readiness probe, or has none */
	bool ready_arrived;	 /* it became ready before our eyes, at boot_ns */
	bool has_probe;		 /* readiness or startup probe */
	uint32_t probe_period_s; /* of the readiness probe, else the startup probe; 0: none */
	struct probe_settings readiness, startup;
	bool has_liveness;
	bool has_pre_stop; /* a preStop hook */
	uint32_t restarts;
	char last_container_id
		[ID_SIZE]; /* lastState.terminated, Kubernetes' word on the end before */
	char last_reason[REASON_SIZE];
	int32_t last_exit_code;
	int32_t exit_code; /* while terminated */
	enum pod_container_state state;
	char reason
		[REASON_SIZE]; /* ImagePullBackOff, CrashLoopBackOff, CreateContainerConfigError, ... */
	char message[MESSAGE_SIZE];
};

struct event_pod_gone {
	char pod_uid[POD_UID_SIZE];
};

struct event_pod_trouble {
	char pod_uid[POD_UID_SIZE];
	char container[NAME_SIZE]; /* "" the whole pod */
	bool of_stop;		   /* it tells why something was stopped, not what hangs */
	char reason[REASON_SIZE];  /* FailedMount, FailedScheduling, FailedCreatePodSandBox, ... */
	char message[MESSAGE_SIZE];
	char component[NAME_SIZE]; /* kubelet, default-scheduler, ... */
	uint64_t first_ns, last_ns;
	uint32_t count;
};

/* The Node, as it was when somebody asked; the event's boot_ns is when the question went. */
struct event_node {
	uint64_t cordoned_ns; /* it takes no pods since; 0: it does */
	bool tells_deletions; /* its pods say who deleted them (DisruptionTarget, since 1.26) */
};
