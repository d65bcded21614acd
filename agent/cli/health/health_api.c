/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health/health_api.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define PAGE 50 /* an answer above 4 MiB is refused, and a pod may well have 40 KiB */

/* One round of questions. */
struct asking {
	struct health_api *api;
	struct kube *kube;
	struct health_machine *machine;
	struct unit_question *units;
	const char *pod_namespace;
	unsigned int open; /* questions without an answer */
};

/* --- whom to ask ----------------------------------------------------------------------------- */

static bool in_a_pod(void)
{
	return getenv("KUBERNETES_SERVICE_HOST") &&
	       access("/var/run/secrets/kubernetes.io/serviceaccount/token", F_OK) == 0;
}

/* The first that is there, readable or not; "" in a pod, -ENOENT where there is none. */
static int find_kubeconfig(const char *given, const char *root, char *ret, size_t size)
{
	static const char *const places[] = {
		"/etc/rancher/k3s/k3s.yaml",
		"/etc/rancher/rke2/rke2.yaml",
		"/etc/kubernetes/admin.conf",
		"/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
		"/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
		"/etc/kubernetes/kubelet.conf",
	};

	const char *list = getenv("KUBECONFIG") ?: ""; /* kubectl would merge them */

	if ((given && *given) || *list) {
		snprintf(ret, size, "%.*s",
			 given && *given ? (int)strlen(given) : (int)strcspn(list, ":"),
			 given && *given ? given : list);
		return 0;
	}
	*ret = '\0';
	if (!*root && in_a_pod())
		return 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(ret, size, "%s%s", root, places[i]);
		if (access(ret, F_OK) == 0 || errno == EACCES)
			return 0;
	}
	*ret = '\0';
	return -ENOENT;
}

