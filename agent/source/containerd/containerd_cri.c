/* SPDX-License-Identifier: Apache-2.0 */
/* CRI's words as events. Its times are wall times taken by containerd: reconstructed, not measured. */
#include "source/containerd/containerd_private.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static uint64_t boot_ns(int64_t wall_ns)
{
	return wall_ns > 0 ? clock_boot_from_wall((uint64_t)wall_ns, clock_wall_offset_ns()) : 0;
}

static struct event container_event(const char *id, int64_t created_at)
{
	struct event event = {
		.type = EVENT_CONTAINER,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = clock_boot_ns(),
		.container.created_ns = boot_ns(created_at),
	};

	TEXT_COPY(event.container.container_id, id);
	return event;
}

static void copy_label(struct event_container *to, const char *key, const char *value)
{
	if (strcmp(key, "io.kubernetes.pod.name") == 0)
		TEXT_COPY(to->pod, value);
	else if (strcmp(key, "io.kubernetes.pod.namespace") == 0)
		TEXT_COPY(to->pod_namespace, value);
	else if (strcmp(key, "io.kubernetes.pod.uid") == 0)
		TEXT_COPY(to->pod_uid, value);
}

/* What a listed container and a status have in common; their map entries are types of their own. */
#define COPY_COMMON(to, from)                                                               \
	do {                                                                                \
		for (size_t i_ = 0; i_ < (from)->n_labels; i_++)                            \
			copy_label(to, (from)->labels[i_]->key, (from)->labels[i_]->value); \
		if ((from)->metadata) {                                                     \
			TEXT_COPY((to)->name, (from)->metadata->name);                      \
			(to)->attempt = (from)->metadata->attempt;                          \
		}                                                                           \
		if ((from)->image)                                                          \
			TEXT_COPY((to)->image, (from)->image->image);                       \
		TEXT_COPY((to)->image_id, (from)->image_ref);                               \
	} while (0)

void containerd_emit_sandbox(struct containerd_source *source, const Cri__PodSandbox *sandbox)
{
	struct event event = container_event(sandbox->id, sandbox->created_at);

	TEXT_COPY(event.container.sandbox_id, sandbox->id);
	if (sandbox->metadata) {
		TEXT_COPY(event.container.pod, sandbox->metadata->name);
		TEXT_COPY(event.container.pod_namespace, sandbox->metadata->namespace_);
		TEXT_COPY(event.container.pod_uid, sandbox->metadata->uid);
		event.container.attempt = sandbox->metadata->attempt;
	}
	event.container.listed_ended = sandbox->state != 0;
	containerd_emit(source, &event);
}

void containerd_emit_listed(struct containerd_source *source, const Cri__Container *container)
{
	struct event event = container_event(container->id, container->created_at);

	TEXT_COPY(event.container.sandbox_id, container->pod_sandbox_id);
	COPY_COMMON(&event.container, container);
	event.container.listed_ended = container->state == CRI__CONTAINER_STATE__CONTAINER_EXITED;
	containerd_emit(source, &event);
}

static enum container_state state_of(Cri__ContainerState state)
{
	return state == CRI__CONTAINER_STATE__CONTAINER_CREATED	  ? CONTAINER_CREATED
	       : state == CRI__CONTAINER_STATE__CONTAINER_RUNNING ? CONTAINER_RUNNING
	       : state == CRI__CONTAINER_STATE__CONTAINER_EXITED  ? CONTAINER_EXITED
								  : CONTAINER_UNKNOWN;
}

void containerd_emit_status(struct containerd_source *source, const Cri__ContainerStatus *status)
{
	struct event event = container_event(status->id, status->created_at);
	struct event_container *to = &event.container;

	COPY_COMMON(to, status);
	to->state = state_of(status->state);
	to->started_ns = boot_ns(status->started_at);
	to->finished_ns = boot_ns(status->finished_at);
	to->exit_code = status->exit_code;
	/* a container that ended before this boot is no news of this boot */
	to->listed_ended = to->state == CONTAINER_EXITED && !to->finished_ns;
	if (to->listed_ended)
		to->state = CONTAINER_UNKNOWN;
	TEXT_COPY(to->reason, status->reason);
	TEXT_COPY(to->message, status->message);
	if (to->state == CONTAINER_EXITED)
		containerd_emit_log(source, status);
	containerd_emit(source, &event);
}
