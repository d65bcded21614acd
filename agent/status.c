/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/json.h"

static void set_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

__attribute__((format(printf, 2, 3))) static void add_problem(json_t *problems, const char *format,
							      ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_array_append_new(problems, json_vsprintf(format, arguments));
	va_end(arguments);
}

static json_t *kernel_json(const struct status_parts *parts, json_t *problems)
{
	json_t *json = json_object(), *probes = json_array();
	struct kernel_source_stats stats = {0};

	if (parts->kernel)
		kernel_source_stats(parts->kernel, &stats);
	else
		add_problem(problems, "the kernel is not watched: %s",
			    parts->kernel_error ? log_errno_text(parts->kernel_error)
						: "turned off");
	json_object_set_new(json, "up", json_boolean(parts->kernel));
	set_count(json, "records", stats.records);
	set_count(json, "lost", stats.lost);
	set_count(json, "map_bytes", stats.map_bytes);
	for (uint32_t i = 0; i < stats.probe_count; i++) {
		const struct kernel_probe_stats *probe = &stats.probes[i];

		if (!probe->attached)
			add_problem(problems, "probe %s is not attached", probe->name);
		json_array_append_new(probes, json_pack("{s:s, s:b, s:I, s:I}", "name", probe->name,
							"attached", probe->attached, "runs",
							(json_int_t)probe->runs, "run_ns",
							(json_int_t)probe->run_ns));
	}
	json_object_set_new(json, "probes", probes);
	return json;
}

static json_t *containerd_json(const struct status_parts *parts, json_t *problems)
{
	struct containerd_source_stats stats = {0};
	json_t *json = json_object();

	if (parts->containerd)
		containerd_source_stats(parts->containerd, &stats);
	if (!stats.connected)
		add_problem(problems, "containerd does not answer on %s",
			    *stats.socket ? stats.socket : "any known socket");
	json_object_set_new(json, "connected", json_boolean(stats.connected));
	json_object_set_new(json, "socket", json_string(stats.socket));
	json_object_set_new(json, "version", json_string(stats.version));
	set_count(json, "events", stats.events);
	set_count(json, "calls", stats.calls);
	set_count(json, "failed_calls", stats.failed_calls);
	set_count(json, "reconnects", stats.reconnects);
	set_count(json, "unknown_events", stats.unknown_events);
	set_count(json, "undecodable", stats.undecodable);
	return json;
}

static json_t *tracker_json(const struct status_parts *parts)
{
	json_t *json = json_object(), *events = json_object(), *records = json_object();
	struct tracker_stats stats;

	tracker_stats(parts->tracker, &stats);
	for (enum event_type type = EVENT_NONE + 1; type < EVENT_TYPE_COUNT; type++)
		set_count(events, event_type_name(type), stats.events[type]);
	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++)
		set_count(records, record_type_name(type), stats.records[type]);
	set_count(json, "containers", stats.containers);
	set_count(json, "pods", stats.pods);
	set_count(json, "pulls", stats.pulls);
	set_count(json, "evicted", stats.evicted);
	json_object_set_new(json, "events", events);
	json_object_set_new(json, "records", records);
	return json;
}

static json_t *store_json(const struct status_parts *parts, json_t *problems)
{
	json_t *json = json_object(), *records = json_object();
	struct store_stats stats = {0};

	store_stats(parts->store, &stats);
	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++)
		set_count(records, record_type_name(type), stats.records[type]);
	if (stats.error)
		add_problem(problems, "records can't be written: %s (%" PRIu64 " wait in memory)",
			    log_errno_text(stats.error), stats.waiting);
	if (stats.dropped)
		add_problem(problems, "%" PRIu64 " records were lost for want of a disk",
			    stats.dropped);
	set_count(json, "bytes", stats.bytes);
	set_count(json, "waiting", stats.waiting);
	set_count(json, "dropped", stats.dropped);
	json_object_set_new(json, "error",
			    json_string(stats.error ? log_errno_text(stats.error) : ""));
	json_object_set_new(json, "records", records);
	return json;
}

static void set_time(json_t *object, const char *name, int64_t wall_ns)
{
	char text[WALL_TEXT_SIZE] = "";

	if (wall_ns)
		clock_wall_text(wall_ns, 0, text);
	json_object_set_new(object, name, json_string(text));
}

