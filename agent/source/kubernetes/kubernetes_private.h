/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Kubernetes source share: kubernetes_source.c watches, kubernetes_known.c tells what
 * has changed, kubernetes_trouble.c asks for the Events of pods that hang or were stopped, kubernetes_stop.c whether
 * the node is drained, kubernetes_names.c after addresses that starts wait
 * for, kubernetes_boot.c after the server and the Node while they come up; kubernetes_pod.c and kubernetes_events.c
 * read JSON.
 */
#pragma once

#include <uthash.h>

#include "base/clock.h"
#include "client/kube/kube_watch.h"
#include "source/kubernetes/kubernetes_source.h"

/* When a thing that holds now began to. */
struct known_time {
	uint64_t ns;  /* 0: it does not hold */
	bool arrived; /* before our eyes */
};

struct known_container {
	char name[NAME_SIZE];
	uint64_t hash; /* of what was told last */
	struct known_time ready;
};

/* What was told of a pod: enough to tell only what has changed. */
struct known_pod {
	char uid[POD_UID_SIZE];
	char name[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];
	uint64_t hash;
	char addresses[2][ADDRESS_SIZE];
	struct known_time scheduled, ready;
	bool pending; /* some container of it never ran */
	uint32_t generation;
	uint64_t ask_ns, ask_wait_ns; /* when to ask what hangs, and how long until after that */
	uint32_t
		stop_asks; /* how often its Events are still asked for since something was stopped … */
	uint64_t stop_ask_ns; /* … and when */
	bool deleted;
	bool gone; /* from the API server: kept only until its Events, which stay there, were asked for */
	bool stop_node; /* the Node was asked, since it is deleted */
	uint32_t container_count;
	struct known_container *containers;
	UT_hash_handle hh;
};

struct boot_follow {
	char boot_id[BOOT_ID_SIZE], node_name[POD_SIZE];
	uint64_t until_ns;	     /* 0: not followed */
	uint64_t server_ns, node_ns; /* between two questions */
	sd_event_source *timer;	     /* NULL: not followed */
	bool away;		     /* the server did not answer */
	bool server_done;	     /* API_READY was told, or nobody asks any more */
	bool server_forbidden;	     /* /readyz may not be asked */
	bool looked, node_done;	     /* at the Node */
	bool asking;		     /* a question is under way */
	uint64_t asked_ns;	     /* when the latest question went */
	uint64_t pause_ns;	     /* what the server asked for */
	uint64_t
		unready_ns; /* when the latest look went that found the Node not Ready; 0: none did */
};

#define NAMES_MAX 32

struct asked_name {
	char address[ADDRESS_SIZE];
	bool wanted; /* it is not asked for so far */
	uint64_t asked_ns;
};

struct asked_names {
	sd_event_source *timer;
	struct asked_name asked[NAMES_MAX]; /* the oldest gives way */
	uint32_t now;			    /* which is asked for … */
	bool asking;			    /* … at the moment */
	bool forbidden;
	uint64_t last_ns; /* when the latest question went */
};

/* Whether pods are deleted since the node is drained. */
struct asked_node {
	sd_event_source *timer;
	bool wanted, asking;
	bool needless; /* its pods tell that themselves */
	uint64_t asked_ns;
};

struct kubernetes_source {
	sd_event *loop;
	sd_event_source *trouble_timer;
	struct kube *kube;
	struct kube_watch *watch;
	event_fn on_event;
	void *context;
	struct known_pod *pods;
	uint32_t generation; /* of the listing */
	uint64_t trouble_due_ns;
	char asking_uid[POD_UID_SIZE]; /* whose Events are asked for now; "" none */
	struct boot_follow boot;
	struct asked_names names;
	struct asked_node node;
	bool was_up, down_told;
	struct kubernetes_source_stats stats;
};

void kubernetes_emit(struct kubernetes_source *source, const struct event *event);

/* --- kubernetes_known.c --- */

/* Emits what of this pod has changed; listed: it comes from a listing, not live. */
void kubernetes_known_note(struct kubernetes_source *source, const json_t *object, bool listed);

/* It was deleted, or was not in the listing: tells so. */
void kubernetes_known_drop(struct kubernetes_source *source, struct known_pod *pod);
struct known_pod *kubernetes_known_find(const struct kubernetes_source *source, const char *uid);

/* What was kept of pods that are gone goes, where nothing more is asked. Never while somebody walks over the pods. */
void kubernetes_known_sweep(struct kubernetes_source *source);

/* --- kubernetes_trouble.c --- */

/* Asks, when the time has come, for the Events of a pod that hangs. */
int kubernetes_trouble_begin(struct kubernetes_source *source);
void kubernetes_trouble_arm(struct kubernetes_source *source);

/* --- kubernetes_stop.c --- */

int kubernetes_stop_begin(struct kubernetes_source *source);
void kubernetes_stop_arm(struct kubernetes_source *source);

/* --- kubernetes_names.c --- */

int kubernetes_names_begin(struct kubernetes_source *source);
/* The watch went up or down: asks what is wanted, when it is due. */
void kubernetes_names_arm(struct kubernetes_source *source);

/* --- kubernetes_boot.c --- */

/* The watch went down. */
void kubernetes_boot_away(struct kubernetes_source *source);
/* Until its deadline: a server that has not answered so far is awaited. */
bool kubernetes_boot_goes_on(const struct kubernetes_source *source);

/* The watch went up or down, or a question was answered: asks what is to be asked next, when it is due. */
void kubernetes_boot_arm(struct kubernetes_source *source);
