// SPDX-License-Identifier: Apache-2.0
#include "track/pods_waiting.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static struct pod_waiting *slot_of(struct pods_waiting *waiting, const char *pod_uid,
				   const char *container)
{
	for (size_t i = 0; i < PODS_WAITING_MAX; i++)
		if (strcmp(waiting->all[i].pod_uid, pod_uid) == 0 &&
		    strcmp(waiting->all[i].container, container) == 0)
			return &waiting->all[i];
	return NULL;
}

static void note(struct pods_waiting *waiting, const struct event_pod_container *told)
{
	struct pod_waiting *slot = slot_of(waiting, told->pod_uid, told->name);
	bool waits = told->state == POD_CONTAINER_WAITING && !*told->container_id && *told->image;

	if (!waits) {
		if (slot)
			*slot = (struct pod_waiting){0};
		return;
	}
	if (!slot)
		slot = slot_of(waiting, "", "");
	if (!slot)
		slot = &waiting->all[waiting->next++ % PODS_WAITING_MAX];
	TEXT_COPY(slot->pod_uid, told->pod_uid);
	TEXT_COPY(slot->container, told->name);
	TEXT_COPY(slot->image, told->image);
}

void pods_waiting_event(struct pods_waiting *waiting, const struct event *event)
{
	if (event->type == EVENT_POD_CONTAINER && *event->pod_container.pod_uid)
		note(waiting, &event->pod_container);
	if (event->type != EVENT_POD_GONE)
		return;
	for (size_t i = 0; i < PODS_WAITING_MAX; i++)
		if (strcmp(waiting->all[i].pod_uid, event->pod_gone.pod_uid) == 0)
			waiting->all[i] = (struct pod_waiting){0};
}

/*
 * "redis:7" is docker.io/library/redis, as containerd reads it; the tag goes, and the port, which containerd's labels
 * don't have (distribution/reference, normalize.go).
 */
static void repository(const char *image, char ret[static IMAGE_SIZE])
{
	const char *slash = strchr(image, '/');
	size_t first = slash ? (size_t)(slash - image) : 0;
	bool domain = first && (memchr(image, '.', first) || memchr(image, ':', first) ||
				strncmp(image, "localhost/", first + 1) == 0);
	const char *path = domain ? slash + 1 : image;
	const char *last = strrchr(path, '/');
	size_t host = domain ? strcspn(image, ":/") : 0;
	size_t length = strcspn(path, "@");
	const char *tag = memchr(last ? last : path, ':',
				 length > (size_t)(last ? last - path : 0)
					 ? length - (size_t)(last ? last - path : 0)
					 : 0);

	if (tag)
		length = (size_t)(tag - path);
	snprintf(ret, IMAGE_SIZE, "%.*s/%s%.*s", domain ? (int)host : 9,
		 domain ? image : "docker.io", domain || slash ? "" : "library/", (int)length,
		 path);
}

const struct pod_waiting *pods_waiting_find(const struct pods_waiting *waiting, const char *name)
{
	char wanted[IMAGE_SIZE], own[IMAGE_SIZE];

	repository(name, own);
	for (size_t i = 0; i < PODS_WAITING_MAX; i++) {
		if (!*waiting->all[i].pod_uid)
			continue;
		repository(waiting->all[i].image, wanted);
		if (strcmp(wanted, own) == 0)
			return &waiting->all[i];
	}
	return NULL;
}
