/* SPDX-License-Identifier: Apache-2.0 */
#include "problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

#define PROBLEM_SIZE 256

struct asker {
	problem_fn on_problem;
	void *context;
};

__attribute__((format(printf, 3, 4))) static void tell(const struct asker *asker, bool unready,
						       const char *format, ...)
{
	char text[PROBLEM_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	asker->on_problem(asker->context, unready, text);
}

static void list_kernel(const struct status_parts *parts, const struct asker *asker)
{
	struct kernel_source_stats stats;

	if (!status_kernel_up(parts)) {
		tell(asker, parts->kernel_error < 0, "the kernel is not watched: %s",
		     parts->kernel_error < 0 ? log_errno_text(parts->kernel_error) : "turned off");
		return;
	}
	kernel_source_stats(parts->kernel, &stats);
	for (uint32_t i = 0; i < stats.probe_count; i++)
		if (!stats.probes[i].attached && !stats.probes[i].on_demand)
			tell(asker, true, "probe %s is not attached", stats.probes[i].name);
}

static void list_containerd(const struct status_parts *parts, const struct asker *asker)
{
	struct containerd_source_stats stats = {0};

	if (parts->containerd)
		containerd_source_stats(parts->containerd, &stats);
	if (!stats.connected)
		tell(asker, true, "containerd does not answer on %s",
		     *stats.socket ? stats.socket : "any known socket");
}

static void list_store(const struct status_parts *parts, const struct asker *asker)
{
	struct store_stats stats;

	store_stats(parts->store, &stats);
	if (stats.error)
		tell(asker, false, "records can't be written: %s (%" PRIu64 " wait in memory)",
		     log_errno_text(stats.error), stats.waiting);
	if (stats.dropped)
		tell(asker, false, "%" PRIu64 " records were lost for want of a disk",
		     stats.dropped);
}

/* Not unready: Kubernetes is optional, and a restart would mend nothing. */
static void list_kubernetes(const struct status_parts *parts, const struct asker *asker)
{
	struct kubernetes_stats stats;
	uint64_t calls = 0;

	if (!parts->kubernetes)
		return;
	kubernetes_stats(parts->kubernetes, &stats);
	for (int i = 0; i < KUBE_VERB_COUNT; i++)
		calls += stats.client.calls[i];
	if (!stats.client.reachable && calls)
		tell(asker, false, "the API server does not answer: %" PRIu64 " Events wait",
		     stats.events.pending);
	else if (stats.annotations.status)
		tell(asker, false, "the annotations of node %s can't be written: status %d",
		     stats.node_name, stats.annotations.status);
}

void problems_list(const struct status_parts *parts, problem_fn on_problem, void *context)
{
	const struct asker asker = {on_problem, context};

	list_kernel(parts, &asker);
	list_containerd(parts, &asker);
	list_store(parts, &asker);
	list_kubernetes(parts, &asker);
}
