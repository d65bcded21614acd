/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kubernetes/kubernetes_source.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_private.h"

void kubernetes_emit(struct kubernetes_source *source, const struct event *event)
{
	source->stats.events++;
	source->on_event(source->context, event);
}

static void emit_step(struct kubernetes_source *source, enum source_step step, const char *cause)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_KUBERNETES, .step = step},
	};

	TEXT_COPY(event.source.cause, cause);
	kubernetes_emit(source, &event);
}

static void set_up(struct kubernetes_source *source)
{
	if (source->down_told || !source->stats.up)
		log_info("pods are watched", LOG_NUMBER("pods", HASH_COUNT(source->pods)));
	source->down_told = false;
	source->was_up = source->stats.up = true;
	emit_step(source, SOURCE_UP, "");
}

static void set_down(struct kubernetes_source *source, const char *why)
{
	if (!source->down_told)
		log_warning("the API server can't be watched, trying again", LOG_TEXT("why", why));
	source->down_told = true;
	source->stats.up = false;
	emit_step(source,
		  source->was_up || !kubernetes_boot_goes_on(source) ? SOURCE_DOWN : SOURCE_AWAITED,
		  "the API server does not answer");
}

/* What the listing did not name does not exist any more. */
static void forget_unlisted(struct kubernetes_source *source)
{
	struct known_pod *pod, *next;

	HASH_ITER (hh, source->pods, pod, next)
		if (pod->generation != source->generation)
			kubernetes_known_drop(source, pod);
}

static void drop_deleted(struct kubernetes_source *source, const json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");
	const char *name = json_string_value(json_object_get(metadata, "name")) ?: "";
	const char *space = json_string_value(json_object_get(metadata, "namespace")) ?: "";
	struct known_pod *pod, *next;

	/* by name: its uid is the node's for static pods */
	HASH_ITER (hh, source->pods, pod, next)
		if (strcmp(pod->name, name) == 0 && strcmp(pod->pod_namespace, space) == 0)
			kubernetes_known_drop(source, pod);
}

static void on_step(void *context, enum kube_watch_step step, json_t *object, bool listed,
		    const char *why)
{
	struct kubernetes_source *source = context;

	switch (step) {
	case KUBE_WATCH_LIST:
		source->generation++;
		break;
	case KUBE_WATCH_LISTED:
		forget_unlisted(source);
		set_up(source);
		break;
	case KUBE_WATCH_OBJECT:
		kubernetes_known_note(source, object, listed);
		break;
	case KUBE_WATCH_DELETED:
		/* without a grace period only this tells that it was to be deleted */
		kubernetes_known_note(source, object, false);
		drop_deleted(source, object);
		break;
	case KUBE_WATCH_DOWN:
		kubernetes_boot_away(source);
		set_down(source, why);
		break;
	case KUBE_WATCH_UP:
		set_up(source);
		break;
	}
	kubernetes_known_sweep(source);
	kubernetes_trouble_arm(source);
	kubernetes_names_arm(source);
	kubernetes_stop_arm(source);
	kubernetes_boot_arm(source);
}

/* A node's name is a DNS subdomain; anything else would be another query. */
static bool is_node_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-.", name[i]))
			return false;
	return length > 0 && length < POD_SIZE;
}

static int begin(struct kubernetes_source *source, const char *node_name)
{
	char selector[POD_SIZE + 64];
	struct kube_watch_options options = {.path = "/api/v1/pods", .selector = selector};
	int r;

	if (!is_node_name(node_name))
		return -EINVAL;
	TEXT_COPY(source->boot.node_name, node_name);
	snprintf(selector, sizeof(selector), "fieldSelector=spec.nodeName%%3D%s", node_name);
	r = kubernetes_trouble_begin(source);
	if (r >= 0)
		r = kubernetes_names_begin(source);
	if (r >= 0)
		r = kubernetes_stop_begin(source);
	return r < 0 ? r : kube_watch_new(&source->watch, source->kube, &options, on_step, source);
}

int kubernetes_source_new(struct kubernetes_source **ret, sd_event *loop, struct kube *kube,
			  const char *node_name, event_fn on_event, void *context)
{
	struct kubernetes_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->kube = kube;
	source->on_event = on_event;
	source->context = context;
	r = begin(source, node_name);
	if (r < 0) {
		kubernetes_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void kubernetes_source_free(struct kubernetes_source *source)
{
	struct known_pod *pod, *next;

	if (!source)
		return;
	kube_watch_free(source->watch);
	sd_event_source_unref(source->trouble_timer);
	sd_event_source_unref(source->names.timer);
	sd_event_source_unref(source->node.timer);
	sd_event_source_unref(source->boot.timer);
	HASH_ITER (hh, source->pods, pod, next) {
		HASH_DEL(source->pods, pod);
		free(pod->containers);
		free(pod);
	}
	free(source);
}

void kubernetes_source_stats(const struct kubernetes_source *source,
			     struct kubernetes_source_stats *ret)
{
	*ret = source->stats;
	ret->pods = HASH_COUNT(source->pods);
}
