/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_pod.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "track/boot/boot_detail.h"

static void drop(struct boot_pods *pods, struct boot_pod *pod)
{
	HASH_DEL(pods->by_uid, pod);
	free(pod->starts);
	free(pod->waits);
	free(pod->containers);
	free(pod);
}

void boot_pods_clear(struct boot_pods *pods)
{
	while (pods->by_uid)
		drop(pods, pods->by_uid);
}

static struct boot_pod *find(const struct boot_pods *pods, const char *uid)
{
	struct boot_pod *pod;

	HASH_FIND_STR(pods->by_uid, uid, pod);
	return pod;
}

/* One that is not expected any more makes room; else the new one is left out. */
static bool make_room(struct boot_pods *pods)
{
	if (HASH_COUNT(pods->by_uid) < BOOT_PODS_MAX)
		return true;
	for (struct boot_pod *pod = pods->by_uid; pod; pod = pod->hh.next)
		if (pod->over || (pods->kubernetes && !boot_pod_expected(pods, pod))) {
			drop(pods, pod);
			return true;
		}
	pods->lost++;
	return false;
}

static struct boot_pod *get(struct boot_pods *pods, const char *uid)
{
	struct boot_pod *pod = find(pods, uid);

	if (pod || !*uid || !make_room(pods))
		return pod;
	pod = calloc(1, sizeof(*pod));
	if (!pod) {
		pods->lost++;
		return NULL;
	}
	TEXT_COPY(pod->uid, uid);
	HASH_ADD_STR(pods->by_uid, uid, pod);
	return pod;
}

/* The same of one that begins at at_ns. */
static struct boot_pod *get_until(struct boot_pods *pods, const char *uid, uint64_t at_ns,
				  uint64_t until_ns)
{
	return at_ns <= until_ns ? get(pods, uid) : find(pods, uid);
}

static void name_it(struct boot_pod *pod, const char *pod_namespace, const char *name)
{
	if (*name) {
		TEXT_COPY(pod->name, name);
		TEXT_COPY(pod->pod_namespace, pod_namespace);
	}
}

/* The next of a growing list of at most max; NULL if it is full or for want of memory. */
static void *grow(void **list, uint32_t *count, uint32_t max, size_t size)
{
	char *more = *count < max ? reallocarray(*list, *count + 1, size) : NULL;

	if (!more)
		return NULL;
	*list = more;
	more += (*count)++ * size;
	memset(more, 0, size);
	return more;
}

static bool note_pod(struct boot_pods *pods, const struct event_pod *told, uint64_t until_ns)
{
	struct boot_pod *pod = get_until(pods, told->pod_uid, told->created_ns, until_ns);

	if (!pod)
		return false;
	name_it(pod, told->pod_namespace, told->pod);
	pod->told = true;
	pod->before |= !told->created_ns;
	pod->over = told->deleted_ns || strcmp(told->phase, "Succeeded") == 0 ||
		    strcmp(told->phase, "Failed") == 0;
	pod->ready_ns = told->ready_ns;
	pod->ready_reconstructed = !told->ready_arrived;
	TEXT_COPY(pod->phase, told->phase);
	TEXT_COPY(pod->reason, told->reason);
	TEXT_COPY(pod->message, told->message);
	return true;
}

