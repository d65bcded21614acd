/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_figures.h"

#include "base/clock.h"
#include "model/json.h"
#include "sink/metrics/metrics_format.h"

static const char *const verbs[KUBE_VERB_COUNT] = {
	[KUBE_GET] = "get",	[KUBE_POST] = "post",	  [KUBE_APPLY] = "apply",
	[KUBE_MERGE] = "merge", [KUBE_DELETE] = "delete",
};

static void write_one(FILE *out, const char *name, const char *type, const char *help,
		      uint64_t value)
{
	metrics_family(out, name, type, help);
	metrics_count(out, name, value);
}

static void write_sources(FILE *out, const struct metrics_figures *figures)
{
	metrics_family(out, "nodewake_source_up", "gauge",
		       "1 if the source delivers. A source that is turned off has no series.");
	for (enum source_kind i = SOURCE_NONE + 1; i < SOURCE_KIND_COUNT; i++)
		if (figures->sources[i].configured)
			metrics_count(out, "nodewake_source_up", figures->sources[i].up,
				      METRICS_LABEL("source", source_kind_name(i)));
	metrics_family(out, "nodewake_source_events_total", "counter",
		       "What the source has told: records of the kernel's ring, events of "
		       "containerd's.");
	for (enum source_kind i = SOURCE_NONE + 1; i < SOURCE_KIND_COUNT; i++)
		if (figures->sources[i].configured)
			metrics_count(out, "nodewake_source_events_total",
				      figures->sources[i].events,
				      METRICS_LABEL("source", source_kind_name(i)));
}

static void write_programs(FILE *out, const struct metrics_figures *figures)
{
	metrics_family(out, "nodewake_bpf_runs_total", "counter",
		       "Runs of a BPF program. 0 unless kernel.bpf_stats_enabled is 1.");
	for (uint32_t i = 0; i < figures->program_count; i++)
		metrics_count(out, "nodewake_bpf_runs_total", figures->programs[i].runs,
			      METRICS_LABEL("program", figures->programs[i].name));
	metrics_family(out, "nodewake_bpf_run_seconds_total", "counter",
		       "Time spent in a BPF program. 0 unless kernel.bpf_stats_enabled is 1.");
	for (uint32_t i = 0; i < figures->program_count; i++)
		metrics_seconds(out, "nodewake_bpf_run_seconds_total", figures->programs[i].run_ns,
				METRICS_LABEL("program", figures->programs[i].name));
}

static void write_api(FILE *out, const struct metrics_figures *figures)
{
	write_one(out, "nodewake_outbox_events", "gauge",
		  "Events that wait to be told to the API server.", figures->outbox_events);
	metrics_family(out, "nodewake_api_requests_total", "counter", "Calls to the API server.");
	for (int i = 0; i < KUBE_VERB_COUNT; i++)
		metrics_count(out, "nodewake_api_requests_total", figures->api_requests[i],
			      METRICS_LABEL("verb", verbs[i]));
	write_one(out, "nodewake_api_failures_total", "counter",
		  "Calls that the API server did not answer, or with an error of its own.",
		  figures->api_failures);
}

static void write_process(FILE *out, const struct metrics_figures *figures)
{
	metrics_family(out, "nodewake_boot_time_seconds", "gauge",
		       "When the node was booted, in Unix time.");
	metrics_count(out, "nodewake_boot_time_seconds", figures->boot_wall_ns / NS_PER_SECOND);
	write_one(out, "process_resident_memory_bytes", "gauge", "Resident memory of the agent.",
		  figures->rss_bytes);
	write_one(out, "nodewake_memory_pss_bytes", "gauge",
		  "Memory of the agent, shared pages by its share of them.", figures->pss_bytes);
	metrics_family(out, "process_cpu_seconds_total", "counter", "CPU time of the agent.");
	metrics_seconds(out, "process_cpu_seconds_total", figures->cpu_ns);
	metrics_family(out, "process_start_time_seconds", "gauge",
		       "When the agent was started, in Unix time.");
	metrics_seconds(out, "process_start_time_seconds", figures->started_wall_ns);
}

void metrics_figures_write(FILE *out, const struct metrics_figures *figures)
{
	write_sources(out, figures);
	write_one(out, "nodewake_kernel_lost_records_total", "counter",
		  "Records that the kernel could not pass on: what they told is missing.",
		  figures->kernel_lost);
	write_programs(out, figures);
	write_one(out, "nodewake_bpf_map_bytes", "gauge", "Memory of the BPF rings and maps.",
		  figures->bpf_map_bytes);
	write_one(out, "nodewake_containers", "gauge", "Containers that the agent knows now.",
		  figures->containers);
	write_one(out, "nodewake_store_bytes", "gauge", "Size of the record store on disk.",
		  figures->store_bytes);
	write_one(out, "nodewake_store_waiting_records", "gauge",
		  "Records that wait in memory, since the disk fails.", figures->store_waiting);
	write_one(out, "nodewake_store_dropped_records_total", "counter",
		  "Records lost: the disk failed, and memory was full.", figures->store_dropped);
	write_api(out, figures);
	write_process(out, figures);
}
