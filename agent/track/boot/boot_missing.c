/* SPDX-License-Identifier: Apache-2.0 */
/* What each pod that is not Ready waits for, by the most exact word there is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "track/boot/boot_detail.h"

static void say(struct boot_missing *missing, const char *container, const char *reason)
{
	TEXT_COPY(missing->container, container);
	TEXT_COPY(missing->reason, reason);
}

/* The last death of this container (of any, where name is ""); NULL if none was seen. */
static const struct boot_start *died_last(const struct boot_pod *pod, const char *name)
{
	const struct boot_start *last = NULL;

	for (uint32_t i = 0; i < pod->start_count; i++) {
		const struct boot_start *start = &pod->starts[i];
		bool died = start->finished_ns || start->start.state == START_FAILED;

		if (died && start->verdict != EXIT_COMPLETED &&
		    (!*name || strcmp(start->subject.container, name) == 0) &&
		    (!last || start->start.span.to_ns > last->start.span.to_ns))
			last = start;
	}
	return last;
}

static const struct boot_wait *find_wait(const struct boot_pod *pod, const char *container,
					 const char *reason)
{
	const struct boot_wait *last = NULL;

	for (uint32_t i = 0; i < pod->wait_count; i++) {
		const struct boot_wait *wait = &pod->waits[i];

		if (strcmp(wait->container, container) == 0 && !wait->span.to_ns &&
		    (!reason || strcmp(wait->reason, reason) == 0))
			last = wait;
	}
	return last;
}

static bool is_image_trouble(const char *reason)
{
	return strcmp(reason, "ErrImagePull") == 0 || strcmp(reason, "ImagePullBackOff") == 0;
}

/* The kubelet names a reason for this container. */
static bool waits_itself(const struct boot_pod *pod, const struct boot_told *told,
			 struct boot_missing *ret)
{
	const char *reason = is_image_trouble(told->reason) ? "ImagePullBackOff" : told->reason;
	const struct boot_wait *wait = find_wait(pod, told->name, reason);
	const struct boot_start *died = died_last(pod, told->name);
	bool trouble = *reason && strcmp(reason, "ContainerCreating") != 0 &&
		       strcmp(reason, "PodInitializing") != 0;

	if (told->state != POD_CONTAINER_WAITING || !trouble)
		return false;
	say(ret, told->name, reason);
	if (is_image_trouble(reason))
		boot_detail_image(told->image, wait ? wait->message : "", ret->detail);
	else if (died)
		boot_detail_death(died, ret->detail);
	else if (wait)
		TEXT_COPY(ret->detail, wait->message);
	return true;
}

static bool has_died(const struct boot_pod *pod, const struct boot_told *told,
		     struct boot_missing *ret)
{
	const struct boot_start *died = died_last(pod, told->name);

	if (told->state != POD_CONTAINER_TERMINATED || !died || told->init)
		return false;
	say(ret, told->name, *told->reason ? told->reason : "ended");
	boot_detail_death(died, ret->detail);
	return true;
}

static bool is_not_ready(const struct boot_facts *facts, const struct boot_pod *pod,
			 const struct boot_told *told, struct boot_missing *ret)
{
	uint64_t listen_ns = 0;
	int used = 0;

	if (told->state != POD_CONTAINER_RUNNING || told->ready || told->init)
		return false;
	for (uint32_t i = 0; i < pod->start_count; i++)
		if (strcmp(pod->starts[i].subject.container_id, told->container_id) == 0)
			listen_ns = pod->starts[i].start.listen_ns;
	say(ret, told->name, told->has_probe ? "probe failing" : "not ready");
	if (listen_ns)
		used = snprintf(ret->detail, sizeof(ret->detail),
				"running and not ready, listens since +%.1fs",
				boot_detail_offset(facts, listen_ns));
	else
		used = snprintf(ret->detail, sizeof(ret->detail), "running and not ready");
	if (told->probe_period_s)
		snprintf(ret->detail + used, sizeof(ret->detail) - (size_t)used,
			 ", the probe asks every %" PRIu32 "s", told->probe_period_s);
	return true;
}

static bool by_containers(const struct boot_pod *pod, struct boot_missing *ret)
{
	for (uint32_t i = 0; i < pod->told_count; i++)
		if (waits_itself(pod, &pod->containers[i], ret))
			return true;
	for (uint32_t i = 0; i < pod->told_count; i++)
		if (has_died(pod, &pod->containers[i], ret))
			return true;
	return false;
}

static bool by_kubernetes(const struct boot_facts *facts, const struct boot_pod *pod,
			  struct boot_missing *ret)
{
	const struct boot_wait *wait = find_wait(pod, "", NULL);

	if (pod->ready_ns == 1) { /* what it says is from before the boot */
		say(ret, "", wait ? wait->reason : "not started");
		TEXT_COPY(ret->detail,
			  wait ? wait->message : "the kubelet has not reported it since the boot");
		return true;
	}
	if (by_containers(pod, ret))
		return true;
	if (wait) {
		say(ret, "", wait->reason);
		TEXT_COPY(ret->detail, wait->message);
		return true;
	}
	for (uint32_t i = 0; i < pod->told_count; i++)
		if (is_not_ready(facts, pod, &pod->containers[i], ret))
			return true;
	if (!*pod->phase)
		return false;
	say(ret, "", pod->phase);
	TEXT_COPY(ret->detail, *pod->message ? pod->message : pod->reason);
	return true;
}

static void by_containerd(const struct boot_pod *pod, struct boot_missing *ret)
{
	const struct boot_start *died = NULL, *runs = NULL;

	for (uint32_t i = 0; i < pod->start_count; i++) {
		const struct boot_start *start = &pod->starts[i];

		if (!boot_start_is_current(pod, start) || start->start.init_container)
			continue;
		if (start->finished_ns || start->start.state == START_FAILED)
			died = start->verdict == EXIT_COMPLETED ? died : start;
		else if (start->start.state != START_LISTENING)
			runs = start;
	}
	if (died) {
		say(ret, died->subject.container, "ended");
		boot_detail_death(died, ret->detail);
	} else if (runs) {
		say(ret, runs->subject.container, "not listening");
		TEXT_COPY(ret->detail, "running, does not listen so far");
	} else {
		say(ret, "", "not started");
	}
}

void boot_missing_of(const struct boot_facts *facts, const struct boot_pod *pod,
		     struct boot_missing *ret)
{
	struct boot_missing missing = {0};

	snprintf(missing.pod, sizeof(missing.pod), "%.63s/%.95s", pod->pod_namespace, pod->name);
	if (!facts->pods.kubernetes || !by_kubernetes(facts, pod, &missing))
		by_containerd(pod, &missing);
	*ret = missing;
}

void boot_missing_build(const struct boot_facts *facts, struct record_boot *boot)
{
	bool reconstructed;

	boot->missing_total = boot->missing_count = 0;
	for (const struct boot_pod *pod = facts->pods.by_uid; pod; pod = pod->hh.next) {
		if (!boot_pod_expected(&facts->pods, pod) ||
		    boot_pod_ready_ns(&facts->pods, pod, &reconstructed))
			continue;
		boot->missing_total++;
		if (boot->missing_count < BOOT_MISSING_MAX)
			boot_missing_of(facts, pod, &boot->missing[boot->missing_count++]);
	}
}
