/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of Kubernetes: one client, the source of pods, and the sinks that tell the API server.
 *
 * daemon.c opens it and hands it records. It is optional as a whole: without it, and without a way to the API
 * server, everything else goes on.
 */
#pragma once

#include <systemd/sd-event.h>

#include "client/kube/kube.h"
#include "model/event.h"
#include "model/record.h"
#include "settings.h"
#include "sink/node/annotation_sink.h"
#include "sink/event/kube_event_sink.h"
#include "source/kubernetes/kubernetes_source.h"
#include "store/store.h"

struct kubernetes;

/*
 * *ret is NULL where there is no Kubernetes, which is logged with the reason. Returns 0, or a negative errno when the
 * daemon can't run so. The store and the texts are borrowed.
 */
int kubernetes_open(struct kubernetes **ret, sd_event *loop, const struct settings *settings,
		    struct store *store, const char *boot_id);
void kubernetes_free(struct kubernetes *kubernetes);

/* Begins to watch this node's pods, and while it boots the API server and the Node. */
int kubernetes_watch(struct kubernetes *kubernetes, event_fn on_event, void *context);

/* One of the kernel's: whom a start waits for is asked after. */
void kubernetes_event(struct kubernetes *kubernetes, const struct event *event);

/* A record was stored, and is news. */
void kubernetes_record(struct kubernetes *kubernetes, const struct record *record);

/* Now and then: records that waited for the disk are stored. */
void kubernetes_tend(struct kubernetes *kubernetes);

struct kubernetes_stats {
	const char *node_name;
	const char *kubeconfig; /* "" in a pod */
	struct kube_stats client;
	struct kubernetes_source_stats source;
	struct kube_event_sink_stats events;
	struct annotation_sink_stats annotations;
};

void kubernetes_stats(const struct kubernetes *kubernetes, struct kubernetes_stats *ret);
