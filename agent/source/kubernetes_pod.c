/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kubernetes_pod.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

/* metav1.Time and MicroTime; 0 where there is none. */
static uint64_t time_of(const json_t *object, const char *name, int64_t wall_offset_ns)
{
	int64_t wall_ns;

	if (clock_wall_parse(text_of(object, name), &wall_ns) < 0 || wall_ns <= 0)
		return 0;
	return clock_boot_from_wall((uint64_t)wall_ns, wall_offset_ns);
}

/* The condition of this type, if it holds. */
static const json_t *condition_of(const json_t *conditions, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition)
		if (strcmp(text_of(condition, "type"), type) == 0)
			return strcmp(text_of(condition, "status"), "True") == 0 ? condition : NULL;
	return NULL;
}

/* When a condition became true; 0 if it is not. One that dates from before the boot has the time 1. */
static uint64_t condition_ns(const json_t *conditions, const char *type, int64_t wall_offset_ns)
{
	const json_t *condition = condition_of(conditions, type);

	return condition ? time_of(condition, "lastTransitionTime", wall_offset_ns) ?: 1 : 0;
}

/*
 * A static pod has the uid of its file on the node, and another one in the API server, for its mirror; cgroups
 * and CRI know the node's.
 */
static const char *uid_of(const json_t *metadata)
{
	const json_t *annotations = json_object_get(metadata, "annotations");
	const char *uid = text_of(annotations, "kubernetes.io/config.hash");

	return *text_of(annotations, "kubernetes.io/config.mirror") && *uid
		       ? uid
		       : text_of(metadata, "uid");
}

/* A pod in the node's network has the node's address, as others have. */
static void read_addresses(const json_t *object, struct event_pod *ret)
{
	const json_t *status = json_object_get(object, "status");
	const json_t *all = json_object_get(status, "podIPs");

	if (json_is_true(json_object_get(json_object_get(object, "spec"), "hostNetwork")))
		return;
	TEXT_COPY(ret->address, text_of(status, "podIP"));
	TEXT_COPY(ret->second_address, text_of(json_array_get(all, 1), "ip"));
}

int kubernetes_pod_read(const json_t *object, int64_t wall_offset_ns, struct event_pod *ret)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *status = json_object_get(object, "status");
	const json_t *conditions = json_object_get(status, "conditions");
	struct event_pod pod = {0};

	TEXT_COPY(pod.pod_uid, uid_of(metadata));
	TEXT_COPY(pod.pod, text_of(metadata, "name"));
	TEXT_COPY(pod.pod_namespace, text_of(metadata, "namespace"));
	if (!*pod.pod_uid || !*pod.pod)
		return -EBADMSG;
	pod.created_ns = time_of(metadata, "creationTimestamp", wall_offset_ns);
	pod.deleted_ns = time_of(metadata, "deletionTimestamp", wall_offset_ns);
	pod.scheduled_ns = condition_ns(conditions, "PodScheduled", wall_offset_ns);
	pod.initialized_ns = condition_ns(conditions, "Initialized", wall_offset_ns);
	pod.ready_ns = condition_ns(conditions, "Ready", wall_offset_ns);
	TEXT_COPY(pod.phase, text_of(status, "phase"));
	TEXT_COPY(pod.reason, text_of(status, "reason"));
	TEXT_COPY(pod.message, text_of(status, "message"));
	read_addresses(object, &pod);
	*ret = pod;
	return 0;
}

static const json_t *find_named(const json_t *list, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach ((json_t *)list, i, entry)
		if (strcmp(text_of(entry, "name"), name) == 0)
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
		TEXT_COPY(ret->reason, text_of(found, "reason"));
		TEXT_COPY(ret->message, text_of(found, "message"));
	}
}

/* "containerd://0123..." */
static const char *bare_id(const char *id)
{
	const char *behind = strstr(id, "://");

	return behind ? behind + 3 : id;
}

static uint64_t read_container(const json_t *spec, const json_t *statuses, int64_t wall_offset_ns,
			       struct event_pod_container *ret)
{
	const json_t *status = find_named(statuses, text_of(spec, "name"));
	const json_t *state = json_object_get(status, "state");
	json_int_t restarts = json_integer_value(json_object_get(status, "restartCount"));

