// SPDX-License-Identifier: Apache-2.0
/* What containerd tells: containers, tasks, images. */
#include "unit/random_private.h"

static void make_container(struct chance *chance, struct event_container *container,
			   uint64_t now_ns)
{
	*container = (struct event_container){
		.attempt = below(chance, 3),
		.state = below(chance, CONTAINER_STATE_COUNT),
		.listed_ended = maybe(chance),
		.pid = 100 + below(chance, 12),
		.cgroup_id = below(chance, 8),
		.created_ns = some_time(chance, now_ns),
		.started_ns = some_time(chance, now_ns),
		.finished_ns = maybe(chance) ? some_time(chance, now_ns) : 0,
		.exit_code = (int)below(chance, 4) * 45,
	};
	some_container(chance, container->container_id);
	if (below(chance, 8))
		sandbox_of(container->container_id, container->sandbox_id);
	uid_of(container->container_id, container->pod_uid);
	snprintf(container->pod, sizeof(container->pod), "web-%c", container->pod_uid[0]);
	TEXT_COPY(container->pod_namespace, "shop");
	SAY(container->name, WORDS_NAMES);
	SAY(container->image, WORDS_IMAGES);
	SAY(container->image_id, WORDS_DIGESTS);
	SAY(container->reason, WORDS_REASONS);
	SAY(container->message, WORDS_MESSAGES);
}

static void make_image(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_SNAPSHOT:
		event->snapshot.step = below(chance, SNAPSHOT_STEP_COUNT);
		if (below(chance, 3) == 0)
			some_container(chance, event->snapshot.container_id);
		SAY(event->snapshot.chain, WORDS_DIGESTS);
		SAY(event->snapshot.parent, WORDS_DIGESTS);
		break;
	case EVENT_INGEST:
		event->ingest = (struct event_ingest){
			.kind = below(chance, INGEST_KIND_COUNT),
			.offset = some_size(chance),
			.total = some_size(chance),
			.started_ns = some_time(chance, now_ns),
			.gone = below(chance, 3) == 0,
			.aborted = below(chance, 4) == 0,
			.peer_port = 443,
		};
		event->boot_ns = now_ns; /* when it was looked at */
		if (event->ingest.started_ns > now_ns)
			event->ingest.started_ns = now_ns;
		SAY(event->ingest.digest, WORDS_DIGESTS);
		SAY(event->ingest.peer, WORDS_ADDRESSES);
		break;
	case EVENT_LAYER:
		event->layer = (struct event_layer){
			.index = below(chance, 3),
			.count = 3,
			.bytes = some_size(chance),
			.committed_ns = some_time(chance, now_ns),
			.unpacked_bytes = some_size(chance),
			.unpacked_files = below(chance, 100),
		};
		SAY(event->layer.image, WORDS_IMAGES);
		SAY(event->layer.digest, WORDS_DIGESTS);
		SAY(event->layer.chain, WORDS_DIGESTS);
		break;
	default:
		event->image = (struct event_image){.step = below(chance, IMAGE_STEP_COUNT),
						    .resolved_ns = some_time(chance, now_ns)};
		do /* never without */
			SAY(event->image.name, WORDS_IMAGES);
		while (!*event->image.name);
		SAY(event->image.digest, WORDS_DIGESTS);
		SAY(event->image.image_id, WORDS_DIGESTS);
		SAY(event->image.registry, WORDS_NAMES);
	}
}

static void make_call(struct chance *chance, struct event_cri_call *call, uint64_t now_ns)
{
	*call = (struct event_cri_call){.method = below(chance, CRI_METHOD_COUNT),
					.began_ns = some_time(chance, now_ns),
					.failed = below(chance, 4) == 0};
	some_container(chance, call->container_id);
	SAY(call->image, WORDS_IMAGES);
	SAY(call->image_id, WORDS_DIGESTS);
}

void random_runtime(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_CONTAINER:
		make_container(chance, &event->container, now_ns);
		break;
	case EVENT_CONTAINER_GONE:
		some_container(chance, event->container_gone.container_id);
		break;
	case EVENT_TASK:
		event->task = (struct event_task){.step = below(chance, TASK_STEP_COUNT),
						  .pid = some_process(chance).pid,
						  .exit_status = below(chance, 4) * 45,
						  .exited_ns = some_time(chance, now_ns)};
		some_container(chance, event->task.container_id);
		break;
	case EVENT_CRI_CALL:
		make_call(chance, &event->cri_call, now_ns);
		break;
	default:
		make_image(chance, event, now_ns);
	}
}
