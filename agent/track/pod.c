/* SPDX-License-Identifier: Apache-2.0 */
#include "track/pod.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "track/why/why_work.h"

/* A kubelet takes at most 110 by default, 500 by far; the oldest goes first. */
#define PODS_MAX 1024
/* The kernel's rings and containerd's stream are read within this time. */
#define SETTLE_NS (200 * NS_PER_MS)

struct pods {
	pod_ready_fn on_ready;
	void *context;
	struct pod *by_uid;
	uint64_t due_ns;
};

struct pods *pods_new(pod_ready_fn on_ready, void *context)
{
	struct pods *pods = calloc(1, sizeof(*pods));

	if (pods) {
		pods->on_ready = on_ready;
		pods->context = context;
		pods->due_ns = UINT64_MAX;
	}
	return pods;
}

static void drop(struct pods *pods, struct pod *pod)
{
	HASH_DEL(pods->by_uid, pod);
	free(pod->containers);
	free(pod->work);
	free(pod);
}

void pods_free(struct pods *pods)
{
	if (!pods)
		return;
	while (pods->by_uid)
		drop(pods, pods->by_uid);
	free(pods);
}

static struct pod *find(const struct pods *pods, const char *uid)
{
	struct pod *pod;

	HASH_FIND_STR(pods->by_uid, uid, pod);
	return pod;
}

const struct pod *pods_find(const struct pods *pods, const char *pod_uid)
{
	return find(pods, pod_uid);
}

void pods_name_address(const struct pods *pods, const char *address,
		       char ret_name[static POD_PATH_SIZE])
{
	*ret_name = '\0';
	for (const struct pod *pod = pods->by_uid; pod; pod = pod->hh.next)
		if (strcmp(pod->addresses[0], address) == 0 ||
		    strcmp(pod->addresses[1], address) == 0) {
			size_t length = strlen(pod->subject.pod_namespace);

			text_copy(ret_name, POD_PATH_SIZE, pod->subject.pod_namespace);
			ret_name[length] = '/';
			text_copy(ret_name + length + 1, POD_PATH_SIZE - length - 1,
				  pod->subject.pod);
			return;
		}
}

static struct pod *get(struct pods *pods, const char *uid)
{
	struct pod *pod = find(pods, uid);

	if (pod || !*uid)
		return pod;
	if (HASH_COUNT(pods->by_uid) >= PODS_MAX)
		drop(pods, pods->by_uid);
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return NULL;
	TEXT_COPY(pod->subject.pod_uid, uid);
	HASH_ADD_STR(pods->by_uid, subject.pod_uid, pod);
	return pod;
}

const struct pod_container *pod_find_container(const struct pod *pod, const char *container_id)
{
	for (uint32_t i = 0; pod && *container_id && i < pod->container_count; i++)
		if (strcmp(pod->containers[i].container_id, container_id) == 0)
			return &pod->containers[i];
	return NULL;
}

static void note_pod(struct pods *pods, const struct event_pod *told, uint64_t now_ns)
{
	struct pod *pod = get(pods, told->pod_uid);

	if (!pod)
		return;
	TEXT_COPY(pod->subject.pod, told->pod);
	TEXT_COPY(pod->subject.pod_namespace, told->pod_namespace);
	pod->created_ns = told->created_ns;
	pod->memory_request_bytes = told->memory_request_bytes;
	pod->scheduled_ns = told->scheduled_ns;
	TEXT_COPY(pod->addresses[0], told->address);
	TEXT_COPY(pod->addresses[1], told->second_address);
	pod->arrived |= told->arrived;
	pod->ready_ns = told->ready_ns;
	if (told->ready_ns && !pod->was_ready && told->ready_arrived) {
		pod->start_due = true;
		pod->due_ns = now_ns + SETTLE_NS;
		if (pod->due_ns < pods->due_ns)
			pods->due_ns = pod->due_ns;
	}
	pod->was_ready |= told->ready_ns != 0;
}