static json_t *events_json(const struct status_parts *parts, bool reachable, json_t *problems)
{
	json_t *json = json_object();
	struct kube_event_sink_stats stats = {0};

	kube_event_sink_stats(parts->events, &stats);
	if (!reachable)
		add_problem(problems, "the API server does not answer: %" PRIu64 " Events wait",
			    stats.pending);
	set_count(json, "pending", stats.pending);
	set_count(json, "created", stats.created);
	set_count(json, "updated", stats.updated);
	set_count(json, "failed", stats.failed);
	set_count(json, "given_up", stats.given_up);
	set_time(json, "last_write", stats.last_write_wall_ns);
	return json;
}

static json_t *annotations_json(const struct status_parts *parts, bool reachable, json_t *problems)
{
	json_t *json = json_object();
	struct annotation_sink_stats stats = {0};

	annotation_sink_stats(parts->annotations, &stats);
	if (reachable && stats.status)
		add_problem(problems, "the annotations of node %s can't be written: status %d",
			    parts->node_name, stats.status);
	set_count(json, "written", stats.written);
	set_count(json, "failed", stats.failed);
	set_time(json, "last_write", stats.last_write_wall_ns);
	return json;
}

/* NULL where there is no Kubernetes. */
static json_t *kubernetes_json(const struct status_parts *parts, json_t *problems)
{
	struct kube_stats stats = {0};
	uint64_t calls = 0;
	bool reachable;
	json_t *json;

	if (!parts->kube)
		return NULL;
	json = json_object();
	kube_stats(parts->kube, &stats);
	for (int i = 0; i < KUBE_VERB_COUNT; i++)
		calls += stats.calls[i];
	reachable = stats.reachable || !calls; /* not asked yet */
	json_object_set_new(json, "server", json_string(stats.server));
	json_object_set_new(json, "node", json_string(parts->node_name));
	json_object_set_new(json, "reachable", json_boolean(stats.reachable));
	set_count(json, "calls", calls);
	set_count(json, "failed", stats.failed);
	set_count(json, "refused", stats.refused);
	json_object_set_new(json, "events", events_json(parts, reachable, problems));
	json_object_set_new(json, "annotations", annotations_json(parts, reachable, problems));
	return json;
}

static uint64_t read_pss(void)
{
	cleanup_fclose FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	uint64_t kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %" SCNu64, &kb) == 1)
			break;
	return kb * 1024;
}

static json_t *cost_json(uint64_t uptime_ns)
{
	json_t *json = json_object();
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	uint64_t cpu_ns = (uint64_t)used.tv_sec * NS_PER_SECOND + (uint64_t)used.tv_nsec;

	set_count(json, "pss_bytes", read_pss());
	set_count(json, "cpu_ns", cpu_ns);
	json_object_set_new(json, "cpu_percent",
			    json_real(uptime_ns ? 100.0 * (double)cpu_ns / (double)uptime_ns : 0));
	return json;
}

json_t *status_json(const struct status_parts *parts)
{
	uint64_t now_ns = clock_boot_ns();
	json_t *json = json_object(), *sources = json_object(), *problems = json_array();
	char since[WALL_TEXT_SIZE];

	if (!json || !sources || !problems) {
		json_decref(json);
		json_decref(sources);
		json_decref(problems);
		return NULL;
	}
	clock_wall_text((int64_t)parts->since_ns + clock_wall_offset_ns(), 0, since);
	json_object_set_new(json, "version", json_string(NODEWAKE_VERSION));
	json_object_set_new(json, "boot_id", json_string(parts->boot_id));
	json_object_set_new(json, "since", json_string(since));
	set_count(json, "uptime_ns", now_ns - parts->since_ns);
	json_object_set_new(sources, "kernel", kernel_json(parts, problems));
	json_object_set_new(sources, "containerd", containerd_json(parts, problems));
	json_object_set_new(json, "sources", sources);
	json_object_set_new(json, "tracker", tracker_json(parts));
	json_object_set_new(json, "store", store_json(parts, problems));
	json_t *kubernetes = kubernetes_json(parts, problems);

	if (kubernetes)
		json_object_set_new(json, "kubernetes", kubernetes);
	json_object_set_new(json, "cost", cost_json(now_ns - parts->since_ns));
	json_object_set_new(json, "well", json_boolean(json_array_size(problems) == 0));
	json_object_set_new(json, "problems", problems);
	return json;
}