static void name_node(const char *given, char *ret, size_t size)
{
	*ret = '\0';
	if (given && *given)
		snprintf(ret, size, "%s", given);
	else
		gethostname(ret, size - 1);
	if (!given || !*given)
		for (char *c = ret; *c; c++)
			*c = (char)tolower((unsigned char)*c);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void keep_reply(struct health_reply *ret, const struct kube_reply *reply)
{
	ret->status = reply->status;
	TEXT_COPY(ret->message, *reply->message	    ? reply->message
				: reply->status < 0 ? strerror(-reply->status)
						    : "");
}

static void ask(struct asking *asking, struct health_reply *ret, const char *path,
		kube_reply_fn on_reply)
{
	struct kube_request request = {
		.verb = KUBE_GET, .path = path, .deadline_ms = HEALTH_DEADLINE_MS};
	int r = kube_call(asking->kube, &request, on_reply, asking);

	if (r == 0) {
		asking->open++;
		return;
	}
	ret->status = r;
	TEXT_COPY(ret->message, strerror(-r));
}

static void on_ready(void *context, const struct kube_reply *reply)
{
	struct asking *asking = context;

	asking->open--;
	keep_reply(&asking->api->ready, reply);
}

static void on_node(void *context, const struct kube_reply *reply)
{
	struct asking *asking = context;

	asking->open--;
	keep_reply(&asking->api->node, reply);
	if (kube_reply_ok(reply))
		asking->api->node_object = json_incref(reply->body);
}

static void on_pods(void *context, const struct kube_reply *reply);
static void on_unbound(void *context, const struct kube_reply *reply);

/* node_name "": those that the scheduler has not placed. */
static void ask_pods(struct asking *asking, struct health_reply *ret, const char *node_name,
		     const char *go_on, kube_reply_fn on_reply)
{
	cleanup_free char *name = kube_escape(node_name), *token = kube_escape(go_on);
	cleanup_free char *space = kube_escape(asking->pod_namespace ?: "");
	cleanup_free char *path = NULL;
	bool all = !space || !*space;

	if (name && token && space &&
	    asprintf(&path, "/api/v1/%s%s%spods?fieldSelector=spec.nodeName%%3D%s&limit=%d%s%s",
		     all ? "" : "namespaces/", space, all ? "" : "/", name, PAGE,
		     *token ? "&continue=" : "", token) >= 0)
		ask(asking, ret, path, on_reply);
	else
		ret->status = -ENOMEM;
}

/* Nobody asks for what takes most of the room; in a pod memory is scarce. */
static void keep_pods(json_t *kept, const json_t *body)
{
	json_t *items = json_object_get(body, "items"), *pod;
	size_t i;

	json_array_foreach (items, i, pod) {
		json_t *metadata = json_object_get(pod, "metadata");

		json_object_del(metadata, "managedFields");
		json_object_del(metadata, "annotations");
		json_array_append(kept, pod);
	}
}

static void on_pods(void *context, const struct kube_reply *reply)
{
	struct asking *asking = context;
	struct health_api *api = asking->api;
	const json_t *metadata = json_object_get(reply->body, "metadata");
	const char *go_on = json_string_value(json_object_get(metadata, "continue"));

	asking->open--;
	keep_reply(&api->pods, reply);
	if (!kube_reply_ok(reply))
		return;
	keep_pods(api->pod_objects, reply->body);
	if (!go_on || !*go_on)
		return;
	api->pods_cut = json_array_size(api->pod_objects) >= HEALTH_PODS_MAX;
	if (!api->pods_cut)
		ask_pods(asking, &api->pods, api->node_name, go_on, on_pods);
}

static void on_unbound(void *context, const struct kube_reply *reply)
{
	struct asking *asking = context;

	asking->open--;
	keep_reply(&asking->api->unbound, reply);
	if (kube_reply_ok(reply))
		keep_pods(asking->api->unbound_objects, reply->body);
}

static void on_units(void *context, int status, const struct unit_state *units, size_t count)
{
	struct asking *asking = context;

	asking->open--;
	asking->machine->units_status = status;
	asking->machine->unit_count = count;
	memcpy(asking->machine->units, units ?: asking->machine->units, count * sizeof(*units));
}

static void ask_all(struct asking *asking)
{
	struct health_api *api = asking->api;
	cleanup_free char *name = kube_escape(api->node_name), *path = NULL;

	ask(asking, &api->ready, "/readyz", on_ready);
	if (name && asprintf(&path, "/api/v1/nodes/%s", name) >= 0)
		ask(asking, &api->node, path, on_node);
	ask_pods(asking, &api->pods, api->node_name, "", on_pods);
	ask_pods(asking, &api->unbound, "", "", on_unbound);
}

/* The questions have deadlines; pages of pods follow each other, so the whole has one as well. */
static void wait_for_answers(const struct asking *asking, sd_event *loop)
{
	uint64_t end_ns = clock_boot_ns() + 2 * HEALTH_DEADLINE_MS * NS_PER_MS, now_ns;

	while (asking->open && (now_ns = clock_boot_ns()) < end_ns)
		if (sd_event_run(loop, (end_ns - now_ns) / 1000) < 0)
			return;
}

static int open_client(struct health_api *api, struct kube **kube, sd_event *loop, const char *root,
		       const char *kubeconfig)
{
	int r = find_kubeconfig(kubeconfig, root, api->kubeconfig, sizeof(api->kubeconfig));

	if (r < 0 || *kube)
		return r;
	return kube_new(kube, loop, &(struct kube_options){.kubeconfig = api->kubeconfig},
			api->why);
}

void health_api_ask(struct health_api *ret, struct kube **kube, sd_event *loop, const char *root,
		    const char *kubeconfig, const char *node_name, const char *pod_namespace,
		    struct health_machine *machine)
{
	struct asking asking = {.api = ret, .machine = machine, .pod_namespace = pod_namespace};
	struct kube_stats stats;

	*ret = (struct health_api){.pod_objects = json_array(), .unbound_objects = json_array()};
	name_node(node_name, ret->node_name, sizeof(ret->node_name));
	if (!*root && unit_state_ask(&asking.units, loop, health_units, HEALTH_DEADLINE_MS,
				     on_units, &asking) == 0)
		asking.open++;
	ret->error = open_client(ret, kube, loop, root, kubeconfig);
	if (ret->error == 0) {
		asking.kube = *kube;
		kube_stats(*kube, &stats);
		TEXT_COPY(ret->server, stats.server);
		ask_all(&asking);
	}
	wait_for_answers(&asking, loop);
	unit_state_free(asking.units);
	/* what is still under way must not find us gone; and a server that was not there may come with other keys */
	if (asking.open || ret->ready.status < 0 || ret->ready.status == 401) {
		kube_free(*kube);
		*kube = NULL;
	}
	if (!ret->ready.status && ret->error == 0) {
		ret->ready.status = -ETIMEDOUT;
		TEXT_COPY(ret->ready.message, strerror(ETIMEDOUT));
	}
}

void health_api_done(struct health_api *api)
{
	json_decref(api->node_object);
	json_decref(api->pod_objects);
	json_decref(api->unbound_objects);
	*api = (struct health_api){0};
}
