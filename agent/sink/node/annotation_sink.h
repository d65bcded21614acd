/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's summary as annotations on its Node: one server-side apply for all lines, by field manager
 * `nodewake`, only when a line changed, and not again within an interval, which grows while something changes all
 * the time. What an earlier version applied and this one does not, the server removes by itself. The daemon makes one,
 * if there is a Kubernetes.
 *
 * An apply to a Node that does not exist would make one, where the credentials allow that: so the Node is read
 * first, and its uid goes with each apply. Who may not read Nodes may not make them either.
 */
#pragma once

#include <systemd/sd-event.h>

#include "client/kube/kube.h"
#include "model/record.h"
#include "store/store.h"

struct annotation_sink;

struct annotation_sink_options {
	struct kube *kube;	/* may be freed before the sink */
	const char *node_name;	/* a valid name; the texts are borrowed */
	const char *prefix;	/* "nodewake.io" */
	const char *boot_id;	/* this boot's */
	uint64_t interval_ns;	/* at least so long between writes; 0: 30 s */
	uint64_t pause_most_ns; /* and so long where one follows another all the time; 0: 5 min */
	uint64_t retry_most_ns; /* longest pause between tries; 0: 5 min */
};

/* Reads the last 24 h and the boots from the store. Returns 0 or a negative errno (-EINVAL: the prefix can't be one). */
int annotation_sink_new(struct annotation_sink **ret, sd_event *loop,
			const struct annotation_sink_options *options, struct store *store);
void annotation_sink_free(struct annotation_sink *sink);

void annotation_sink_record(struct annotation_sink *sink, const struct record *record);

/* The API server is there again: what failed is tried now, not after its pause. */
void annotation_sink_hurry(struct annotation_sink *sink);

struct annotation_sink_stats {
	uint64_t written, failed;
	int64_t last_write_wall_ns; /* 0: none so far */
	int status;		    /* of the failure that goes on, as kube_reply.status; 0: none */
};

void annotation_sink_stats(const struct annotation_sink *sink, struct annotation_sink_stats *ret);
