/* SPDX-License-Identifier: Apache-2.0 */
#include "track/facts_death.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "track/wait.h"

/* The first reason led to the others. */
static struct container *note_failed_start(struct containers *all,
					   const struct event_start_failed *told)
{
	struct container *c = containers_find(all, told->container_id);

	if (c && c->failed.kind == FAILURE_NONE)
		c->failed = told->failed;
	if (c)
		c->exit_news = c->exit_told;
	return c;
}

static struct container *note_log(struct containers *all, const struct event_log_tail *told)
{
	struct container *c = containers_find(all, told->container_id);

	if (!c)
		return NULL;
	container_keep(&c->log, told->tail.text);
	c->log_lines = c->log ? told->tail.lines : 0;
	c->exit_news = c->exit_told;
	return c;
}

/* For the facts of a host; of its own life nothing has changed. */
static void note_disk(const struct containers *all, const struct event_file_read *read)
{
	struct container *c = containers_find(all, read->container_id);

	for (size_t i = 0; c && *read->file.device && i < CONTAINER_DISKS_MAX; i++) {
		if (strcmp(c->disks[i], read->file.device) == 0)
			return;
		if (!*c->disks[i]) {
			TEXT_COPY(c->disks[i], read->file.device);
			return;
		}
	}
}

static void note_connect(const struct containers *all, const struct event *event)
{
	struct container *c = containers_find(all, event->connect_failed.container_id);

	if (c)
		c->peer_failed_ns = event->boot_ns;
}

static struct container *note_core(struct containers *all, const struct event_core *told)
{
	struct container *c = containers_find(all, told->container_id);

	if (!c || c->init.pid != told->pid || c->core)
		return c;
	container_keep(&c->core, told->path);
	c->exit_news = c->exit_told;
	return c;
}

/* It counts from the end (pkg/kubelet/kuberuntime: doBackOff), and is told with the death that it follows. */
static struct container *note_back_off(struct containers *all,
				       const struct event_pod_container *told)
{
	struct container *c = containers_find(all, told->container_id);
	uint64_t end_ns = c ? (c->task_exited_ns ? c->task_exited_ns : c->cri_finished_ns) : 0;
	uint64_t back_off_ns = wait_back_off_ns(told->message);

	if (!c || !c->loop || !end_ns || !back_off_ns || told->state != POD_CONTAINER_WAITING ||
	    c->loop->retry_ns == end_ns + back_off_ns)
		return c;
	c->loop->retry_ns = end_ns + back_off_ns;
	c->exit_news = c->exit_told;
	return c;
}

/* Of the one that runs in this place, or of the one before it. */
static void note_kubernetes(struct containers *all, const char *id, const char *reason,
			    int32_t code)
{
	struct container *c = *id ? containers_find(all, id) : NULL;

	if (!c || !*reason)
		return;
	c->kubernetes_told = true;
	TEXT_COPY(c->kubernetes_reason, reason);
	c->kubernetes_code = code;
}

static struct container *note_pod_container(struct containers *all,
					    const struct event_pod_container *told)
{
	note_kubernetes(all, told->last_container_id, told->last_reason, told->last_exit_code);
	if (told->state == POD_CONTAINER_TERMINATED)
		note_kubernetes(all, told->container_id, told->reason, told->exit_code);
	/* pod.c keeps what else it tells */
	return note_back_off(all, told);
}

struct container *facts_of_death(struct containers *all, const struct event *event)
{
	switch (event->type) {
	case EVENT_START_FAILED:
		return note_failed_start(all, &event->start_failed);
	case EVENT_FILE_READ:
		note_disk(all, &event->file_read);
		return NULL;
	case EVENT_CONNECT_FAILED:
		note_connect(all, event);
		return NULL;
	case EVENT_LOG_TAIL:
		return note_log(all, &event->log_tail);
	case EVENT_CORE:
		return note_core(all, &event->core);
	case EVENT_POD_CONTAINER:
		return note_pod_container(all, &event->pod_container);
	default:
		return NULL;
	}
}
