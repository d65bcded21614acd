/* SPDX-License-Identifier: Apache-2.0 */
#include "source/containerd/containerd_wire.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "containerd.pb-c.h"

#define EXTRACT "extract-" /* key of a layer's unpack: "extract-<nanos>-<random> <chain id>" */

static uint64_t boot_ns_of(const Containerd__Timestamp *stamp, int64_t wall_offset_ns)
{
	if (!stamp || stamp->seconds <= 0 ||
	    stamp->seconds > INT64_MAX / (int64_t)NS_PER_SECOND - 1 || stamp->nanos < 0 ||
	    stamp->nanos >= (int32_t)NS_PER_SECOND)
		return 0;
	return clock_boot_from_wall(
		(uint64_t)stamp->seconds * NS_PER_SECOND + (uint64_t)stamp->nanos, wall_offset_ns);
}

static bool container_created(const ProtobufCMessage *message, int64_t wall_offset_ns,
			      struct event *event)
{
	const Containerd__ContainerCreate *created = (const void *)message;

	(void)wall_offset_ns;
	event->type = EVENT_CONTAINER;
	event->container.created_ns = event->boot_ns;
	TEXT_COPY(event->container.container_id, created->id);
	TEXT_COPY(event->container.image, created->image);
	return *event->container.container_id;
}

/*
 * Up to 1.7 a pod sandbox gets its labels by an update: they name the pod even where it is gone
 * before it could be asked for. Other updates are no news.
 */
static bool container_updated(const ProtobufCMessage *message, int64_t wall_offset_ns,
			      struct event *event)
{
	const Containerd__ContainerUpdate *updated = (const void *)message;
	struct event_container *told = &event->container;
	bool sandbox = false;

	(void)wall_offset_ns;
	for (size_t i = 0; i < updated->n_labels; i++) {
		const char *key = updated->labels[i]->key, *value = updated->labels[i]->value;

		if (strcmp(key, "io.cri-containerd.kind") == 0)
			sandbox = strcmp(value, "sandbox") == 0;
		else if (strcmp(key, "io.kubernetes.pod.name") == 0)
			TEXT_COPY(told->pod, value);
		else if (strcmp(key, "io.kubernetes.pod.namespace") == 0)
			TEXT_COPY(told->pod_namespace, value);
		else if (strcmp(key, "io.kubernetes.pod.uid") == 0)
			TEXT_COPY(told->pod_uid, value);
	}
	if (sandbox && *told->pod) {
		event->type = EVENT_CONTAINER;
		TEXT_COPY(told->image, updated->image);
		TEXT_COPY(told->container_id, updated->id);
		TEXT_COPY(told->sandbox_id, updated->id);
	}
	return *updated->id;
}

static bool container_deleted(const ProtobufCMessage *message, int64_t wall_offset_ns,
			      struct event *event)
{
	const Containerd__ContainerDelete *deleted = (const void *)message;

	(void)wall_offset_ns;
	event->type = EVENT_CONTAINER_GONE;
	TEXT_COPY(event->container_gone.container_id, deleted->id);
	return *event->container_gone.container_id;
}

static bool task(struct event *event, enum task_step step, const char *id, const char *exec_id,
		 uint32_t pid)
{
	event->type = EVENT_TASK;
	event->task.step = step;
	event->task.pid = pid;
	TEXT_COPY(event->task.container_id, id);
	TEXT_COPY(event->task.exec_id, exec_id);
	return *event->task.container_id;
}

static bool task_created(const ProtobufCMessage *message, int64_t wall_offset_ns,
			 struct event *event)
{
	const Containerd__TaskCreate *created = (const void *)message;

	(void)wall_offset_ns;
	return task(event, TASK_CREATE, created->container_id, "", created->pid);
}

static bool task_started(const ProtobufCMessage *message, int64_t wall_offset_ns,
			 struct event *event)
{
	const Containerd__TaskStart *started = (const void *)message;

