/* SPDX-License-Identifier: Apache-2.0 */
#include "source/journal/process_milestones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/process.h"
#include "client/process_find.h"
#include "source/containerd/containerd_source.h"

#define INTERVAL_US	 2000000
#define LATE_INTERVAL_US 30000000
#define BOOT_NS		 (600 * NS_PER_SECOND)
#define LOOK_NS		 (1800 * NS_PER_SECOND)

/* The oldest process that plays a part. */
struct found {
	uint32_t pid;
	uint64_t start_ns; /* 0: none */
	char unit[UNIT_SIZE];
};

struct process_milestones {
	struct process_milestones_options options;
	event_fn on_event;
	void *context;
	sd_event_source *timer;
	uint64_t since_ns;
	bool runtime_told, kubelet_told;
	struct found crio, kubelet; /* of one look */
};

/* NixOS starts programs through wrappers: .k3s-wrapped */
static bool is_named(const char *comm, const char *name)
{
	size_t length = strlen(name);

	comm += *comm == '.';
	return strncmp(comm, name, length) == 0 &&
	       (!comm[length] || strncmp(comm + length, "-wrap", 5) == 0);
}

static void consider(struct process_milestones *milestones, uint32_t pid, struct found *found)
{
	struct process_stat stat;
	char unit[UNIT_SIZE];

	if (process_unit_read(milestones->options.proc, pid, unit, sizeof(unit)) < 0 ||
	    process_stat_read_at(milestones->options.proc, pid, &stat) < 0)
		return;
	if (found->start_ns && found->start_ns <= stat.start_ns)
		return;
	*found = (struct found){.pid = pid, .start_ns = stat.start_ns};
	TEXT_COPY(found->unit, unit);
}

static void on_process(void *context, uint32_t pid, const char *comm)
{
	/* k3s has the kubelet inside, MicroK8s in kubelite */
	static const char *const kubelets[] = {"kubelet", "k3s-server", "k3s-agent", "k3s",
					       "kubelite"};
	struct process_milestones *milestones = context;

	if (is_named(comm, "crio"))
		consider(milestones, pid, &milestones->crio);
	for (size_t i = 0; i < sizeof(kubelets) / sizeof(*kubelets); i++)
		if (is_named(comm, kubelets[i]))
			consider(milestones, pid, &milestones->kubelet);
}

/* True if it is settled: told, or known not to be of the boot. */
static bool tell(struct process_milestones *milestones, enum milestone what,
		 const struct found *found)
{
	struct event event = {
		.type = EVENT_MILESTONE,
		.boot_ns = found->start_ns,
		.milestone = {.what = what, .told_by = "process"},
	};

	if (!found->start_ns)
		return false;
	if (found->start_ns < milestones->since_ns) {
		if (found->start_ns > BOOT_NS)
			return true;
		event.flags = EVENT_RECONSTRUCTED;
	}
	TEXT_COPY(event.milestone.unit, found->unit);
	milestones->on_event(milestones->context, &event);
	return true;
}

static struct found find_runtime(struct process_milestones *milestones)
{
	const char *socket = milestones->options.socket ?: containerd_source_known_socket();
	struct found found = {0};
	uint32_t pid;

	/* 1: systemd holds the socket for it */
	if (process_of_socket(socket, &pid) == 0 && pid != 1)
		consider(milestones, pid, &found);
	return found.start_ns ? found : milestones->crio;
}

static void look(struct process_milestones *milestones)
{
	milestones->crio = milestones->kubelet = (struct found){0};
	process_walk(milestones->options.proc, on_process, milestones);
	if (!milestones->runtime_told) {
		struct found runtime = find_runtime(milestones);

		milestones->runtime_told = tell(milestones, MILESTONE_RUNTIME_STARTED, &runtime);
	}
	if (!milestones->kubelet_told)
		milestones->kubelet_told =
			tell(milestones, MILESTONE_KUBELET_STARTED, &milestones->kubelet);
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct process_milestones *milestones = context;

	(void)time_us;
	look(milestones);
	if ((milestones->runtime_told && milestones->kubelet_told) || clock_boot_ns() > LOOK_NS)
		return 0;
	sd_event_source_set_time_relative(timer, clock_boot_ns() < BOOT_NS ? INTERVAL_US
									   : LATE_INTERVAL_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

int process_milestones_new(struct process_milestones **ret, sd_event *loop,
			   const struct process_milestones_options *options, event_fn on_event,
			   void *context)
{
	struct process_milestones *milestones = calloc(1, sizeof(*milestones));
	int r;

	if (!milestones)
		return -ENOMEM;
	milestones->options = *options;
	milestones->options.proc = options->proc ?: "/proc";
	milestones->on_event = on_event;
	milestones->context = context;
	milestones->since_ns = options->since_ns ?: clock_boot_ns();
	r = sd_event_add_time_relative(loop, &milestones->timer, CLOCK_MONOTONIC, 0, 100000,
				       on_timer, milestones);
	if (r < 0) {
		process_milestones_free(milestones);
		return r;
	}
	*ret = milestones;
	return 0;
}

void process_milestones_free(struct process_milestones *milestones)
{
	if (!milestones)
		return;
	sd_event_source_disable_unref(milestones->timer);
	free(milestones);
}
