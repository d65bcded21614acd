/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server tells of the pods of this node, as events.
 *
 * daemon.c makes one where there is a Kubernetes. It watches the pods bound to the node and emits what has
 * changed; each listing is complete (what is not in it is EVENT_POD_GONE). For pods that hang before
 * their containers run it asks, seldom, what others warned of them. SOURCE_UP and SOURCE_DOWN tell
 * whether the watch stands, SOURCE_AWAITED that it never did in this boot. It must not know what the events are good for.
 */
#pragma once

#include <systemd/sd-event.h>

#include "client/kube/kube.h"
#include "model/event.h"

struct kubernetes_source;

struct kubernetes_source_stats {
	bool up;
	uint64_t events;
	uint32_t pods;
};

/* kube is borrowed and must outlive the source. Returns 0 or a negative errno. */
int kubernetes_source_new(struct kubernetes_source **ret, sd_event *loop, struct kube *kube,
			  const char *node_name, event_fn on_event, void *context);

struct kubernetes_boot_options {
	const char *boot_id;	     /* this boot's */
	uint64_t until_ns;	     /* boot clock: what comes later is not the boot any more */
	uint64_t server_ns, node_ns; /* between two questions; 0: 1 s, 2 s */
};

/*
 * Tells of the boot too: API_READY when the API server answers for the first time after it did not, NODE_READY when
 * the Node becomes Ready; where it was so before it was looked at, what its stamps say of this boot. Once, right
 * after new. Returns 0 or a negative errno.
 */
int kubernetes_source_follow_boot(struct kubernetes_source *source,
				  const struct kubernetes_boot_options *options);

/* Nothing more is asked about it. */
void kubernetes_source_boot_over(struct kubernetes_source *source);

/* A start waits for this address: tells, some time, which service's it is (EVENT_ADDRESS). */
void kubernetes_source_name(struct kubernetes_source *source, const char *address);

/*
 * The runtime has stopped a container of this pod. wanted: nobody told why so far; asks for the pod's Events, or, where
 * it is deleted, whether the node is drained: what is found comes as EVENT_POD_TROUBLE and EVENT_NODE. Else it is known.
 */
void kubernetes_source_stopped(struct kubernetes_source *source, const char *pod_uid, bool wanted);

void kubernetes_source_free(struct kubernetes_source *source);

void kubernetes_source_stats(const struct kubernetes_source *source,
			     struct kubernetes_source_stats *ret);
