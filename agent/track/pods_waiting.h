/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers of pods that wait to be created, by the image that they want: whom a pull is for, as the API server tells.
 * pull_running.c asks. Without Kubernetes it stays empty.
 */
#pragma once

#include "model/event.h"

#define PODS_WAITING_MAX 32

struct pod_waiting {
	char pod_uid[POD_UID_SIZE]; /* "" free */
	char container[NAME_SIZE];
	char image[IMAGE_SIZE];
};

struct pods_waiting {
	struct pod_waiting all[PODS_WAITING_MAX];
	uint32_t next; /* where all are taken, the oldest gives way */
};

void pods_waiting_event(struct pods_waiting *waiting, const struct event *event);
/* Wants an image of this "registry/repository", whatever its tag; NULL if none does. */
const struct pod_waiting *pods_waiting_find(const struct pods_waiting *waiting, const char *name);