static struct boot_told *get_told(struct boot_pod *pod, const char *name)
{
	for (uint32_t i = 0; i < pod->told_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return &pod->containers[i];
	struct boot_told *container = grow((void **)&pod->containers, &pod->told_count,
					   BOOT_TOLD_MAX, sizeof(*container));

	if (container)
		TEXT_COPY(container->name, name);
	return container;
}

static bool note_told(struct boot_pods *pods, const struct event_pod_container *told,
		      uint64_t boot_ns)
{
	struct boot_pod *pod = find(pods, told->pod_uid);
	struct boot_told *container = pod ? get_told(pod, told->name) : NULL;

	if (!container)
		return false;
	if (strcmp(container->container_id, told->container_id) != 0)
		container->ready = false;
	TEXT_COPY(container->container_id, told->container_id);
	TEXT_COPY(container->image, told->image);
	TEXT_COPY(container->reason, told->reason);
	container->init = told->init;
	container->has_probe = told->has_probe;
	container->probe_period_s = told->probe_period_s;
	container->state = told->state;
	if (told->ready && !container->ready) {
		container->ready_ns = boot_ns;
		container->ready_reconstructed = !told->ready_arrived;
	}
	container->ready = told->ready;
	return true;
}

/* A pod that comes back may have another uid where nobody keeps it: its name tells. */
static struct boot_pod *adopt(struct boot_pods *pods, const struct event_container *told,
			      uint64_t until_ns)
{
	struct boot_pod *pod = find(pods, told->pod_uid);

	for (struct boot_pod *old = pods->by_uid; old && !pod; old = old->hh.next) {
		if (old->told || old->began_ns || !*old->old_sandbox ||
		    strcmp(old->name, told->pod) != 0 ||
		    strcmp(old->pod_namespace, told->pod_namespace) != 0)
			continue;
		HASH_DEL(pods->by_uid, old);
		TEXT_COPY(old->uid, told->pod_uid);
		HASH_ADD_STR(pods->by_uid, uid, old);
		return old;
	}
	return pod ? pod : get_until(pods, told->pod_uid, told->created_ns, until_ns);
}

static void note_began(struct boot_pod *pod, uint64_t ns, bool reconstructed)
{
	if (pod->began_ns && pod->began_ns <= ns)
		return;
	pod->began_ns = ns;
	pod->began_reconstructed = reconstructed;
}

/* CRI lists what it has from before the boot, too: made at 0. */
static bool note_sandbox(struct boot_pods *pods, const struct event *event, uint64_t until_ns)
{
	const struct event_container *told = &event->container;
	bool listed = event->flags & EVENT_RECONSTRUCTED;
	struct boot_pod *pod;

	if (!*told->pod_uid || !*told->pod || strcmp(told->sandbox_id, told->container_id) != 0 ||
	    (!listed && !told->created_ns))
		return false;
	pod = told->created_ns ? adopt(pods, told, until_ns) : get(pods, told->pod_uid);
	if (!pod)
		return false;
	name_it(pod, told->pod_namespace, told->pod);
	if (told->created_ns) {
		note_began(pod, told->created_ns, listed);
	} else {
		pods->old_pods += !*pod->old_sandbox;
		TEXT_COPY(pod->old_sandbox, told->container_id);
		pod->old_gone = false;
	}
	return true;
}

static struct boot_pod *find_old(const struct boot_pods *pods, const char *container_id)
{
	for (struct boot_pod *pod = pods->by_uid; pod; pod = pod->hh.next)
		if (*pod->old_sandbox && strcmp(pod->old_sandbox, container_id) == 0)
			return pod;
	return NULL;
}

static void note_plugin(struct boot_pods *pods, const struct event *event)
{
	const struct event_exec *exec = &event->exec;
	struct boot_pod *pod = exec->role == ROLE_CNI && strcmp(exec->verb, "DEL") == 0
				       ? find_old(pods, exec->container_id)
				       : NULL;

	if (pod)
		boot_takedown_begin(&pod->takedown, event);
}

static bool note_plugin_end(struct boot_pods *pods, const struct event *event)
{
	if (event->exit.role != ROLE_CNI)
		return false;
	for (struct boot_pod *pod = pods->by_uid; pod; pod = pod->hh.next)
		if (boot_takedown_end(&pod->takedown, event))
			return true;
	return false;
}

static bool note_gone(struct boot_pods *pods, const char *container_id)
{
	struct boot_pod *pod = find_old(pods, container_id);

	if (pod)
		pod->old_gone = true;
	return pod;
}

bool boot_pods_event(struct boot_pods *pods, const struct event *event, uint64_t until_ns)
{
	struct boot_pod *pod;

	switch (event->type) {
	case EVENT_POD:
		return note_pod(pods, &event->pod, until_ns);
	case EVENT_POD_CONTAINER:
		return note_told(pods, &event->pod_container, event->boot_ns);
	case EVENT_POD_GONE:
		pod = find(pods, event->pod_gone.pod_uid);
		if (pod)
			pod->over = true;
		return pod;
	case EVENT_CONTAINER:
		return note_sandbox(pods, event, until_ns);
	case EVENT_EXEC:
		note_plugin(pods, event);
		return false;
	case EVENT_EXIT:
		return note_plugin_end(pods, event);
	case EVENT_CONTAINER_GONE:
		return note_gone(pods, event->container_gone.container_id);
	case EVENT_SOURCE:
		if (event->source.source != SOURCE_KUBERNETES || event->source.step != SOURCE_UP ||
		    pods->kubernetes)
			return false;
		pods->kubernetes = true;
		return true;
	default:
		return false;
	}
}

static struct boot_start *find_start(const struct boot_pod *pod, const char *container_id)
{
	for (uint32_t i = 0; i < pod->start_count; i++)
		if (strcmp(pod->starts[i].subject.container_id, container_id) == 0)
			return &pod->starts[i];
	return NULL;
}

/* A crash loop's first attempt and its last ones are kept. */
static struct boot_start *add_start(struct boot_pod *pod)
{
	struct boot_start *starts = pod->starts;