	TEXT_COPY(ret->name, text_of(spec, "name"));
	TEXT_COPY(ret->image, text_of(spec, "image"));
	TEXT_COPY(ret->container_id, bare_id(text_of(status, "containerID")));
	ret->ready = json_is_true(json_object_get(status, "ready"));
	ret->restarts = restarts > 0 && restarts < UINT32_MAX ? (uint32_t)restarts : 0;
	read_probes(spec, ret);
	read_state(state, ret);
	return time_of(json_object_get(state, "running"), "startedAt", wall_offset_ns);
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
			container->init = i == 0 && strcmp(text_of(one, "restartPolicy"), "Always");
			count++;
		}
	}
	return count;
}

/* The kubelet repeats as Events what a container's status says with more words. */
static bool said_by_status(const char *reason)
{
	return strcmp(reason, "BackOff") == 0 || strcmp(reason, "Failed") == 0 ||
	       strcmp(reason, "InspectFailed") == 0 || strcmp(reason, "ErrImageNeverPull") == 0;
}

static bool is_ours(const json_t *object)
{
	return strncmp(text_of(object, "reportingComponent"), "nodewake", 8) == 0;
}

int kubernetes_trouble_read(const json_t *object, int64_t wall_offset_ns,
			    struct event_pod_trouble *ret)
{
	const json_t *about = json_object_get(object, "involvedObject");
	const json_t *series = json_object_get(object, "series");
	struct event_pod_trouble trouble = {.count = 1};
	const char *component = text_of(json_object_get(object, "source"), "component");
	json_int_t count = json_integer_value(json_object_get(series ?: object, "count"));

	if (strcmp(text_of(object, "type"), "Warning") != 0 ||
	    strcmp(text_of(about, "kind"), "Pod") != 0 || is_ours(object) ||
	    said_by_status(text_of(object, "reason")))
		return -ENOENT;
	TEXT_COPY(trouble.pod_uid, text_of(about, "uid"));
	TEXT_COPY(trouble.reason, text_of(object, "reason"));
	TEXT_COPY(trouble.message, text_of(object, "message"));
	TEXT_COPY(trouble.component,
		  *component ? component : text_of(object, "reportingComponent"));
	if (!*trouble.pod_uid || !*trouble.reason)
		return -ENOENT;
	if (count > 1 && count < UINT32_MAX)
		trouble.count = (uint32_t)count;
	trouble.first_ns = time_of(object, "firstTimestamp", wall_offset_ns)
				   ?: time_of(object, "eventTime", wall_offset_ns);
	trouble.last_ns = time_of(series, "lastObservedTime", wall_offset_ns)
				  ?: time_of(object, "lastTimestamp", wall_offset_ns)
				  ?: trouble.first_ns;
	*ret = trouble;
	return 0;
}

int kubernetes_attach_read(const json_t *object, int64_t wall_offset_ns, struct event_work *ret,
			   uint64_t *ret_ns)
{
	static const char before[] = " for volume \"";
	const json_t *about = json_object_get(object, "involvedObject");
	const char *name = strstr(text_of(object, "message"), before);
	struct event_work work = {.kind = WORK_VOLUME};
	uint64_t at_ns = time_of(object, "lastTimestamp", wall_offset_ns)
				 ?: time_of(object, "eventTime", wall_offset_ns);

	if (strcmp(text_of(object, "reason"), "SuccessfulAttachVolume") != 0 ||
	    strcmp(text_of(about, "kind"), "Pod") != 0 || !name || !at_ns)
		return -ENOENT;
	name += strlen(before);
	text_copy_n(work.name, sizeof(work.name), name, strcspn(name, "\""));
	TEXT_COPY(work.pod_uid, text_of(about, "uid"));
	if (!*work.name || !*work.pod_uid)
		return -ENOENT;
	*ret = work;
	*ret_ns = at_ns;
	return 0;
}

void kubernetes_node_read(const json_t *object, const char *boot_id, int64_t wall_offset_ns,
			  struct kubernetes_node *ret)
{
	const json_t *status = json_object_get(object, "status");
	const json_t *conditions = json_object_get(status, "conditions");
	const json_t *ready = condition_of(conditions, "Ready");

	*ret = (struct kubernetes_node){
		.of_this_boot = strcmp(text_of(json_object_get(status, "nodeInfo"), "bootID"),
				       boot_id) == 0,
		.ready_ns = condition_ns(conditions, "Ready", wall_offset_ns),
		.heard_ns = time_of(ready, "lastHeartbeatTime", wall_offset_ns),
	};
}
