/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collection of the Kubernetes API, listed and then watched for as long as the watch lives.
 *
 * It lists in pages, watches from there with bookmarks, resumes where it was cut, lists anew after 410 Gone
 * or when it can't resume, and backs off with jitter (1 s doubling to 1 min; Retry-After is heeded). Memory
 * is bounded whatever the server sends (client/kube/kube_wire.h): what is no JSON or has no end ends the stream
 * and counts as a failure; an object above 2 MiB is left out, and counted in kube_stats.
 */
#pragma once

#include "client/kube/kube.h"

struct kube_watch;

enum kube_watch_step {
	KUBE_WATCH_LIST, /* all there is follows as OBJECT; anew if a listing was not finished ... */
	KUBE_WATCH_LISTED,  /* ... up to here: what did not come does not exist */
	KUBE_WATCH_OBJECT,  /* one that exists, is new or has changed */
	KUBE_WATCH_DELETED, /* its last form */
	KUBE_WATCH_DOWN, /* the stream failed and is tried again; told once until it is up again */
	KUBE_WATCH_UP,	 /* the stream is up after KUBE_WATCH_DOWN, resumed without a new listing */
};

struct kube_watch_options {
	const char *path;     /* "/api/v1/pods" */
	const char *selector; /* query, escaped: "fieldSelector=spec.nodeName%3Da"; NULL: all */
	uint32_t page;	      /* objects of a list at once; 0: 100 */
	uint32_t stream_s;    /* for how long to ask for a stream; 0: about 5 min */
};

/*
 * object: of the collection, borrowed; NULL where the step has none. listed: it comes from a list, not
 * live. why: for DOWN what failed, else "". It may free the watch.
 */
typedef void (*kube_watch_fn)(void *context, enum kube_watch_step step, json_t *object, bool listed,
			      const char *why);

/* Begins at once, from the loop. The options' texts are copied. Returns 0 or a negative errno. */
int kube_watch_new(struct kube_watch **ret, struct kube *kube,
		   const struct kube_watch_options *options, kube_watch_fn on_step, void *context);
void kube_watch_free(struct kube_watch *watch);

/* The server is there again: tries now instead of after the pause, if it is in one. */
void kube_watch_hurry(struct kube_watch *watch);

/* True between LISTED or UP and the next DOWN. */
bool kube_watch_up(const struct kube_watch *watch);
