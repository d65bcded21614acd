/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's name, pod and image, asked for at once when it is created.
 *
 * CRI has not entered the container into its own tables when /containers/create arrives; the
 * native container has its labels and CRI's metadata from the beginning. Of a container that is
 * gone before the answer only its id is known: the kernel's cgroup may still name its pod.
 */
#include "source/containerd/containerd_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "source/containerd/containerd_json.h"

struct identify {
	struct containerd_source *source;
	struct identify *next, **link;
	struct event event;
};

static void drop(struct identify *identify)
{
	*identify->link = identify->next;
	if (identify->next)
		identify->next->link = identify->link;
	free(identify);
}

void containerd_identify_clear(struct containerd_source *source)
{
	while (source->identifies)
		drop(source->identifies);
}

static const char *label(const Containerd__Container *container, const char *key)
{
	for (size_t i = 0; i < container->n_labels; i++)
		if (strcmp(container->labels[i]->key, key) == 0)
			return container->labels[i]->value;
	return "";
}

/* Returns true for a container of CRI's, which ContainerStatus knows. */
static bool read_extensions(const Containerd__Container *container, struct event_container *event)
{
	bool is_container = false;

	for (size_t i = 0; i < container->n_extensions; i++) {
		const char *key = container->extensions[i]->key;
		const Containerd__Any *value = container->extensions[i]->value;

		if (!value)
			continue;
		const char *text = (const char *)value->value.data;

		if (strcmp(key, CRI_CONTAINER_METADATA) == 0)
			is_container =
				containerd_json_container(text, value->value.len, event) == 0;
		else if (strcmp(key, CRI_SANDBOX_METADATA) == 0 &&
			 containerd_json_sandbox(text, value->value.len, event) == 0)
			TEXT_COPY(event->sandbox_id, event->container_id);
	}
	return is_container;
}

static void on_container(void *context, int status, const char *message,
			 const ProtobufCMessage *reply)
{
	struct identify *identify = context;
	struct containerd_source *source = identify->source;
	struct event_container *event = &identify->event.container;
	const Containerd__Container *container =
		status == RPC_OK ? ((const Containerd__GetContainerResponse *)reply)->container
				 : NULL;

	(void)message;
	if (container) {
		TEXT_COPY(event->image, container->image);
		TEXT_COPY(event->pod, label(container, "io.kubernetes.pod.name"));
		TEXT_COPY(event->pod_namespace, label(container, "io.kubernetes.pod.namespace"));
		TEXT_COPY(event->pod_uid, label(container, "io.kubernetes.pod.uid"));
		TEXT_COPY(event->name, label(container, "io.kubernetes.container.name"));
		if (!read_extensions(container, event))
			containerd_list_foreign(source, event->container_id);
		containerd_emit(source, &identify->event);
	} else {
		/* a client that is not CRI may have deleted it; CRI would still know it */
		status_ask(source->asks, event->container_id, false);
	}
	drop(identify);
}

void containerd_identify(struct containerd_source *source, const struct event *created)
{
	static const char path[] = "/containerd.services.containers.v1.Containers/Get";
	const struct rpc_method method = {
		.path = path,
		.namespace_name = source->namespace_name,
		.reply = &containerd__get_container_response__descriptor,
		.deadline_ms = CALL_DEADLINE_MS,
	};
	Containerd__GetContainerRequest request = CONTAINERD__GET_CONTAINER_REQUEST__INIT;
	struct identify *identify = calloc(1, sizeof(*identify));

	if (!identify)
		return;
	identify->source = source;
	identify->event = *created;
	identify->next = source->identifies;
	identify->link = &source->identifies;
	if (identify->next)
		identify->next->link = &identify->next;
	source->identifies = identify;
	request.id = (char *)created->container.container_id;
	if (containerd_call(source, &method, &request.base, on_container, identify) < 0)
		drop(identify);
}
