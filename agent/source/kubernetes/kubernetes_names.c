/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose addresses are that starts wait for: one small question each, seldom, and none without such a wait.
 *
 * Only services are asked for. The pods of this node are known; to find one elsewhere by its address the server would
 * have to look through all pods of the cluster.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_private.h"

/* What was asked is kept so long: an address may get another owner. */
#define KEPT_NS	   (600 * NS_PER_SECOND)
#define BETWEEN_NS (10 * NS_PER_SECOND)
#define FORBIDDEN  403

static void tell(struct kubernetes_source *source, const char *address, const json_t *metadata)
{
	struct event event = {.type = EVENT_ADDRESS, .boot_ns = clock_boot_ns()};
	const char *space = json_string_value(json_object_get(metadata, "namespace")) ?: "";
	const char *name = json_string_value(json_object_get(metadata, "name")) ?: "";

	if (!*space || !*name)
		return;
	TEXT_COPY(event.address.address, address);
	snprintf(event.address.name, sizeof(event.address.name), "%s/%s", space, name);
	kubernetes_emit(source, &event);
}

static void on_services(void *context, const struct kube_reply *reply)
{
	struct kubernetes_source *source = context;
	struct asked_names *names = &source->names;
	const json_t *items = json_object_get(reply->body, "items");

	names->asking = false;
	if (reply->status == FORBIDDEN) {
		names->forbidden = true;
		log_info("services are not named: the role does not let list them");
	}
	if (kube_reply_ok(reply) && json_array_size(items) == 1)
		tell(source, names->asked[names->now].address,
		     json_object_get(json_array_get(items, 0), "metadata"));
	kubernetes_names_arm(source);
}

static void ask(struct kubernetes_source *source, uint32_t index)
{
	struct asked_names *names = &source->names;
	struct asked_name *asked = &names->asked[index];
	char path[256];
	struct kube_request request = {.verb = KUBE_GET, .path = path};

	/* there is nothing to escape in an address; resourceVersion=0: from the server's memory */
	snprintf(path, sizeof(path),
		 "/api/v1/services?fieldSelector=spec.clusterIP%%3D%s&limit=1&resourceVersion=0",
		 asked->address);
	asked->wanted = false;
	asked->asked_ns = names->last_ns = clock_boot_ns();
	names->now = index;
	names->asking = kube_call(source->kube, &request, on_services, source) >= 0;
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct kubernetes_source *source = context;

	(void)timer;
	(void)time_us;
	for (uint32_t i = 0; i < NAMES_MAX && !source->names.asking; i++)
		if (source->names.asked[i].wanted)
			ask(source, i);
	kubernetes_names_arm(source);
	return 0;
}

void kubernetes_names_arm(struct kubernetes_source *source)
{
	struct asked_names *names = &source->names;
	bool wanted = false;

	for (uint32_t i = 0; i < NAMES_MAX; i++)
		wanted |= names->asked[i].wanted;
	if (!wanted || names->asking || names->forbidden || !source->stats.up) {
		sd_event_source_set_enabled(names->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(names->timer,
				 names->last_ns ? (names->last_ns + BETWEEN_NS) / 1000 : 0);
	sd_event_source_set_enabled(names->timer, SD_EVENT_ONESHOT);
}

int kubernetes_names_begin(struct kubernetes_source *source)
{
	int r = sd_event_add_time(source->loop, &source->names.timer, CLOCK_BOOTTIME, 0, 100000,
				  on_timer, source);

	return r < 0 ? r : sd_event_source_set_enabled(source->names.timer, SD_EVENT_OFF);
}

/* One that only the node or the pod itself can have is no service's. */
static bool is_foreign(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 != 127 && ntohl(v4.s_addr) >> 16 != 0xa9fe;
	return inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_LOOPBACK(&v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(&v6);
}

static bool is_known_pod(const struct kubernetes_source *source, const char *address)
{
	for (const struct known_pod *pod = source->pods; pod; pod = pod->hh.next)
		if (strcmp(pod->addresses[0], address) == 0 ||
		    strcmp(pod->addresses[1], address) == 0)
			return true;
	return false;
}

void kubernetes_source_name(struct kubernetes_source *source, const char *address)
{
	struct asked_names *names = &source->names;
	struct asked_name *oldest = names->asked;
	uint64_t now_ns = clock_boot_ns();

	if (names->forbidden || !is_foreign(address) || is_known_pod(source, address))
		return;
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		struct asked_name *asked = &names->asked[i];

		if (strcmp(asked->address, address) == 0 &&
		    (asked->wanted || now_ns < asked->asked_ns + KEPT_NS))
			return;
		/* the answer that is awaited needs its place */
		if ((!names->asking || i != names->now) && asked->asked_ns < oldest->asked_ns)
			oldest = asked;
	}
	if (names->asking && oldest == &names->asked[names->now])
		return;
	TEXT_COPY(oldest->address, address);
	oldest->wanted = true;
	oldest->asked_ns = now_ns;
	kubernetes_names_arm(source);
}
