/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the Kubernetes API server on an sd-event loop: HTTP/2 over TLS through libcurl.
 *
 * Credentials are the pod's service account (the token file is read again as it rotates) or a kubeconfig
 * (client certificate, token, or their files). The server need not be there: a call then fails with a
 * negative errno, after at most its deadline. What the server refuses is data (the status), not an errno.
 * It knows nothing of pods or policy. One connection is kept and shared by all calls and watches.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct kube;

struct kube_options {
	const char *kubeconfig; /* NULL or "": in-cluster */
	/* for tests */
	const char *account_dir; /* NULL: /var/run/secrets/kubernetes.io/serviceaccount */
	uint32_t token_age_ms;	 /* after which the token is read again; 0: 60 s */
};

/*
 * Does not connect yet. Returns 0, -ENOENT when there is neither a kubeconfig nor a service account (not a
 * pod: no Kubernetes here), or another negative errno with one sentence in ret_why (what is wrong, what to do).
 */
int kube_new(struct kube **ret, sd_event *loop, const struct kube_options *options,
	     char ret_why[static 256]);

/* Not from a callback. Ends all calls; they call back no more. Free the watches first. */
void kube_free(struct kube *kube);

enum kube_verb {
	KUBE_GET,
	KUBE_POST,
	KUBE_APPLY, /* PATCH application/apply-patch+yaml: the body is JSON, which is YAML */
	KUBE_MERGE, /* PATCH application/merge-patch+json */
	KUBE_DELETE,
	KUBE_VERB_COUNT
};

struct kube_request {
	enum kube_verb verb;
	const char *path;     /* "/api/v1/nodes/a?fieldManager=nodewake&force=true", escaped */
	const json_t *body;   /* NULL: none; borrowed until kube_call returns */
	uint32_t deadline_ms; /* 0: 10 s */
};

struct kube_reply {
	int status;		 /* HTTP status, or a negative errno when no answer came */
	uint32_t retry_after_ms; /* of 429 and 503, bounded to 5 min; 0: not told */
	const char *reason;	 /* of a metav1.Status: "AlreadyExists", ...; "" if there is none */
	const char *message;	 /* its text, or libcurl's word for what failed; never NULL */
	json_t *body;		 /* NULL unless the answer was JSON; borrowed */
};

static inline bool kube_reply_ok(const struct kube_reply *reply)
{
	return reply->status >= 200 && reply->status < 300;
}

typedef void (*kube_reply_fn)(void *context, const struct kube_reply *reply);

/*
 * Calls back exactly once, later, on the loop's thread. An answer above 4 MiB is -EMSGSIZE. A 401 is tried
 * once more with the credentials read again, within the deadline. Returns 0 or a negative errno, and then
 * does not call back: -EBUSY (32 calls are under way already), -ENOMEM, or the credentials can't be read.
 *
 * A request on a kept connection that ends unanswered is sent once more by libcurl: a POST may then be told
 * 409 AlreadyExists of itself.
 */
int kube_call(struct kube *kube, const struct kube_request *request, kube_reply_fn on_reply,
	      void *context);

/* For a path or a query: percent-encoded, to be freed; NULL without memory. */
char *kube_escape(const char *text);

struct kube_stats {
	char server[128];		 /* "https://10.43.0.1:443" */
	bool reachable;			 /* the latest call or watch got an answer */
	uint64_t calls[KUBE_VERB_COUNT]; /* requests sent, those of watches too */
	uint64_t failed;		 /* no answer, or 5xx */
	uint64_t refused;		 /* 4xx but 404, 409 and 410 */
	uint64_t watch_restarts;
	uint64_t skipped; /* objects of watches that were too large */
};

void kube_stats(const struct kube *kube, struct kube_stats *ret);
