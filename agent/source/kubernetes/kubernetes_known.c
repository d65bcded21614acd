/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/clock.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_pod.h"
#include "source/kubernetes/kubernetes_private.h"

#define CONTAINERS_MAX 32
/* A stamp is cut to whole seconds; if it lies further back the change is old, or the clocks differ. */
#define LIVE_NS (5 * NS_PER_SECOND)
/* A pod's usual way to its first container is no reason to ask. */
#define HANGS_NS (5 * NS_PER_SECOND)

struct known_pod *kubernetes_known_find(const struct kubernetes_source *source, const char *uid)
{
	struct known_pod *pod;

	HASH_FIND_STR(source->pods, uid, pod);
	return pod;
}

static struct known_pod *add(struct kubernetes_source *source, const struct event_pod *told)
{
	struct known_pod *pod = calloc(1, sizeof(*pod));

	if (!pod)
		return NULL;
	TEXT_COPY(pod->uid, told->pod_uid);
	TEXT_COPY(pod->name, told->pod);
	TEXT_COPY(pod->pod_namespace, told->pod_namespace);
	HASH_ADD_STR(source->pods, uid, pod);
	return pod;
}

static void free_pod(struct kubernetes_source *source, struct known_pod *pod)
{
	HASH_DEL(source->pods, pod);
	free(pod->containers);
	free(pod);
}

static bool is_asked_for(const struct kubernetes_source *source, const struct known_pod *pod)
{
	return pod->stop_asks || pod->stop_node || strcmp(source->asking_uid, pod->uid) == 0;
}

void kubernetes_known_sweep(struct kubernetes_source *source)
{
	struct known_pod *pod, *next;

	HASH_ITER (hh, source->pods, pod, next)
		if (pod->gone && !is_asked_for(source, pod))
			free_pod(source, pod);
}

void kubernetes_known_drop(struct kubernetes_source *source, struct known_pod *pod)
{
	struct event event = {.type = EVENT_POD_GONE, .boot_ns = clock_boot_ns()};

	if (pod->gone)
		return;
	TEXT_COPY(event.pod_gone.pod_uid, pod->uid);
	if (is_asked_for(source, pod)) {
		pod->gone = true;
		pod->pending = false;
		pod->hash = 0;
		pod->stop_asks = pod->stop_asks != 0;
		memset(pod->addresses, 0, sizeof(pod->addresses));
	} else {
		free_pod(source, pod);
	}
	kubernetes_emit(source, &event);
}

static struct known_container *container_of(struct known_pod *pod, const char *name)
{
	struct known_container *all;

