/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pod or Node, as the API server sends it, in our words. Pure: no clock, no memory of earlier forms.
 *
 * Times are the API server's stamps (whole seconds) on the boot clock; kubernetes_source.c puts the time of
 * arrival in their place where it saw the change itself.
 */
#pragma once

#include <jansson.h>

#include "model/event.h"

/* Returns 0, or -EBADMSG if it is no pod (no uid, no name). */
int kubernetes_pod_read(const json_t *object, int64_t wall_offset_ns, struct event_pod *ret);

/*
 * Its containers, init containers first. ret_since_ns[i]: when the kubelet says that it began to run, 0 unknown.
 * Returns how many of at most max there are.
 */
uint32_t kubernetes_pod_containers(const json_t *object, int64_t wall_offset_ns,
				   struct event_pod_container *ret, uint64_t *ret_since_ns,
				   uint32_t max);

/*
 * An Event (core/v1) that warns of a pod. Returns 0, or -ENOENT if it is none, or says what the container's
 * status says too.
 */
int kubernetes_trouble_read(const json_t *object, int64_t wall_offset_ns,
			    struct event_pod_trouble *ret);

/*
 * An Event of any type that tells why something of a pod was stopped: of_stop is set. Returns 0, or -ENOENT if it
 * tells nothing of the kind. The taint manager names its pods without uid: pod_uid is "" then.
 */
int kubernetes_stop_read(const json_t *object, int64_t wall_offset_ns,
			 struct event_pod_trouble *ret);

/* One that says since when (to a second) a volume is attached to the node. Returns 0, or -ENOENT if it is none. */
int kubernetes_attach_read(const json_t *object, int64_t wall_offset_ns, struct event_work *ret,
			   uint64_t *ret_ns);

struct kubernetes_node {
	bool of_this_boot; /* its status was written in the boot with the given id */
	uint64_t ready_ns; /* Ready since; 0: it is not; 1: since before this boot */
	uint64_t heard_ns; /* when its kubelet last said so; 0: not told, or before this boot */
	struct event_node told;
	bool no_execute; /* it has a taint for which pods are deleted */
};

void kubernetes_node_read(const json_t *object, const char *boot_id, int64_t wall_offset_ns,
			  struct kubernetes_node *ret);
