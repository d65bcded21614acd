/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/process_find.h"
#include "source/journal/process_milestones.h"

struct boot_sources {
	struct systemd_source *systemd;
	struct process_milestones *processes;
};

static uint64_t tell_start(event_fn on_event, void *context)
{
	struct event event = {
		.type = EVENT_MILESTONE,
		.boot_ns = clock_boot_ns(),
		.milestone = {.what = MILESTONE_AGENT_STARTED, .told_by = "process"},
	};

	process_unit_read("/proc", (uint32_t)getpid(), event.milestone.unit, UNIT_SIZE);
	on_event(context, &event);
	return event.boot_ns;
}

int boot_sources_open(struct boot_sources **ret, sd_event *loop, const struct settings *settings,
		      event_fn on_event, void *context)
{
	const char *socket = settings->containerd_socket;
	struct process_milestones_options processes = {.socket = *socket ? socket : NULL};
	struct systemd_source_options systemd = {0};
	struct boot_sources *boot = calloc(1, sizeof(*boot));
	int r;

	if (!boot)
		return -ENOMEM;
	processes.since_ns = tell_start(on_event, context);
	r = systemd_source_new(&boot->systemd, loop, &systemd, on_event, context);
	if (r == 0)
		r = process_milestones_new(&boot->processes, loop, &processes, on_event, context);
	if (r < 0) {
		boot_sources_free(boot);
		return r;
	}
	*ret = boot;
	return 0;
}

void boot_sources_free(struct boot_sources *boot)
{
	if (!boot)
		return;
	systemd_source_free(boot->systemd);
	process_milestones_free(boot->processes);
	free(boot);
}

void boot_sources_stats(const struct boot_sources *boot, struct boot_sources_stats *ret)
{
	systemd_source_stats(boot->systemd, &ret->systemd);
}
