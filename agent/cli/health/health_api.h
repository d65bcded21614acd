/* SPDX-License-Identifier: Apache-2.0 */
/* Health's view of the API server: asked for in one go, then judged. */
#pragma once

#include <jansson.h>

#include "cli/health/health_machine.h"
#include "client/kube/kube.h"

/* What a peer said to one question. */
struct health_reply {
	int status; /* HTTP status or a negative errno; 0: not asked */
	char message[200];
};

#define HEALTH_PODS_MAX 1000

struct health_api {
	int error; /* of kube_new, 0: there is a client; -ENOENT: no kubeconfig anywhere */
	char why[256];
	char kubeconfig[256]; /* "" in a pod */
	char server[128];
	char node_name[256];
	struct health_reply ready, node, pods, unbound;
	json_t *node_object;	 /* NULL: see node.status */
	json_t *pod_objects;	 /* array: of this node */
	json_t *unbound_objects; /* array: on no node so far */
	bool pods_cut;		 /* there were more */
};

/*
 * Finds the kubeconfig (given, KUBECONFIG, a pod's account, K3s's, the kubelet's), asks all questions and waits for
 * the answers, HEALTH_DEADLINE_MS at most; the machine's units too. The client is kept in *kube for the next time.
 */
void health_api_ask(struct health_api *ret, struct kube **kube, sd_event *loop, const char *root,
		    const char *kubeconfig, const char *node_name, const char *pod_namespace,
		    struct health_machine *machine);
void health_api_done(struct health_api *api);

/* Whether Kubernetes is to be expected here: without it, what can't be asked is no loss. */
void health_judge_api(struct health_report *report, const struct health_api *api,
		      const struct health_machine *machine);
void health_judge_node(struct health_report *report, const struct health_api *api,
		       const struct health_machine *machine, const char *boot_id);

/* Adds what else is known of a pod that is not ready to its finding; may be NULL. */
typedef void (*health_detail_fn)(void *context, struct health_finding *finding,
				 const char *pod_namespace, const char *pod);

void health_judge_pods(struct health_report *report, const struct health_api *api,
		       const struct health_machine *machine, const char *pod_namespace,
		       health_detail_fn detail, void *context);

enum health_pod_state {
	HEALTH_POD_READY,
	HEALTH_POD_NOT_READY,
	HEALTH_POD_ASIDE,     /* not expected to be ready: it has ended, or is being deleted */
	HEALTH_POD_ELSEWHERE, /* on no node so far, which need not be this one's matter */
};

/* One pod of the API server's. ret is filled in where it is not ready. */
enum health_pod_state health_judge_pod(const json_t *pod, const struct health_machine *machine,
				       struct health_finding *ret);
