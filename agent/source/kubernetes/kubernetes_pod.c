/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kubernetes/kubernetes_pod.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_fields.h"

/* When a condition became true; 0 if it is not. One that dates from before the boot has the time 1. */
static uint64_t condition_ns(const json_t *conditions, const char *type, int64_t wall_offset_ns)
{
	const json_t *condition = kubernetes_condition(conditions, type);

	return condition ? kubernetes_time(condition, "lastTransitionTime", wall_offset_ns) ?: 1
			 : 0;
}

/*
 * A static pod has the uid of its file on the node, and another one in the API server, for its mirror; cgroups
 * and CRI know the node's.
 */
static const char *uid_of(const json_t *metadata)
{
	const json_t *annotations = json_object_get(metadata, "annotations");
	const char *uid = kubernetes_text(annotations, "kubernetes.io/config.hash");

	return *kubernetes_text(annotations, "kubernetes.io/config.mirror") && *uid
		       ? uid
		       : kubernetes_text(metadata, "uid");
}

/* A pod in the node's network has the node's address, as others have. */
static void read_addresses(const json_t *object, struct event_pod *ret)
{
	const json_t *status = json_object_get(object, "status");
	const json_t *all = json_object_get(status, "podIPs");

	if (json_is_true(json_object_get(json_object_get(object, "spec"), "hostNetwork")))
		return;
	TEXT_COPY(ret->address, kubernetes_text(status, "podIP"));
	TEXT_COPY(ret->second_address, kubernetes_text(json_array_get(all, 1), "ip"));
}

/* From a file or a URL of the kubelet's, not from the API server; where that has it, it is a mirror. */
static bool is_static(const json_t *metadata)
{
	const json_t *annotations = json_object_get(metadata, "annotations");
	const char *from = kubernetes_text(annotations, "kubernetes.io/config.source");
	const json_t *owner = json_array_get(json_object_get(metadata, "ownerReferences"), 0);

	return strcmp(from, "file") == 0 || strcmp(from, "http") == 0 ||
	       *kubernetes_text(annotations, "kubernetes.io/config.mirror") ||
	       strcmp(kubernetes_text(owner, "kind"), "Node") == 0;
}

static uint64_t memory_request(const json_t *spec)
{
	const json_t *container;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach (json_object_get(spec, "containers"), i, container)
		sum += kubernetes_bytes(
			json_object_get(json_object_get(container, "resources"), "requests"),
			"memory");
	return sum;
}

/* Who wants it gone, and how. */
static void read_end(const json_t *object, int64_t wall_offset_ns, struct event_pod *ret)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *spec = json_object_get(object, "spec");
	const json_t *conditions = json_object_get(json_object_get(object, "status"), "conditions");
	const json_t *target = kubernetes_condition(conditions, "DisruptionTarget");

	ret->deleted_ns = kubernetes_time(metadata, "deletionTimestamp", wall_offset_ns);
	ret->grace_s = kubernetes_number(metadata, "deletionGracePeriodSeconds");
	ret->spec_grace_s = kubernetes_number(spec, "terminationGracePeriodSeconds");
	ret->memory_request_bytes = memory_request(spec);
	ret->is_static = is_static(metadata);
	if (target)
		TEXT_COPY(ret->disruption, kubernetes_text(target, "reason"));
}