	(void)wall_offset_ns;
	return task(event, TASK_START, started->container_id, "", started->pid);
}

static bool task_exited(const ProtobufCMessage *message, int64_t wall_offset_ns,
			struct event *event)
{
	const Containerd__TaskExit *exited = (const void *)message;

	event->task.exit_status = exited->exit_status;
	event->task.exited_ns = boot_ns_of(exited->exited_at, wall_offset_ns);
	return task(event, TASK_EXIT, exited->container_id, exited->id, exited->pid);
}

static bool task_deleted(const ProtobufCMessage *message, int64_t wall_offset_ns,
			 struct event *event)
{
	const Containerd__TaskDelete *deleted = (const void *)message;

	event->task.exit_status = deleted->exit_status;
	event->task.exited_ns = boot_ns_of(deleted->exited_at, wall_offset_ns);
	return task(event, TASK_DELETE, deleted->container_id, deleted->id, deleted->pid);
}

static bool task_oom(const ProtobufCMessage *message, int64_t wall_offset_ns, struct event *event)
{
	(void)wall_offset_ns;
	return task(event, TASK_OOM, ((const Containerd__TaskOf *)message)->container_id, "", 0);
}

static bool snapshot_prepared(const ProtobufCMessage *message, int64_t wall_offset_ns,
			      struct event *event)
{
	const Containerd__SnapshotPrepare *prepared = (const void *)message;
	const char *chain = strchr(prepared->key, ' ');

	(void)wall_offset_ns;
	event->type = EVENT_SNAPSHOT;
	event->snapshot.step = SNAPSHOT_PREPARE;
	TEXT_COPY(event->snapshot.parent, prepared->parent);
	if (strncmp(prepared->key, EXTRACT, strlen(EXTRACT)) != 0)
		TEXT_COPY(event->snapshot.container_id, prepared->key);
	else if (chain)
		TEXT_COPY(event->snapshot.chain, chain + 1);
	return *event->snapshot.container_id || *event->snapshot.chain;
}

static bool snapshot_committed(const ProtobufCMessage *message, int64_t wall_offset_ns,
			       struct event *event)
{
	(void)wall_offset_ns;
	event->type = EVENT_SNAPSHOT;
	event->snapshot.step = SNAPSHOT_COMMIT;
	TEXT_COPY(event->snapshot.chain, ((const Containerd__SnapshotCommit *)message)->name);
	return *event->snapshot.chain;
}

static bool image(const ProtobufCMessage *message, enum image_step step, struct event *event)
{
	event->type = EVENT_IMAGE;
	event->image.step = step;
	TEXT_COPY(event->image.name, ((const Containerd__ImageNamed *)message)->name);
	return *event->image.name;
}

static bool image_created(const ProtobufCMessage *message, int64_t wall_offset_ns,
			  struct event *event)
{
	(void)wall_offset_ns;
	return image(message, IMAGE_CREATE, event);
}

static bool image_updated(const ProtobufCMessage *message, int64_t wall_offset_ns,
			  struct event *event)
{
	(void)wall_offset_ns;
	return image(message, IMAGE_UPDATE, event);
}

static bool image_deleted(const ProtobufCMessage *message, int64_t wall_offset_ns,
			  struct event *event)
{
	(void)wall_offset_ns;
	return image(message, IMAGE_DELETE, event);
}

/*
 * Events that exist and tell nothing that is not known otherwise have no reader. A reader returns
 * false if what must be there is not; it leaves the type EVENT_NONE where there is no news.
 */
