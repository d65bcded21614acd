/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the containerd source share: the connection, and the door of each part.
 *
 * containerd_source.c owns the stream and the timers; identity, status, listing, pulls and images
 * each ask their own questions and emit what they learn.
 */
#pragma once

#include <uthash.h>

#include "client/rpc.h"
#include "containerd.pb-c.h"
#include "cri.pb-c.h"
#include "source/containerd/containerd_source.h"

#define CALL_DEADLINE_MS 3000

struct status_asks;
struct image_looks;
struct pull_poll;
struct pull_names;
struct listed;
struct identify;

struct containerd_source {
	sd_event *loop;
	event_fn on_event;
	void *context;
	char socket[108];
	char namespace_name[64];
	bool given_socket;
	uint32_t log_lines;
	struct rpc *rpc;
	struct containerd_source_stats stats;
	uint64_t down_since_ns;
	uint64_t answered_ns;  /* when the connection was last seen to live */
	enum source_step told; /* how it stands */
	bool was_up;	       /* at any time before */
	bool subscribed;
	bool asking_version;

	bool listing, list_again;
	struct listed *listed;
	uint32_t list_generation;
	uint32_t list_failures; /* in a row */
	uint32_t list_wait_ms;
	uint64_t list_failing_ns;
	bool told_unlisted;

	struct identify *identifies; /* under way */

	sd_event_source *retry, *resync, *liveness;
	uint32_t backoff_ms;
	struct status_asks *asks;
	struct image_looks *looks;
	struct pull_poll *pulls;
};

/* One call, counted; as rpc_call. */
int containerd_call(struct containerd_source *source, const struct rpc_method *method,
		    const ProtobufCMessage *request, rpc_reply_fn on_reply, void *context);
void containerd_emit(struct containerd_source *source, const struct event *event);
/* Whether it lives: without an answer the source is down. */
void containerd_ask_version(struct containerd_source *source);
uint64_t containerd_stamp_ns(const Containerd__Timestamp *stamp);

/* containerd_identity.c: who a container that was just created is. */
void containerd_identify(struct containerd_source *source, const struct event *created);
/* Forgets what is under way: the connection's callbacks come no more. */
void containerd_identify_clear(struct containerd_source *source);

/* containerd_cri.c: CRI's words as events. */
void containerd_emit_sandbox(struct containerd_source *source, const Cri__PodSandbox *sandbox);
void containerd_emit_listed(struct containerd_source *source, const Cri__Container *container);
void containerd_emit_status(struct containerd_source *source, const Cri__ContainerStatus *status);

/* containerd_log.c: what a container that has ended wrote last, before its status is told. */
void containerd_emit_log(struct containerd_source *source, const Cri__ContainerStatus *status);

/* containerd_status.c: asks CRI for a container's status, until it has ended if it should have. */
int status_asks_new(struct status_asks **ret, struct containerd_source *source);
void status_asks_free(struct status_asks *asks);
void status_ask(struct status_asks *asks, const char *id, bool ended);
/* Forgets all that waits: the connection was lost. */
void status_asks_clear(struct status_asks *asks);

/* containerd_list.c: one listing, between SOURCE_SYNC_BEGIN and SOURCE_SYNC_END. */
void containerd_list(struct containerd_source *source);
/* Each container's status is asked for anew by the next listing. */
void containerd_list_forget(struct containerd_source *source);
/*
 * Ids that CRI's ContainerStatus does not know: pod sandboxes, and what other clients run. To ask for
 * them would leave an error line in containerd's log each time.
 */
void containerd_list_foreign(struct containerd_source *source, const char *id);
bool containerd_list_is_foreign(const struct containerd_source *source, const char *id);

/* containerd_pull.c: downloads in progress, polled only as often as there are any. */
int pull_poll_new(struct pull_poll **ret, struct containerd_source *source);
void pull_poll_free(struct pull_poll *poll);
/* A sign of a pull was seen: look closely for a while. */
void pull_poll_kick(struct pull_poll *poll);

/* Layers come whose image is not known: the digest is one of them. */
bool pull_poll_wants(const struct pull_poll *poll, const char *digest);

/* containerd_pull_names.c: which image the layers that come are of, as EVENT_LAYER … and EVENT_IMAGE. */
int pull_names_new(struct pull_names **ret, struct containerd_source *source,
		   const struct pull_poll *poll);
void pull_names_free(struct pull_names *names);
/* Asks, unless it does already or did a moment ago and nothing is `urgent`. */
void pull_names_ask(struct pull_names *names, bool urgent);

/* containerd_image.c: what an image consists of, then EVENT_LAYER … and EVENT_IMAGE. */
int image_looks_new(struct image_looks **ret, struct containerd_source *source);
void image_looks_free(struct image_looks *looks);
void image_look(struct image_looks *looks, const struct event *image);
