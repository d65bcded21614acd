/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/process.h"
#include "model/json.h"
#include "problems.h"

static void set_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void add_problem(void *problems, bool unready, const char *text)
{
	(void)unready;
	json_array_append_new(problems, json_string(text));
}

static json_t *kernel_json(const struct status_parts *parts)
{
	json_t *json = json_object(), *probes = json_array();
	struct kernel_source_stats stats = {0};

	if (parts->kernel)
		kernel_source_stats(parts->kernel, &stats);
	json_object_set_new(json, "up", json_boolean(status_kernel_up(parts)));
	json_object_set_new(json, "pinned", json_boolean(stats.pinned));
	set_count(json, "records", stats.records);
	set_count(json, "lost", stats.lost);
	set_count(json, "map_bytes", stats.map_bytes);
	for (uint32_t i = 0; i < stats.probe_count; i++) {
		const struct kernel_probe_stats *probe = &stats.probes[i];

		json_array_append_new(probes, json_pack("{s:s, s:b, s:b, s:I, s:I, s:I}", "name",
							probe->name, "attached", probe->attached,
							"on_demand", probe->on_demand, "runs",
							(json_int_t)probe->runs, "run_ns",
							(json_int_t)probe->run_ns, "skipped",
							(json_int_t)probe->skipped));
	}
	json_object_set_new(json, "probes", probes);
	return json;
}

static json_t *containerd_json(const struct status_parts *parts)
{
	struct containerd_source_stats stats = {0};
	json_t *json = json_object();

	if (parts->containerd)
		containerd_source_stats(parts->containerd, &stats);
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

static json_t *systemd_json(const struct status_parts *parts)
{
	struct boot_sources_stats stats = {0};
	json_t *json = json_object();

	if (parts->boot)
		boot_sources_stats(parts->boot, &stats);
	json_object_set_new(json, "connected", json_boolean(stats.systemd.connected));
	json_object_set_new(json, "finished", json_boolean(stats.systemd.finished));
	/* a peer's words, cut at any byte */
	json_object_set_new(json, "cause", json_string(stats.systemd.cause) ?: json_string("?"));
	set_count(json, "units", stats.systemd.units);
	set_count(json, "orderings", stats.systemd.edges);
	set_count(json, "left_out", stats.systemd.left_out);
	set_count(json, "restarted", stats.systemd.restarted);
	return json;
}

static json_t *journal_json(const struct status_parts *parts)
{
	struct journal_source_stats stats = {0};
	json_t *json = json_object();

	if (parts->journal)
		journal_source_stats(parts->journal, &stats);
	json_object_set_new(json, "up", json_boolean(stats.up));
	json_object_set_new(json, "cause", json_string(stats.cause));
	json_object_set_new(json, "done", json_boolean(stats.done));
	set_count(json, "looks", stats.looks);
	set_count(json, "files", stats.files);
	set_count(json, "unreadable", stats.unreadable);
	set_count(json, "entries", stats.entries);
	set_count(json, "milestones", stats.milestones);
	set_count(json, "longest_ns", stats.longest_ns);
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

static json_t *store_json(const struct status_parts *parts)
{
	json_t *json = json_object(), *records = json_object();
	struct store_stats stats = {0};

	store_stats(parts->store, &stats);
	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++)
		set_count(records, record_type_name(type), stats.records[type]);
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

static json_t *events_json(const struct kube_event_sink_stats *stats)
{
	json_t *json = json_object();

	set_count(json, "pending", stats->pending);
	set_count(json, "created", stats->created);
	set_count(json, "updated", stats->updated);
	set_count(json, "failed", stats->failed);
	set_count(json, "given_up", stats->given_up);
	set_time(json, "last_write", stats->last_write_wall_ns);
	return json;
}

static json_t *annotations_json(const struct annotation_sink_stats *stats)
{
	json_t *json = json_object();

	set_count(json, "written", stats->written);
	set_count(json, "failed", stats->failed);
	set_time(json, "last_write", stats->last_write_wall_ns);
	return json;
}

static json_t *kubernetes_json(const struct kubernetes *kubernetes)
{
	struct kubernetes_stats stats;
	json_t *json = json_object();
	uint64_t calls = 0;

	kubernetes_stats(kubernetes, &stats);
	for (int i = 0; i < KUBE_VERB_COUNT; i++)
		calls += stats.client.calls[i];
	json_object_set_new(json, "server", json_string(stats.client.server));
	json_object_set_new(json, "node", json_string(stats.node_name));
	if (*stats.kubeconfig)
		json_object_set_new(json, "kubeconfig", json_string(stats.kubeconfig));
	json_object_set_new(json, "reachable", json_boolean(stats.client.reachable));
	json_object_set_new(json, "watched", json_boolean(stats.source.up));
	set_count(json, "pods", stats.source.pods);
	set_count(json, "calls", calls);
	set_count(json, "failed", stats.client.failed);
	set_count(json, "refused", stats.client.refused);
	json_object_set_new(json, "events", events_json(&stats.events));
	json_object_set_new(json, "annotations", annotations_json(&stats.annotations));
	return json;
}

static json_t *cost_json(uint64_t uptime_ns)
{
	json_t *json = json_object();
	struct process_memory memory = {0};
	uint64_t cpu_ns = process_cpu_ns();

	process_memory_read(&memory);
	set_count(json, "pss_bytes", memory.pss_bytes);
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
	json_object_set_new(sources, "kernel", kernel_json(parts));
	json_object_set_new(sources, "containerd", containerd_json(parts));
	json_object_set_new(sources, "systemd", systemd_json(parts));
	json_object_set_new(sources, "journal", journal_json(parts));
	json_object_set_new(json, "sources", sources);
	json_object_set_new(json, "tracker", tracker_json(parts));
	json_object_set_new(json, "store", store_json(parts));
	if (parts->kubernetes)
		json_object_set_new(json, "kubernetes", kubernetes_json(parts->kubernetes));
	json_object_set_new(json, "cost", cost_json(now_ns - parts->since_ns));
	problems_list(parts, add_problem, problems);
	json_object_set_new(json, "well", json_boolean(json_array_size(problems) == 0));
	json_object_set_new(json, "problems", problems);
	return json;
}