/* By name: a restart has another id. */
static struct pod_container *get_container(struct pod *pod, const char *name)
{
	for (uint32_t i = 0; i < pod->container_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return &pod->containers[i];
	struct pod_container *all = NULL;

	if (pod->container_count < POD_CONTAINERS_MAX)
		all = reallocarray(pod->containers, pod->container_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	pod->containers = all;
	all += pod->container_count++;
	*all = (struct pod_container){0};
	TEXT_COPY(all->name, name);
	return all;
}

static void note_container(struct pods *pods, const struct event_pod_container *told,
			   uint64_t boot_ns)
{
	struct pod *pod = find(pods, told->pod_uid);
	struct pod_container *container = pod ? get_container(pod, told->name) : NULL;

	if (!container)
		return;
	if (strcmp(container->container_id, told->container_id) != 0) {
		TEXT_COPY(container->container_id, told->container_id);
		container->ready_ns = 0;
	}
	container->init = told->init;
	container->has_probe = told->has_probe;
	container->probe_period_s = told->probe_period_s;
	container->readiness = told->readiness;
	container->startup = told->startup;
	container->restarts = told->restarts;
	if (!told->ready)
		return; /* what it was once is kept: its start was over then */
	if (!container->ready_ns) {
		container->ready_ns = boot_ns;
		container->ready_arrived = told->ready_arrived;
	}
}

/* By kind and name. A measured end is better than a bound, and it stays. */
static void note_work(struct pod *pod, const struct work_step *told)
{
	struct work_step *all;

	for (uint32_t i = 0; i < pod->work_count; i++) {
		struct work_step *step = &pod->work[i];

		if (step->kind != told->kind || strcmp(step->name, told->name) != 0)
			continue;
		if (told->span.from_ns && told->span.from_ns < step->span.from_ns)
			step->span.from_ns = told->span.from_ns;
		if (told->count > step->count)
			step->count = told->count;
		if (told->span.to_ns > step->span.to_ns) { /* else it was told again */
			step->count += step->span.to_ns != 0;
			step->span.to_ns = told->span.to_ns;
			step->at_most = told->at_most;
		}
		return;
	}
	if (pod->work_count == POD_WORK_MAX)
		return; /* what came first has waited longest */
	all = reallocarray(pod->work, pod->work_count + 1, sizeof(*all));
	if (!all)
		return;
	pod->work = all;
	all[pod->work_count++] = *told;
}

static void note_trouble(struct pods *pods, const struct event_pod_trouble *told)
{
	struct pod *pod = find(pods, told->pod_uid);
	struct work_step step;

	if (pod && why_work_trouble(told, &step))
		note_work(pod, &step);
}

/* The kubelet's log may be read before the API server is asked. */
static void note_volume(struct pods *pods, const struct event_work *told, uint64_t boot_ns)
{
	struct pod *pod = *told->pod_uid ? get(pods, told->pod_uid) : NULL;
	struct work_step step = {
		.kind = told->kind,
		.phase = PHASE_ADMIT,
		.span = {told->began_ns, boot_ns},
		.count = 1,
		.at_most = !told->began_ns,
	};

	TEXT_COPY(step.name, told->name);
	if (pod)
		note_work(pod, &step);
}

void pods_event(struct pods *pods, const struct event *event, uint64_t now_ns)
{
	struct pod *pod;

	switch (event->type) {
	case EVENT_POD:
		note_pod(pods, &event->pod, now_ns);
		break;
	case EVENT_POD_CONTAINER:
		note_container(pods, &event->pod_container, event->boot_ns);
		break;
	case EVENT_POD_TROUBLE:
		note_trouble(pods, &event->pod_trouble);
		break;
	case EVENT_WORK:
		note_volume(pods, &event->work, event->boot_ns);
		break;
	case EVENT_POD_GONE:
		pod = find(pods, event->pod_gone.pod_uid);
		if (pod)
			drop(pods, pod);
		break;
	default:
		break;
	}
}

uint64_t pods_next_tick_ns(const struct pods *pods)
{
	return pods->due_ns;
}

void pods_tick(struct pods *pods, uint64_t now_ns)
{
	if (now_ns < pods->due_ns)
		return;
	pods->due_ns = UINT64_MAX;
	for (struct pod *pod = pods->by_uid; pod; pod = pod->hh.next) {
		if (pod->start_due && pod->due_ns <= now_ns) {
			pod->start_due = false;
			pods->on_ready(pods->context, pod);
		} else if (pod->start_due && pod->due_ns < pods->due_ns) {
			pods->due_ns = pod->due_ns;
		}
	}
}
