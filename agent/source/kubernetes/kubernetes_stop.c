// SPDX-License-Identifier: Apache-2.0
/*
 * What is asked when the runtime has stopped a container and the watch of pods did not tell why.
 *
 * Why a probe or a hook had it stopped, only Events tell: kubernetes_trouble.c asks for those of this pod. Who
 * deleted a pod, its condition DisruptionTarget tells since Kubernetes 1.26. Before, only the Node shows that it is being
 * drained: it is looked at once for all pods that are deleted at the time.
 */
#include <stdio.h>

#include "base/clock.h"
#include "source/kubernetes/kubernetes_pod.h"
#include "source/kubernetes/kubernetes_private.h"

#define ASKS 3
/* The kubelet writes its Events before it stops, but through a queue. */
#define EVENTS_NS (300 * NS_PER_MS)
/* Between two looks at the Node. */
#define BETWEEN_NS (2 * NS_PER_SECOND)

/* A taint for which pods are deleted: the Events of those that were tell whether it was for this. */
static void ask_deleted(struct kubernetes_source *source, bool no_execute)
{
	for (struct known_pod *pod = source->pods; pod; pod = pod->hh.next) {
		if (pod->stop_node && no_execute) {
			pod->stop_asks = 1;
			pod->stop_ask_ns = clock_boot_ns();
		}
		pod->stop_node = false;
	}
	kubernetes_known_sweep(source);
	kubernetes_trouble_arm(source);
}

static void on_node(void *context, const struct kube_reply *reply)
{
	struct kubernetes_source *source = context;
	struct event event = {.type = EVENT_NODE, .boot_ns = source->node.asked_ns};
	struct kubernetes_node node = {0};

	source->node.asking = false;
	if (kube_reply_ok(reply)) {
		kubernetes_node_read(reply->body, source->boot.boot_id, clock_wall_offset_ns(),
				     &node);
		event.node = node.told;
		source->node.needless = node.told.tells_deletions;
		kubernetes_emit(source, &event);
	}
	ask_deleted(source, node.no_execute);
	kubernetes_stop_arm(source);
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct kubernetes_source *source = context;
	char path[POD_SIZE + 32];
	struct kube_request request = {.verb = KUBE_GET, .path = path};

	(void)timer;
	(void)time_us;
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", source->boot.node_name);
	source->node.wanted = false;
	source->node.asked_ns = clock_boot_ns();
	source->node.asking = kube_call(source->kube, &request, on_node, source) >= 0;
	return 0;
}

int kubernetes_stop_begin(struct kubernetes_source *source)
{
	int r = sd_event_add_time(source->loop, &source->node.timer, CLOCK_BOOTTIME, 0, 50000,
				  on_timer, source);

	return r < 0 ? r : sd_event_source_set_enabled(source->node.timer, SD_EVENT_OFF);
}

void kubernetes_stop_arm(struct kubernetes_source *source)
{
	struct asked_node *node = &source->node;

	if (!node->wanted || node->asking || !source->stats.up) {
		sd_event_source_set_enabled(node->timer, SD_EVENT_OFF);
		return;
	}
	/* pods that are deleted with this one have the same answer; the taint follows the cordon at once */
	sd_event_source_set_time(node->timer,
				 node->asked_ns ? (node->asked_ns + BETWEEN_NS) / 1000 : 0);
	sd_event_source_set_enabled(node->timer, SD_EVENT_ONESHOT);
}

void kubernetes_source_stopped(struct kubernetes_source *source, const char *pod_uid, bool wanted)
{
	struct known_pod *pod = kubernetes_known_find(source, pod_uid);

	if (pod && !wanted) {
		pod->stop_asks = 0;
	} else if (pod && !pod->deleted && !pod->stop_asks) {
		pod->stop_asks = ASKS;
		pod->stop_ask_ns = clock_boot_ns() + EVENTS_NS;
	}
	if (wanted && (!pod || pod->deleted || pod->gone) && !source->node.needless) {
		source->node.wanted = true;
		if (pod)
			pod->stop_node = true;
	}
	kubernetes_trouble_arm(source);
	kubernetes_stop_arm(source);
}
