/* SPDX-License-Identifier: Apache-2.0 */
/* Which pods are expected, and since when each is Ready. */
#include <string.h>

#include "track/boot/boot_pod.h"

bool boot_pod_expected(const struct boot_pods *pods, const struct boot_pod *pod)
{
	bool old = *pod->old_sandbox;

	if (pod->over)
		return false;
	if (pods->kubernetes)
		return pod->told && (pod->before || old);
	if (pods->old_pods)
		return old && !(pod->old_gone && !pod->began_ns);
	return pod->began_ns != 0;
}

static const struct boot_start *begun_last(const struct boot_pod *pod)
{
	const struct boot_start *last = NULL;

	for (uint32_t i = 0; i < pod->start_count; i++)
		if (!last || pod->starts[i].start.span.to_ns > last->start.span.to_ns)
			last = &pod->starts[i];
	return last;
}

bool boot_start_is_current(const struct boot_pod *pod, const struct boot_start *start)
{
	const struct boot_start *last = begun_last(pod);
	const char *sandbox = last ? last->subject.sandbox_id : "";

	if (strcmp(start->subject.sandbox_id, sandbox) != 0)
		return false;
	for (uint32_t i = 0; i < pod->start_count; i++) {
		const struct boot_start *other = &pod->starts[i];

		if (other != start &&
		    strcmp(other->subject.container, start->subject.container) == 0 &&
		    strcmp(other->subject.sandbox_id, sandbox) == 0 &&
		    other->start.span.to_ns > start->start.span.to_ns)
			return false;
	}
	return true;
}

bool boot_pod_has_failed(const struct boot_pod *pod)
{
	for (uint32_t i = 0; i < pod->start_count; i++)
		if (pod->starts[i].finished_ns && pod->starts[i].verdict != EXIT_COMPLETED)
			return true;
	return false;
}

const struct boot_told *boot_pod_told(const struct boot_pod *pod, const char *container_id)
{
	for (uint32_t i = 0; i < pod->told_count; i++)
		if (*container_id && strcmp(pod->containers[i].container_id, container_id) == 0)
			return &pod->containers[i];
	return NULL;
}

static bool began_in_this_boot(const struct boot_pod *pod, const char *container_id)
{
	for (uint32_t i = 0; i < pod->start_count; i++)
		if (strcmp(pod->starts[i].subject.container_id, container_id) == 0)
			return true;
	return false;
}

/* The condition never changed, as far as is told: then the containers of this boot have to say so. */
static uint64_t ready_by_containers(const struct boot_pod *pod)
{
	uint64_t ready_ns = 0;

	for (uint32_t i = 0; i < pod->told_count; i++) {
		const struct boot_told *told = &pod->containers[i];

		if (told->init)
			continue;
		if (!told->ready || !began_in_this_boot(pod, told->container_id))
			return 0;
		if (told->ready_ns > ready_ns)
			ready_ns = told->ready_ns;
	}
	return ready_ns;
}

/* Without Kubernetes: it listens; or it was found running; or it was waited for long enough. */
static uint64_t up_ns(const struct boot_start *start)
{
	switch (start->start.state) {
	case START_LISTENING:
		return start->start.listen_ns;
	case START_SILENT:
		return start->start.span.to_ns;
	case START_RUNNING:
		return start->final ? start->start.span.to_ns : 0;
	default:
		return 0;
	}
}

static uint64_t ready_by_starts(const struct boot_pod *pod, bool *ret_reconstructed)
{
	uint64_t ready_ns = 0;

	for (uint32_t i = 0; i < pod->start_count; i++) {
		const struct boot_start *start = &pod->starts[i];
		bool completed = start->finished_ns && start->verdict == EXIT_COMPLETED;

		if (!boot_start_is_current(pod, start) || start->start.init_container || completed)
			continue;
		uint64_t since_ns = start->finished_ns ? 0 : up_ns(start);

		if (!since_ns)
			return 0;
		if (since_ns > ready_ns) {
			ready_ns = since_ns;
			*ret_reconstructed = start->start.state == START_RUNNING;
		}
	}
	return ready_ns;
}

uint64_t boot_pod_ready_ns(const struct boot_pods *pods, const struct boot_pod *pod,
			   bool *ret_reconstructed)
{
	*ret_reconstructed = pod->ready_reconstructed;
	if (!pods->kubernetes)
		return ready_by_starts(pod, ret_reconstructed);
	return pod->ready_ns > 1 ? pod->ready_ns : pod->ready_ns ? ready_by_containers(pod) : 0;
}