	for (uint32_t i = 0; i < pod->container_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return &pod->containers[i];
	all = reallocarray(pod->containers, pod->container_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	pod->containers = all;
	all += pod->container_count++;
	*all = (struct known_container){0};
	TEXT_COPY(all->name, name);
	return all;
}

static bool is_live(uint64_t stamp_ns, uint64_t now_ns, bool listed)
{
	return !listed && (!stamp_ns || (now_ns > stamp_ns ? now_ns - stamp_ns < LIVE_NS
							   : stamp_ns - now_ns < NS_PER_SECOND));
}

/*
 * What this node's kubelet stamped happened in the stamp's second by the clock that is read here, however late it
 * is told.
 */
static uint64_t within_second(uint64_t stamp_ns, uint64_t now_ns)
{
	if (!stamp_ns)
		return now_ns;
	if (now_ns > stamp_ns + NS_PER_SECOND)
		return stamp_ns + NS_PER_SECOND;
	return now_ns > stamp_ns ? now_ns : stamp_ns;
}

/*
 * The arrival, if it arrived before our eyes, else the stamp. What was told once stays. kubelets: this node's has
 * stamped it, not the clock of another machine.
 */
static void settle_time(struct known_time *known, bool holds, uint64_t stamp_ns, bool kubelets,
			bool listed, uint64_t now_ns)
{
	if (!holds) {
		*known = (struct known_time){0};
	} else if (!known->ns) {
		uint64_t arrived_ns = kubelets ? within_second(stamp_ns, now_ns) : now_ns;

		known->arrived = is_live(stamp_ns, now_ns, listed);
		known->ns = known->arrived || !stamp_ns ? arrived_ns : stamp_ns;
	}
}

static void note_pod(struct kubernetes_source *source, struct known_pod *pod,
		     const struct event_pod *told, bool listed, uint64_t now_ns)
{
	struct event event = {.type = EVENT_POD, .boot_ns = now_ns, .pod = *told};

	TEXT_COPY(pod->addresses[0], told->address);
	TEXT_COPY(pod->addresses[1], told->second_address);
	settle_time(&pod->scheduled, told->scheduled_ns != 0, told->scheduled_ns, false, listed,
		    now_ns);
	settle_time(&pod->ready, told->ready_ns != 0, told->ready_ns, true, listed, now_ns);
	event.pod.scheduled_ns = pod->scheduled.ns;
	event.pod.arrived = pod->scheduled.arrived;
	event.pod.ready_ns = pod->ready.ns;
	event.pod.ready_arrived = pod->ready.arrived;
	uint64_t hash = fnv_bytes(FNV_BEGIN, &event.pod, sizeof(event.pod));

	if (hash == pod->hash)
		return;
	pod->hash = hash;
	kubernetes_emit(source, &event);
}

/*
 * A container's readiness has no stamp of its own. Live, that of the pod's is none later, unless it is of a container
 * that ran before this one; else it is not before it ran.
 */
static uint64_t ready_stamp(const struct event_pod *pod, uint64_t since_ns, bool listed)
{
	if (listed)
		return since_ns;
	return since_ns && pod->ready_ns >= since_ns ? pod->ready_ns : 0;
}

static void note_container(struct kubernetes_source *source, struct known_pod *pod,
			   const struct event_pod_container *told, uint64_t stamp_ns, bool listed,
			   uint64_t now_ns)
{
	struct known_container *known = container_of(pod, told->name);
	struct event event = {
		.type = EVENT_POD_CONTAINER, .boot_ns = now_ns, .pod_container = *told};

	if (!known)
		return;
	settle_time(&known->ready, told->ready, stamp_ns, true, listed, now_ns);
	event.pod_container.ready_arrived = known->ready.arrived;
	uint64_t hash = fnv_bytes(FNV_BEGIN, &event.pod_container, sizeof(event.pod_container));

	if (hash == known->hash)
		return;
	known->hash = hash;
	if (told->ready)
		event.boot_ns = known->ready.ns;
	kubernetes_emit(source, &event);
}

static void watch_over(struct known_pod *pod, const struct event_pod *told, bool all_ran,
		       uint64_t now_ns)
{
	bool pending = !all_ran && !told->deleted_ns && strcmp(told->phase, "Pending") == 0;

	if (pending && !pod->pending) {
		/* a pod that took long to be bound has a story already */
		bool old = told->created_ns && now_ns - told->created_ns > HANGS_NS;

		pod->ask_ns = old ? now_ns : now_ns + HANGS_NS;
		pod->ask_wait_ns = 30 * NS_PER_SECOND;
	}
	pod->pending = pending;
}

void kubernetes_known_note(struct kubernetes_source *source, const json_t *object, bool listed)
{
	struct event_pod_container containers[CONTAINERS_MAX];
	uint64_t since_ns[CONTAINERS_MAX], now_ns = clock_boot_ns();
	int64_t offset_ns = clock_wall_offset_ns();
	struct event_pod told;
	bool all_ran = true;

	if (kubernetes_pod_read(object, offset_ns, &told) < 0)
		return;
	struct known_pod *pod = kubernetes_known_find(source, told.pod_uid);

	if (!pod)
		pod = add(source, &told);
	if (!pod)
		return;
	pod->generation = source->generation;
	uint32_t count =
		kubernetes_pod_containers(object, offset_ns, containers, since_ns, CONTAINERS_MAX);

	/* the pod after its containers: when it is told Ready, their times are known; but it names them */
	bool fresh = !pod->hash;

	if (fresh)
		note_pod(source, pod, &told, listed, now_ns);
	for (uint32_t i = 0; i < count; i++) {
		all_ran &= containers[i].state >= POD_CONTAINER_RUNNING;
		note_container(source, pod, &containers[i], ready_stamp(&told, since_ns[i], listed),
			       listed, now_ns);
	}
	if (!fresh)
		note_pod(source, pod, &told, listed, now_ns);
	watch_over(pod, &told, all_ran, now_ns);
	pod->deleted = told.deleted_ns != 0;
	pod->gone = false; /* the mirror of a static pod may be made again */
}
