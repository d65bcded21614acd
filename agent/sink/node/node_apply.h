/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one write to a Node: its annotations under a prefix, by server-side apply. Shared by who writes them and
 * who removes them; both read the Node first (see annotation_sink.h).
 */
#pragma once

#include "client/kube/kube.h"

/* node_name is a valid name (kube_name_valid). Both return as kube_call does. */
int node_apply_read(struct kube *kube, const char *node_name, kube_reply_fn on_reply,
		    void *context);

/* annotations: an object of texts, with full names; {} removes all that `nodewake` applied. uid: "" not known. */
int node_apply_write(struct kube *kube, const char *node_name, const char *uid,
		     const json_t *annotations, kube_reply_fn on_reply, void *context);

/* The Node's uid in the answer to node_apply_read, or "". Borrowed from the reply. */
const char *node_apply_uid(const struct kube_reply *reply);