	if (pod->start_count == BOOT_STARTS_MAX) {
		memmove(&starts[1], &starts[2], sizeof(*starts) * (BOOT_STARTS_MAX - 2));
		memset(&starts[BOOT_STARTS_MAX - 1], 0, sizeof(*starts));
		return &starts[BOOT_STARTS_MAX - 1];
	}
	return grow((void **)&pod->starts, &pod->start_count, BOOT_STARTS_MAX, sizeof(*starts));
}

static void outline(const struct record_start *start, struct boot_outline *ret)
{
	ret->state = start->state;
	ret->init_container = start->init_container;
	ret->span = start->span;
	ret->network = start->network;
	ret->download = start->download;
	ret->phase_count = start->phase_count;
	memcpy(ret->phases, start->phases, sizeof(ret->phases));
	ret->pull_bytes = start->pull_bytes;
	ret->listen_ns = start->listen_ns;
	ret->probe_period_s = start->probe_period_s;
	boot_detail_network(start, ret->plugin);
	boot_detail_cause(start, ret->app);
}

static bool note_start(struct boot_pods *pods, const struct record *record, uint64_t until_ns)
{
	const struct subject *subject = &record->subject;
	struct boot_pod *pod =
		*subject->container_id
			? get_until(pods, subject->pod_uid, record->start.span.from_ns, until_ns)
			: NULL;
	struct boot_start *start = pod ? find_start(pod, subject->container_id) : NULL;

	if (pod && !start)
		start = add_start(pod);
	if (!start)
		return false;
	name_it(pod, subject->pod_namespace, subject->pod);
	note_began(pod, record->start.span.from_ns, record_reconstructed(record));
	start->subject = *subject;
	start->final = record->final;
	outline(&record->start, &start->start);
	return true;
}

bool boot_pods_began_before(const struct boot_pods *pods, const struct record *record)
{
	const struct boot_pod *pod =
		record->type == RECORD_START ? find(pods, record->subject.pod_uid) : NULL;
	const struct boot_start *start = pod ? find_start(pod, record->subject.container_id) : NULL;

	return start && start->start.state == record->start.state &&
	       start->start.span.to_ns == record->start.span.to_ns &&
	       start->start.span.from_ns >= record->start.span.from_ns;
}

static bool note_exit(struct boot_pods *pods, const struct record *record)
{
	struct boot_pod *pod = find(pods, record->subject.pod_uid);
	struct boot_start *start = pod ? find_start(pod, record->subject.container_id) : NULL;

	if (!start)
		return false;
	start->finished_ns = record->exit.finished_ns;
	start->verdict = record->exit.verdict;
	start->code = record->exit.code;
	start->signal = record->exit.signal;
	TEXT_COPY(start->message, record->exit.message);
	return true;
}

static bool note_wait(struct boot_pods *pods, const struct record *record)
{
	const struct record_wait *told = &record->wait;
	struct boot_pod *pod = find(pods, record->subject.pod_uid);
	struct boot_wait *wait = NULL;

	if (!pod)
		return false;
	for (uint32_t i = 0; i < pod->wait_count && !wait; i++)
		if (strcmp(pod->waits[i].reason, told->reason) == 0 &&
		    strcmp(pod->waits[i].container, record->subject.container) == 0)
			wait = &pod->waits[i];
	if (!wait)
		wait = grow((void **)&pod->waits, &pod->wait_count, BOOT_WAITS_MAX, sizeof(*wait));
	if (!wait)
		return false;
	TEXT_COPY(wait->container, record->subject.container);
	TEXT_COPY(wait->reason, told->reason);
	TEXT_COPY(wait->message, told->message);
	wait->span = told->span;
	return true;
}

bool boot_pods_record(struct boot_pods *pods, const struct record *record, uint64_t until_ns)
{
	switch (record->type) {
	case RECORD_START:
		return note_start(pods, record, until_ns);
	case RECORD_EXIT:
		return note_exit(pods, record);
	case RECORD_WAIT:
		return note_wait(pods, record);
	default:
		return false;
	}
}
