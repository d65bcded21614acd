/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collection of the Kubernetes API, listed and then watched for as long as the watch lives.
 *
 * It lists in pages, watches from there with bookmarks, resumes where it was cut, lists anew after 410 Gone
 * or when it can't resume, and backs off with jitter (1 s doubling to 1 min; Retry-After is heeded). Memory
 * is bounded whatever the server sends: one object is at most 2 MiB, a longer line or what is no JSON ends
 * the stream and counts as a failure.
 */
#pragma once

#include "client/kube.h"

struct kube_watch;

enum kube_watch_step {
	KUBE_WATCH_LIST,    /* all there is follows as OBJECT ... */
	KUBE_WATCH_LISTED,  /* ... up to here: what did not come does not exist */
	KUBE_WATCH_OBJECT,  /* one that exists, is new or has changed */
	KUBE_WATCH_DELETED, /* its last form */
	KUBE_WATCH_DOWN, /* the stream failed and is tried again; told once until it is up again */
	KUBE_WATCH_UP,	 /* the stream is up after KUBE_WATCH_DOWN, resumed without a new listing */
};

struct kube_watch_options {
	const char *path; /* "/api/v1/pods" */
	const char *
		selector; /* query parameters, escaped: "fieldSelector=spec.nodeName%3Da"; NULL: all */
};

/*
 * object: of the collection, borrowed; NULL where the step has none. why: for DOWN what failed, else "".
 * listed: the object comes from a list, not live.
 */
typedef void (*kube_watch_fn)(void *context, enum kube_watch_step step, json_t *object, bool listed,
			      const char *why);

/* Begins at once, from the loop. The options' texts are copied. Returns 0 or -ENOMEM. */
int kube_watch_new(struct kube_watch **ret, struct kube *kube,
		   const struct kube_watch_options *options, kube_watch_fn on_step, void *context);
void kube_watch_free(struct kube_watch *watch);

/* True between LISTED or UP and the next DOWN. */
bool kube_watch_up(const struct kube_watch *watch);
