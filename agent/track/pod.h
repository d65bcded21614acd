/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Kubernetes tells of the pods of this node, joined with what the other sources saw of them.
 *
 * start.c takes from here when a pod was made, bound and its containers called ready; a pod that becomes Ready
 * before our eyes has a start record of its own. Without Kubernetes this stays empty and nothing waits for it.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"

#define POD_CONTAINERS_MAX 32
#define POD_WORK_MAX	   8

struct pod_container {
	char name[NAME_SIZE];
	char container_id[ID_SIZE];
	bool init;
	bool has_probe;
	uint32_t probe_period_s;
	struct probe_settings readiness, startup;
	uint64_t ready_ns; /* 0: it is not */
	bool ready_arrived;
	uint32_t restarts;
};

struct pod {
	struct subject subject; /* of the pod: no container */
	uint64_t created_ns, scheduled_ns, ready_ns;
	uint64_t memory_request_bytes; /* 0: none */
	char addresses[2][ADDRESS_SIZE];
	bool arrived;	/* it was bound before our eyes */
	bool was_ready; /* it has been Ready since we know it */
	bool start_due; /* its start is to be told at due_ns */
	uint64_t due_ns;
	uint32_t container_count;
	struct pod_container *containers;
	uint32_t work_count;
	struct work_step *work; /* volumes and devices that it waited for (why_work.c) */
	UT_hash_handle hh;	/* by subject.pod_uid; in the order of first sight */
};

struct pods;

/* on_due: the pod became Ready some moments ago, and what the others saw of it is read. */
typedef void (*pod_ready_fn)(void *context, const struct pod *pod);

struct pods *pods_new(pod_ready_fn on_ready, void *context);
void pods_free(struct pods *pods);

void pods_event(struct pods *pods, const struct event *event, uint64_t now_ns);
uint64_t pods_next_tick_ns(const struct pods *pods);
void pods_tick(struct pods *pods, uint64_t now_ns);

/* NULL if Kubernetes told nothing of it (or there is no Kubernetes). */
const struct pod *pods_find(const struct pods *pods, const char *pod_uid);

/* "namespace/pod" of whose address it is; "" if that is not known. */
void pods_name_address(const struct pods *pods, const char *address,
		       char ret_name[static POD_PATH_SIZE]);
const struct pod_container *pod_find_container(const struct pod *pod, const char *container_id);