int kubernetes_pod_read(const json_t *object, int64_t wall_offset_ns, struct event_pod *ret)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *status = json_object_get(object, "status");
	const json_t *conditions = json_object_get(status, "conditions");
	struct event_pod pod = {0};

	TEXT_COPY(pod.pod_uid, uid_of(metadata));
	TEXT_COPY(pod.pod, kubernetes_text(metadata, "name"));
	TEXT_COPY(pod.pod_namespace, kubernetes_text(metadata, "namespace"));
	if (!*pod.pod_uid || !*pod.pod)
		return -EBADMSG;
	pod.created_ns = kubernetes_time(metadata, "creationTimestamp", wall_offset_ns);
	pod.scheduled_ns = condition_ns(conditions, "PodScheduled", wall_offset_ns);
	pod.initialized_ns = condition_ns(conditions, "Initialized", wall_offset_ns);
	pod.ready_ns = condition_ns(conditions, "Ready", wall_offset_ns);
	TEXT_COPY(pod.phase, kubernetes_text(status, "phase"));
	TEXT_COPY(pod.reason, kubernetes_text(status, "reason"));
	TEXT_COPY(pod.message, kubernetes_text(status, "message"));
	read_addresses(object, &pod);
	read_end(object, wall_offset_ns, &pod);
	*ret = pod;
	return 0;
}

static const json_t *find_named(const json_t *list, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach ((json_t *)list, i, entry)
		if (strcmp(kubernetes_text(entry, "name"), name) == 0)
			return entry;
	return NULL;
}

/* core/v1 Probe, as the API server completes it (pkg/apis/core/v1/defaults.go). */
static struct probe_settings read_probe(const json_t *probe)
{
	static const struct {
		const char *name;
		size_t offset;
		uint32_t otherwise; /* in place of what is not there, or 0 */
	} settings[] = {
		{"periodSeconds", offsetof(struct probe_settings, period_s), 10},
		{"initialDelaySeconds", offsetof(struct probe_settings, initial_s), 0},
		{"successThreshold", offsetof(struct probe_settings, successes), 1},
		{"failureThreshold", offsetof(struct probe_settings, failures), 3},
	};
	struct probe_settings read = {0};

	if (!json_is_object(probe))
		return read;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		json_int_t value = json_integer_value(json_object_get(probe, settings[i].name));

		*(uint32_t *)((char *)&read + settings[i].offset) =
			value > 0 && value < UINT32_MAX ? (uint32_t)value : settings[i].otherwise;
	}
	return read;
}

/* The readiness probe decides, behind the startup probe where there is one. */
static void read_probes(const json_t *spec, struct event_pod_container *ret)
{
	ret->readiness = read_probe(json_object_get(spec, "readinessProbe"));
	ret->startup = read_probe(json_object_get(spec, "startupProbe"));
	ret->probe_period_s =
		ret->readiness.period_s ? ret->readiness.period_s : ret->startup.period_s;
	ret->has_probe = ret->probe_period_s != 0;
	ret->has_liveness = json_is_object(json_object_get(spec, "livenessProbe"));
	ret->has_pre_stop =
		json_is_object(json_object_get(json_object_get(spec, "lifecycle"), "preStop"));
}

static void read_state(const json_t *state, struct event_pod_container *ret)
{
	static const struct {
		const char *name;
		enum pod_container_state state;
	} states[] = {
		{"waiting", POD_CONTAINER_WAITING},
		{"running", POD_CONTAINER_RUNNING},
		{"terminated", POD_CONTAINER_TERMINATED},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		const json_t *found = json_object_get(state, states[i].name);

		if (!found)
			continue;
		ret->state = states[i].state;
		TEXT_COPY(ret->reason, kubernetes_text(found, "reason"));
		TEXT_COPY(ret->message, kubernetes_text(found, "message"));
		ret->exit_code = (int32_t)json_integer_value(json_object_get(found, "exitCode"));
	}
}

/* "containerd://0123..." */
static const char *bare_id(const char *id)
{
	const char *behind = strstr(id, "://");

	return behind ? behind + 3 : id;
}

/* Kubernetes' word on the end before, of a container that has another id. */
static void read_last_end(const json_t *last_state, struct event_pod_container *ret)
{
	const json_t *last = json_object_get(last_state, "terminated");

	if (!last)
		return;
	TEXT_COPY(ret->last_container_id, bare_id(kubernetes_text(last, "containerID")));
	TEXT_COPY(ret->last_reason, kubernetes_text(last, "reason"));
	ret->last_exit_code = (int32_t)json_integer_value(json_object_get(last, "exitCode"));
}