static const struct {
	const char *type;
	const ProtobufCMessageDescriptor *message;
	bool (*read)(const ProtobufCMessage *message, int64_t wall_offset_ns, struct event *event);
} types[] = {
	{"containerd.events.ContainerCreate", &containerd__container_create__descriptor,
	 container_created},
	{"containerd.events.ContainerDelete", &containerd__container_delete__descriptor,
	 container_deleted},
	{"containerd.events.ContainerUpdate", &containerd__container_update__descriptor,
	 container_updated},
	{"containerd.events.TaskCreate", &containerd__task_create__descriptor, task_created},
	{"containerd.events.TaskStart", &containerd__task_start__descriptor, task_started},
	{"containerd.events.TaskExit", &containerd__task_exit__descriptor, task_exited},
	{"containerd.events.TaskDelete", &containerd__task_delete__descriptor, task_deleted},
	{"containerd.events.TaskOOM", &containerd__task_of__descriptor, task_oom},
	{"containerd.events.TaskIO", NULL, NULL},
	{"containerd.events.TaskExecAdded", NULL, NULL},
	{"containerd.events.TaskExecStarted", NULL, NULL},
	{"containerd.events.TaskPaused", NULL, NULL},
	{"containerd.events.TaskResumed", NULL, NULL},
	{"containerd.events.TaskCheckpointed", NULL, NULL},
	{"containerd.events.SnapshotPrepare", &containerd__snapshot_prepare__descriptor,
	 snapshot_prepared},
	{"containerd.events.SnapshotCommit", &containerd__snapshot_commit__descriptor,
	 snapshot_committed},
	{"containerd.events.SnapshotRemove", NULL, NULL},
	{"containerd.services.images.v1.ImageCreate", &containerd__image_named__descriptor,
	 image_created},
	{"containerd.events.ImageCreate", &containerd__image_named__descriptor, image_created},
	{"containerd.services.images.v1.ImageUpdate", &containerd__image_named__descriptor,
	 image_updated},
	{"containerd.events.ImageUpdate", &containerd__image_named__descriptor, image_updated},
	{"containerd.services.images.v1.ImageDelete", &containerd__image_named__descriptor,
	 image_deleted},
	{"containerd.events.ImageDelete", &containerd__image_named__descriptor, image_deleted},
	{"containerd.events.NamespaceCreate", NULL, NULL},
	{"containerd.events.NamespaceUpdate", NULL, NULL},
	{"containerd.events.NamespaceDelete", NULL, NULL},
	{"containerd.events.ContentCreate", NULL, NULL},
	{"containerd.events.ContentDelete", NULL, NULL},
	{"containerd.events.SandboxCreate", NULL, NULL},
	{"containerd.events.SandboxStart", NULL, NULL},
	{"containerd.events.SandboxExit", NULL, NULL},
};

static enum containerd_wire_result decode_any(const Containerd__Any *any, int64_t wall_offset_ns,
					      struct event *event)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(any->type_url, types[i].type) != 0)
			continue;
		if (!types[i].read)
			return CONTAINERD_WIRE_NO_EVENT;
		ProtobufCMessage *message = protobuf_c_message_unpack(
			types[i].message, NULL, any->value.len, any->value.data);
		if (!message)
			return CONTAINERD_WIRE_UNDECODABLE;
		bool whole = types[i].read(message, wall_offset_ns, event);

		protobuf_c_message_free_unpacked(message, NULL);
		return !whole			   ? CONTAINERD_WIRE_UNDECODABLE
		       : event->type == EVENT_NONE ? CONTAINERD_WIRE_NO_EVENT
						   : CONTAINERD_WIRE_EVENT;
	}
	return CONTAINERD_WIRE_UNKNOWN;
}

enum containerd_wire_result containerd_wire_decode(const uint8_t *data, size_t size,
						   int64_t wall_offset_ns, struct event *ret)
{
	Containerd__Envelope *envelope = containerd__envelope__unpack(NULL, size, data);
	enum containerd_wire_result result = CONTAINERD_WIRE_UNDECODABLE;
	struct event event = {0};

	if (!envelope)
		return result;
	event.boot_ns = boot_ns_of(envelope->timestamp, wall_offset_ns);
	if (envelope->event && event.boot_ns)
		result = decode_any(envelope->event, wall_offset_ns, &event);
	containerd__envelope__free_unpacked(envelope, NULL);
	if (result == CONTAINERD_WIRE_EVENT)
		*ret = event;
	return result;
}
