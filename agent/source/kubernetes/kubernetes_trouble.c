/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a pod hangs before its containers run, or why one of them was stopped: what others wrote of it as Events. They are
 * not watched: one question at a time, seldom.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_pod.h"
#include "source/kubernetes/kubernetes_private.h"

/* Between two questions, whichever pods they are about. */
#define BETWEEN_NS  (5 * NS_PER_SECOND)
#define WAIT_MAX_NS (300 * NS_PER_SECOND)
/* The kubelet's Events may come late: it sends 5 a second. */
#define STOP_WAIT_NS (10 * NS_PER_SECOND)
#define TROUBLES_MAX 50

static void emit(struct kubernetes_source *source, const struct known_pod *pod, struct event event)
{
	/* a mirror pod is asked for by its uid in the API server */
	TEXT_COPY(*(event.type == EVENT_WORK ? &event.work.pod_uid : &event.pod_trouble.pod_uid),
		  pod->uid);
	kubernetes_emit(source, &event);
}

/* Why it hangs, where it does. */
static void emit_trouble(struct kubernetes_source *source, const struct known_pod *pod,
			 const json_t *item, int64_t offset_ns)
{
	struct event event = {.type = EVENT_POD_TROUBLE, .boot_ns = clock_boot_ns()};

	if (!pod->pending ||
	    kubernetes_stop_read(item, offset_ns, &(struct event_pod_trouble){0}) == 0)
		return;
	if (kubernetes_trouble_read(item, offset_ns, &event.pod_trouble) == 0) {
		emit(source, pod, event);
	} else if (kubernetes_attach_read(item, offset_ns, &event.work, &event.boot_ns) == 0) {
		event.type = EVENT_WORK;
		emit(source, pod, event);
	}
}

/* Why something of it was stopped. What a probe saw comes before what was done about it. */
static void emit_stops(struct kubernetes_source *source, const struct known_pod *pod, json_t *items,
		       int64_t offset_ns, bool probes)
{
	json_t *item;
	size_t i;

	json_array_foreach (items, i, item) {
		struct event event = {.type = EVENT_POD_TROUBLE, .boot_ns = clock_boot_ns()};

		if (kubernetes_stop_read(item, offset_ns, &event.pod_trouble) == 0 &&
		    (strcmp(event.pod_trouble.reason, "Unhealthy") == 0) == probes)
			emit(source, pod, event);
	}
}

static void on_events(void *context, const struct kube_reply *reply)
{
	struct kubernetes_source *source = context;
	struct known_pod *pod = kubernetes_known_find(source, source->asking_uid);
	json_t *items = json_object_get(reply->body, "items"), *item;
	int64_t offset_ns = clock_wall_offset_ns();
	size_t i;

	source->asking_uid[0] = '\0';
	if (!pod)
		return;
	json_array_foreach (items, i, item)
		emit_trouble(source, pod, item, offset_ns);
	emit_stops(source, pod, items, offset_ns, true);
	emit_stops(source, pod, items, offset_ns, false);
	kubernetes_known_sweep(source);
}

static void ask(struct kubernetes_source *source, struct known_pod *pod)
{
	char path[512];
	struct kube_request request = {.verb = KUBE_GET, .path = path};

	/* names and uids are DNS labels: nothing to escape but the selector's = */
	snprintf(path, sizeof(path),
		 "/api/v1/namespaces/%s/events?fieldSelector=involvedObject.name%%3D%s&limit=%d",
		 pod->pod_namespace, pod->name, TROUBLES_MAX);
	TEXT_COPY(source->asking_uid, pod->uid);
	if (kube_call(source->kube, &request, on_events, source) < 0)
		source->asking_uid[0] = '\0';
}

static uint64_t due_ns(const struct known_pod *pod)
{
	uint64_t hang_ns = pod->pending ? pod->ask_ns : UINT64_MAX;
	uint64_t stop_ns = pod->stop_asks ? pod->stop_ask_ns : UINT64_MAX;

	return stop_ns < hang_ns ? stop_ns : hang_ns;
}

static struct known_pod *next_to_ask(const struct kubernetes_source *source)
{
	struct known_pod *next = NULL;

	for (struct known_pod *pod = source->pods; pod; pod = pod->hh.next)
		if (due_ns(pod) != UINT64_MAX && (!next || due_ns(pod) < due_ns(next)))
			next = pod;
	return next;
}

void kubernetes_trouble_arm(struct kubernetes_source *source)
{
	const struct known_pod *next = next_to_ask(source);

	if (!next || !source->stats.up) {
		sd_event_source_set_enabled(source->trouble_timer, SD_EVENT_OFF);
		return;
	}
	uint64_t at_ns =
		due_ns(next) > source->trouble_due_ns ? due_ns(next) : source->trouble_due_ns;

	sd_event_source_set_time(source->trouble_timer, at_ns / 1000);
	sd_event_source_set_enabled(source->trouble_timer, SD_EVENT_ONESHOT);
}

/* One answer is for both questions. */
static void asked(struct known_pod *pod, uint64_t now_ns)
{
	if (pod->pending && pod->ask_ns <= now_ns) {
		pod->ask_ns = now_ns + pod->ask_wait_ns;
		if (pod->ask_wait_ns < WAIT_MAX_NS)
			pod->ask_wait_ns *= 2;
	}
	if (pod->stop_asks) {
		pod->stop_asks--;
		pod->stop_ask_ns = now_ns + STOP_WAIT_NS;
	}
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct kubernetes_source *source = context;
	struct known_pod *pod = next_to_ask(source);
	uint64_t now_ns = clock_boot_ns();

	(void)timer;
	(void)time_us;
	if (pod && due_ns(pod) <= now_ns && !*source->asking_uid) {
		ask(source, pod);
		asked(pod, now_ns);
	}
	source->trouble_due_ns = now_ns + BETWEEN_NS;
	kubernetes_trouble_arm(source);
	return 0;
}

int kubernetes_trouble_begin(struct kubernetes_source *source)
{
	int r = sd_event_add_time(source->loop, &source->trouble_timer, CLOCK_BOOTTIME, 0, 100000,
				  on_timer, source);

	return r < 0 ? r : sd_event_source_set_enabled(source->trouble_timer, SD_EVENT_OFF);
}