static uint64_t read_container(const json_t *spec, const json_t *statuses, int64_t wall_offset_ns,
			       struct event_pod_container *ret)
{
	const json_t *status = find_named(statuses, kubernetes_text(spec, "name"));
	const json_t *state = json_object_get(status, "state");

	TEXT_COPY(ret->name, kubernetes_text(spec, "name"));
	TEXT_COPY(ret->image, kubernetes_text(spec, "image"));
	TEXT_COPY(ret->container_id, bare_id(kubernetes_text(status, "containerID")));
	ret->ready = json_is_true(json_object_get(status, "ready"));
	ret->restarts = kubernetes_number(status, "restartCount");
	read_probes(spec, ret);
	read_state(state, ret);
	read_last_end(json_object_get(status, "lastState"), ret);
	return kubernetes_time(json_object_get(state, "running"), "startedAt", wall_offset_ns);
}

uint32_t kubernetes_pod_containers(const json_t *object, int64_t wall_offset_ns,
				   struct event_pod_container *ret, uint64_t *ret_since_ns,
				   uint32_t max)
{
	static const struct {
		const char *specs, *statuses;
	} lists[] = {
		{"initContainers", "initContainerStatuses"},
		{"containers", "containerStatuses"},
	};
	const json_t *spec = json_object_get(object, "spec");
	const json_t *status = json_object_get(object, "status");
	const char *uid = uid_of(json_object_get(object, "metadata"));
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		json_t *list = json_object_get(spec, lists[i].specs);
		const json_t *statuses = json_object_get(status, lists[i].statuses);
		const json_t *one;
		size_t k;

		json_array_foreach (list, k, one) {
			if (count == max)
				return count;
			struct event_pod_container *container = &ret[count];

			*container = (struct event_pod_container){0};
			TEXT_COPY(container->pod_uid, uid);
			ret_since_ns[count] =
				read_container(one, statuses, wall_offset_ns, container);
			/* one that goes on beside the others (a sidecar) is no init container's start */
			container->init =
				i == 0 && strcmp(kubernetes_text(one, "restartPolicy"), "Always");
			count++;
		}
	}
	return count;
}

/* Where it is cordoned, the node controller adds a taint, with its time. */
static void read_taints(const json_t *object, int64_t wall_offset_ns, struct kubernetes_node *ret)
{
	const json_t *taint;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(object, "spec"), "taints"), i, taint) {
		ret->no_execute |= strcmp(kubernetes_text(taint, "effect"), "NoExecute") == 0;
		if (strcmp(kubernetes_text(taint, "key"), "node.kubernetes.io/unschedulable") == 0)
			ret->told.cordoned_ns = kubernetes_time(taint, "timeAdded", wall_offset_ns);
	}
}

/* A kubelet is never newer than its API server (version skew policy): "v1.26.1+k3s1". */
static bool tells_deletions(const json_t *node_info)
{
	unsigned int major = 0, minor = 0;

	sscanf(kubernetes_text(node_info, "kubeletVersion"), "v%u.%u", &major, &minor);
	return major > 1 || (major == 1 && minor >= 26);
}

void kubernetes_node_read(const json_t *object, const char *boot_id, int64_t wall_offset_ns,
			  struct kubernetes_node *ret)
{
	const json_t *status = json_object_get(object, "status");
	const json_t *conditions = json_object_get(status, "conditions");
	const json_t *ready = kubernetes_condition(conditions, "Ready");

	*ret = (struct kubernetes_node){
		.of_this_boot =
			strcmp(kubernetes_text(json_object_get(status, "nodeInfo"), "bootID"),
			       boot_id) == 0,
		.ready_ns = condition_ns(conditions, "Ready", wall_offset_ns),
		.heard_ns = kubernetes_time(ready, "lastHeartbeatTime", wall_offset_ns),
	};
	ret->told.tells_deletions = tells_deletions(json_object_get(status, "nodeInfo"));
	read_taints(object, wall_offset_ns, ret);
}
