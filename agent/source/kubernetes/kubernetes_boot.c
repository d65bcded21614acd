/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server tells of a boot: that it answers itself, and that it calls this Node Ready.
 *
 * Only while the boot goes on, or once where the agent came later: /readyz is asked while the server is away, the
 * Node while it is not Ready, one question at a time. A Node's status may be that of before the boot: the kubelet
 * writes the id of its boot into it (NodeSystemInfo, kubernetes.io/docs/reference/kubernetes-api).
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_pod.h"
#include "source/kubernetes/kubernetes_private.h"

#define SERVER_NS	   NS_PER_SECOND
#define NODE_NS		   (2 * NS_PER_SECOND)
#define SERVER_DEADLINE_MS 5000

static void tell(struct kubernetes_source *source, enum milestone what, uint64_t at_ns,
		 uint32_t flags)
{
	struct event event = {.type = EVENT_MILESTONE,
			      .flags = flags,
			      .boot_ns = at_ns,
			      .milestone = {.what = what}};

	TEXT_COPY(event.milestone.told_by, "api");
	kubernetes_emit(source, &event);
}

static bool goes_on(const struct boot_follow *boot, uint64_t now_ns)
{
	return now_ns < boot->until_ns;
}

bool kubernetes_boot_goes_on(const struct kubernetes_source *source)
{
	return goes_on(&source->boot, clock_boot_ns());
}

/* --- the server --- */

static bool server_wanted(const struct kubernetes_source *source, uint64_t now_ns)
{
	const struct boot_follow *boot = &source->boot;

	return boot->away && !boot->server_done && goes_on(boot, now_ns);
}

static void server_answers(struct kubernetes_source *source)
{
	source->boot.server_done = true;
	tell(source, MILESTONE_API_READY, clock_boot_ns(), 0);
}

static void on_readyz(void *context, const struct kube_reply *reply)
{
	struct kubernetes_source *source = context;
	struct boot_follow *boot = &source->boot;

	boot->asking = false;
	if (kube_reply_ok(reply) && server_wanted(source, clock_boot_ns())) {
		server_answers(source);
		kube_watch_hurry(source->watch);
	} else if (reply->status == 403) {
		boot->server_forbidden = true; /* the watch will tell */
	}
	kubernetes_boot_arm(source);
}

/* --- the Node --- */

static bool node_wanted(const struct kubernetes_source *source, uint64_t now_ns)
{
	const struct boot_follow *boot = &source->boot;

	return boot->until_ns && !boot->node_done && (!boot->looked || goes_on(boot, now_ns));
}

/* When it became Ready in this boot; 0: it is not, or nobody knows. */
static uint64_t found_ready_ns(const struct boot_follow *boot, const struct kubernetes_node *node)
{
	uint64_t at_ns = node->ready_ns > 1 ? node->ready_ns : node->heard_ns;

	/* what changed later is not the boot; and a stamp of before it says nothing of when */
	return at_ns > 1 && at_ns < boot->until_ns ? at_ns : 0;
}

/* Before our eyes: between the last look that found it otherwise and this one. A stamp is cut to whole seconds. */
static uint64_t seen_ready_ns(const struct boot_follow *boot, const struct kubernetes_node *node,
			      uint64_t now_ns)
{
	if (node->ready_ns <= 1 || node->ready_ns > now_ns)
		return now_ns;
	return node->ready_ns > boot->unready_ns ? node->ready_ns : boot->unready_ns;
}

static void note_node(struct kubernetes_source *source, const struct kubernetes_node *node)
{
	struct boot_follow *boot = &source->boot;
	uint64_t now_ns = clock_boot_ns(), found_ns;

	if (!node->of_this_boot || !node->ready_ns) {
		boot->unready_ns = boot->asked_ns;
		return;
	}
	boot->node_done = true;
	if (boot->unready_ns) {
		tell(source, MILESTONE_NODE_READY, seen_ready_ns(boot, node, now_ns), 0);
		return;
	}
	found_ns = found_ready_ns(boot, node);
	if (found_ns)
		tell(source, MILESTONE_NODE_READY, found_ns, EVENT_RECONSTRUCTED);
}

