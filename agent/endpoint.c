/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/process.h"
#include "problems.h"
#include "sink/metrics/metrics_loops.h"
#include "sink/node/node_boots.h"

/* A timer of the loop that has not fired for so long will not fire any more. */
#define STUCK_NS (60 * NS_PER_SECOND)

_Static_assert(KERNEL_PROBES_MAX <= METRICS_PROGRAMS_MAX, "every probe has its place");

static void read_kernel(const struct status_parts *parts, struct metrics_figures *ret)
{
	struct kernel_source_stats stats;

	ret->sources[SOURCE_KERNEL].configured = parts->kernel || parts->kernel_error < 0;
	ret->sources[SOURCE_KERNEL].up = status_kernel_up(parts);
	if (!parts->kernel)
		return;
	kernel_source_stats(parts->kernel, &stats);
	ret->sources[SOURCE_KERNEL].events = stats.records;
	ret->kernel_lost = stats.lost;
	ret->bpf_map_bytes = stats.map_bytes;
	ret->program_count = stats.probe_count;
	for (uint32_t i = 0; i < stats.probe_count; i++) {
		TEXT_COPY(ret->programs[i].name, stats.probes[i].name);
		ret->programs[i].runs = stats.probes[i].runs;
		ret->programs[i].run_ns = stats.probes[i].run_ns;
	}
}

static void read_containerd(const struct status_parts *parts, struct metrics_figures *ret)
{
	struct containerd_source_stats stats = {0};

	if (parts->containerd)
		containerd_source_stats(parts->containerd, &stats);
	ret->sources[SOURCE_CONTAINERD] = (struct metrics_source){
		.configured = true,
		.up = stats.connected,
		.events = stats.events,
	};
}

static void read_kubernetes(const struct status_parts *parts, struct metrics_figures *ret)
{
	struct kubernetes_stats stats;

	if (!parts->kubernetes)
		return;
	kubernetes_stats(parts->kubernetes, &stats);
	ret->sources[SOURCE_KUBERNETES] = (struct metrics_source){
		.configured = true,
		.up = stats.source.up,
		.events = stats.source.events,
	};
	ret->outbox_events = stats.events.pending;
	memcpy(ret->api_requests, stats.client.calls, sizeof(ret->api_requests));
	ret->api_failures = stats.client.failed;
}

/* When the agent started must never change: that it does is how restarts are found. */
static void read_process(const struct status_parts *parts, struct metrics_figures *ret)
{
	struct process_memory memory = {0};
	struct process_stat stat = {0};

	process_memory_read(&memory);
	process_stat_read((uint32_t)getpid(), &stat);
	ret->rss_bytes = memory.rss_bytes;
	ret->pss_bytes = memory.pss_bytes;
	ret->cpu_ns = process_cpu_ns();
	ret->boot_wall_ns = (uint64_t)clock_wall_offset_ns();
	ret->started_wall_ns = stat.start_ns + (uint64_t)parts->since_offset_ns;
}

static void read_figures(void *context, struct metrics_figures *ret)
{
	const struct status_parts *parts = context;
	struct tracker_stats tracker;
	struct store_stats store;

	read_kernel(parts, ret);
	read_containerd(parts, ret);
	read_kubernetes(parts, ret);
	tracker_stats(parts->tracker, &tracker);
	ret->containers = tracker.containers;
	store_stats(parts->store, &store);
	ret->store_bytes = store.bytes;
	ret->store_waiting = store.waiting;
	ret->store_dropped = store.dropped;
	read_process(parts, ret);
}

/* Being asked shows that the loop turns; its timers may still be dead. */
static void write_unhealthy(void *context, FILE *reasons)
{
	const struct status_parts *parts = context;
	uint64_t ago_ns = clock_boot_ns() - parts->tended_ns;

	if (ago_ns > STUCK_NS)
		fprintf(reasons, "the store has not been looked after for %" PRIu64 " s\n",
			ago_ns / NS_PER_SECOND);
}

static void write_reason(void *reasons, bool unready, const char *text)
{
	if (unready)
		fprintf(reasons, "%s\n", text);
}

static void write_unready(void *context, FILE *reasons)
{
	problems_list(context, write_reason, reasons);
}

static int remember_exit(void *context, const char *boot_id, const struct record *record)
{
	(void)boot_id;
	metrics_sink_record(context, record, RECORD_KNOWN_FINAL);
	return 0;
}

/* An agent that is updated does not forget which containers loop. */
static void remember_loops(struct metrics_sink *sink, const struct status_parts *parts)
{
	int64_t now_ns = (int64_t)parts->since_ns + parts->since_offset_ns;
	struct store_query exits = {
		.type = RECORD_EXIT,
		.boot_id = parts->boot_id,
		.since_wall_ns = now_ns - (int64_t)METRICS_LOOP_FRESH_NS,
		.order = STORE_OLDEST_FIRST,
	};

	store_query(parts->store, &exits, remember_exit, sink);
}

/* Nor this boot, nor what boots usually take. */
static void remember_boots(struct metrics_sink *sink, const struct status_parts *parts)
{
	struct boot_history earlier;
	struct record own;

	node_boots_read(parts->store, parts->boot_id, &earlier, &own);
	metrics_sink_earlier(sink, &earlier);
	if (own.type)
		metrics_sink_record(sink, &own, RECORD_KNOWN_FINAL);
}

struct metrics_sink *endpoint_open(sd_event *loop, const char *address,
				   const struct status_parts *parts)
{
	static const struct metrics_sink_asks asks = {
		.figures = read_figures,
		.unhealthy = write_unhealthy,
		.unready = write_unready,
	};
	struct metrics_sink *sink;

	if (strcmp(address, "off") == 0)
		return NULL;
	int r = metrics_sink_new(&sink, loop, address, &asks, (void *)parts);

	if (r < 0) {
		log_error(r == -EINVAL ? "no /metrics: --listen wants IP:PORT, [IPV6]:PORT, :PORT "
					 "or off"
				       : "no /metrics: choose another address by --listen, or off",
			  LOG_TEXT("listen", address), LOG_ERRNO(r));
		return NULL;
	}
	remember_loops(sink, parts);
	remember_boots(sink, parts);
	return sink;
}