static void on_node(void *context, const struct kube_reply *reply)
{
	struct kubernetes_source *source = context;
	struct boot_follow *boot = &source->boot;
	struct kubernetes_node node;

	boot->asking = false;
	boot->pause_ns = reply->retry_after_ms * NS_PER_MS;
	if (kube_reply_ok(reply)) {
		kubernetes_node_read(reply->body, boot->boot_id, clock_wall_offset_ns(), &node);
		boot->looked = true;
		if (!boot->node_done)
			note_node(source, &node);
	} else if (reply->status == 404) { /* it is not registered yet */
		boot->looked = true;
		boot->unready_ns = boot->asked_ns;
	} else if (reply->status == 403) {
		log_debug("the Node may not be read: when it was Ready is not known");
		boot->node_done = true;
	} else if (!goes_on(boot, clock_boot_ns())) {
		boot->node_done = true; /* it is late: not worth another try */
	}
	kubernetes_boot_arm(source);
}

/* --- both --- */

static bool ask(struct kubernetes_source *source, const char *path, uint32_t deadline_ms,
		kube_reply_fn on_reply)
{
	const struct kube_request request = {
		.verb = KUBE_GET, .path = path, .deadline_ms = deadline_ms};

	return kube_call(source->kube, &request, on_reply, source) == 0;
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct kubernetes_source *source = context;
	struct boot_follow *boot = &source->boot;
	uint64_t now_ns = clock_boot_ns();
	char path[POD_SIZE + 32];

	(void)timer;
	(void)time_us;
	snprintf(path, sizeof(path), "/api/v1/nodes/%s", boot->node_name);
	boot->asked_ns = now_ns;
	boot->pause_ns = 0;
	if (source->stats.up && node_wanted(source, now_ns))
		boot->asking = ask(source, path, 0, on_node);
	else if (!source->stats.up && server_wanted(source, now_ns))
		boot->asking = ask(source, "/readyz", SERVER_DEADLINE_MS, on_readyz);
	kubernetes_boot_arm(source);
	return 0;
}

void kubernetes_boot_arm(struct kubernetes_source *source)
{
	struct boot_follow *boot = &source->boot;
	uint64_t now_ns = clock_boot_ns(), between_ns;
	bool wanted;

	if (!boot->timer)
		return;
	if (source->stats.up && server_wanted(source, now_ns))
		server_answers(source);
	wanted = source->stats.up ? node_wanted(source, now_ns)
				  : !boot->server_forbidden && server_wanted(source, now_ns);
	if (!wanted || boot->asking) {
		sd_event_source_set_enabled(boot->timer, SD_EVENT_OFF);
		return;
	}
	between_ns = source->stats.up ? boot->node_ns : boot->server_ns;
	if (between_ns < boot->pause_ns)
		between_ns = boot->pause_ns;
	sd_event_source_set_time(boot->timer,
				 boot->asked_ns ? (boot->asked_ns + between_ns) / 1000 : 0);
	sd_event_source_set_enabled(boot->timer, SD_EVENT_ONESHOT);
}

void kubernetes_boot_away(struct kubernetes_source *source)
{
	source->boot.away = true;
}

int kubernetes_source_follow_boot(struct kubernetes_source *source,
				  const struct kubernetes_boot_options *options)
{
	struct boot_follow *boot = &source->boot;
	int r = sd_event_add_time(source->loop, &boot->timer, CLOCK_BOOTTIME, 0, 10000, on_timer,
				  source);

	if (r < 0)
		return r;
	TEXT_COPY(boot->boot_id, options->boot_id);
	boot->until_ns = options->until_ns;
	boot->server_ns = options->server_ns ?: SERVER_NS;
	boot->node_ns = options->node_ns ?: NODE_NS;
	kubernetes_boot_arm(source);
	return 0;
}

void kubernetes_source_boot_over(struct kubernetes_source *source)
{
	source->boot.node_done = source->boot.server_done = true;
	kubernetes_boot_arm(source);
}
