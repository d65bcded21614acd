// SPDX-License-Identifier: Apache-2.0
/* The rows of every event: what its fields are called in JSON. */
#include "model/json_shape.h"

#define SELF struct process
static const struct json_field process_rows[] = {
	JSON_ROW(UINT, pid),
	JSON_ROW(UINT, start_ns),
};
static JSON_SHAPE(process_shape, SELF, process_rows);

#undef SELF
#define SELF struct signal_seen
static const struct json_field signal_rows[] = {
	JSON_ROW(UINT, boot_ns),
	JSON_ROW(INT, signal),
	JSON_ROW(INT, code),
	JSON_ROW(BOOL, ignored),
	JSON_ROW(BOOL, from_kernel),
	JSON_ROW(ADDRESS, address),
	JSON_OBJECT(sender, process_shape),
	JSON_ROW(UINT, sender_cgroup_id),
	JSON_ROW(TEXT, sender_comm),
};
static JSON_SHAPE(signal_shape, SELF, signal_rows);

#undef SELF
#define SELF struct event_cgroup
static const struct json_field cgroup_rows[] = {
	JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, pod_uid),
	JSON_ROW(TEXT, path),
};
static JSON_SHAPE(cgroup_shape, SELF, cgroup_rows);

#undef SELF
#define SELF struct event_exec
static const struct json_field exec_rows[] = {
	JSON_OBJECT(who, process_shape),
	JSON_ROW(UINT, parent_pid),
	JSON_WORD(role, json_roles),
	JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, comm),
	JSON_ROW(TEXT, file),
	JSON_ROW(TEXT, verb),
	JSON_ROW(TEXT, pod),
	JSON_ROW(TEXT, pod_namespace),
};
static JSON_SHAPE(exec_shape, SELF, exec_rows);

#undef SELF
#define SELF struct event_exit
static const struct json_field exit_rows[] = {
	JSON_OBJECT(who, process_shape),
	JSON_WORD(role, json_roles),
	JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, comm),
	JSON_ROW(INT, code),
	JSON_ROW(INT, signal),
	JSON_ROW(UINT, parent_pid),
	JSON_ROW(BOOL, core_dumped),
	JSON_ROW(BOOL, oom_victim),
	JSON_ARRAY(last, signal_shape),
	JSON_ROW(UINT, namespace_pid),
	JSON_ROW(UINT, count),
	JSON_ROW(TEXT, parent_comm),
	JSON_ROW(TEXT, file),
};
static JSON_SHAPE(exit_shape, SELF, exit_rows);

#undef SELF
#define SELF struct event_listen
static const struct json_field listen_rows[] = {
	JSON_OBJECT(who, process_shape), JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),	 JSON_ROW(UINT, port),
	JSON_ROW(TEXT, address),
};
static JSON_SHAPE(listen_shape, SELF, listen_rows);

#undef SELF
#define SELF struct event_oom
static const struct json_field oom_rows[] = {
	JSON_OBJECT(victim, process_shape),
	JSON_ROW(UINT, parent_pid),
	JSON_ROW(TEXT, parent_comm),
	JSON_ROW(UINT, namespace_pid),
	JSON_ROW(UINT, uid),
	JSON_ROW(INT, oom_score_adj),
	JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, cgroup_path),
	JSON_ROW(TEXT, comm),
	JSON_ROW(UINT, total_vm_kb),
	JSON_ROW(UINT, anon_kb),
	JSON_ROW(UINT, file_kb),
	JSON_ROW(UINT, shmem_kb),
	JSON_ROW(UINT, swap_kb),
	JSON_ROW(UINT, pagetable_kb),
	JSON_ROW(BOOL, group_kill),
	JSON_ROW(BOOL, by_limit),
	JSON_ROW(UINT, limit_cgroup_id),
	JSON_ROW(TEXT, limit_path),
	JSON_ROW(UINT, limit_bytes),
	JSON_ROW(UINT, usage_bytes),
	JSON_OBJECT(invoker, process_shape),
	JSON_ROW(UINT, invoker_cgroup_id),
	JSON_ROW(TEXT, invoker_comm),
	JSON_ROW(TEXT, killer),
};
static JSON_SHAPE(oom_shape, SELF, oom_rows);

#undef SELF
#define SELF struct event_container
static const struct json_field container_rows[] = {
	JSON_ROW(TEXT, container_id), JSON_ROW(TEXT, sandbox_id),
	JSON_ROW(TEXT, pod),	      JSON_ROW(TEXT, pod_namespace),
	JSON_ROW(TEXT, pod_uid),      JSON_ROW(TEXT, name),
	JSON_ROW(TEXT, image),	      JSON_ROW(TEXT, image_id),
	JSON_ROW(UINT, attempt),      JSON_WORD(state, json_container_states),
	JSON_ROW(UINT, pid),	      JSON_ROW(UINT, cgroup_id),
	JSON_ROW(UINT, created_ns),   JSON_ROW(UINT, started_ns),
	JSON_ROW(UINT, finished_ns),  JSON_ROW(INT, exit_code),
	JSON_ROW(TEXT, reason),	      JSON_ROW(TEXT, message),
	JSON_ROW(BOOL, listed_ended),
};
static JSON_SHAPE(container_shape, SELF, container_rows);

#undef SELF
#define SELF struct event_container_gone
static const struct json_field container_gone_rows[] = {
	JSON_ROW(TEXT, container_id),
};
static JSON_SHAPE(container_gone_shape, SELF, container_gone_rows);

#undef SELF
#define SELF struct event_task
static const struct json_field task_rows[] = {
	JSON_ROW(TEXT, container_id), JSON_ROW(TEXT, exec_id),	   JSON_WORD(step, json_task_steps),
	JSON_ROW(UINT, pid),	      JSON_ROW(UINT, exit_status), JSON_ROW(UINT, exited_ns),
};
static JSON_SHAPE(task_shape, SELF, task_rows);

#undef SELF
#define SELF struct event_snapshot
static const struct json_field snapshot_rows[] = {
	JSON_WORD(step, json_snapshot_steps),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, chain),
	JSON_ROW(TEXT, parent),
};
static JSON_SHAPE(snapshot_shape, SELF, snapshot_rows);

#undef SELF
#define SELF struct event_ingest
static const struct json_field ingest_rows[] = {
	JSON_WORD(kind, json_ingest_kinds),
	JSON_ROW(TEXT, digest),
	JSON_ROW(UINT, offset),
	JSON_ROW(UINT, total),
	JSON_ROW(UINT, started_ns),
	JSON_ROW(BOOL, gone),
	JSON_ROW(BOOL, aborted),
	JSON_ROW(TEXT, peer),
	JSON_ROW(UINT, peer_port),
};
static JSON_SHAPE(ingest_shape, SELF, ingest_rows);

#undef SELF
#define SELF struct event_layer
static const struct json_field layer_rows[] = {
	JSON_ROW(TEXT, image),		JSON_ROW(TEXT, digest),
	JSON_ROW(TEXT, chain),		JSON_ROW(UINT, index),
	JSON_ROW(UINT, count),		JSON_ROW(UINT, bytes),
	JSON_ROW(UINT, committed_ns),	JSON_ROW(UINT, unpacked_bytes),
	JSON_ROW(UINT, unpacked_files),
};
static JSON_SHAPE(layer_shape, SELF, layer_rows);

#undef SELF
#define SELF struct event_image
static const struct json_field image_rows[] = {
	JSON_WORD(step, json_image_steps), JSON_ROW(TEXT, name),	JSON_ROW(TEXT, digest),
	JSON_ROW(TEXT, image_id),	   JSON_ROW(UINT, resolved_ns), JSON_ROW(TEXT, registry),
};
static JSON_SHAPE(image_shape, SELF, image_rows);

#undef SELF
#define SELF struct event_pod
static const struct json_field pod_rows[] = {
	JSON_ROW(TEXT, pod_uid),	JSON_ROW(TEXT, pod),
	JSON_ROW(TEXT, pod_namespace),	JSON_ROW(UINT, created_ns),
	JSON_ROW(UINT, scheduled_ns),	JSON_ROW(UINT, initialized_ns),
	JSON_ROW(UINT, ready_ns),	JSON_ROW(UINT, deleted_ns),
	JSON_ROW(BOOL, arrived),	JSON_ROW(BOOL, ready_arrived),
	JSON_ROW(TEXT, phase),		JSON_ROW(TEXT, reason),
	JSON_ROW(TEXT, message),	JSON_ROW(TEXT, address),
	JSON_ROW(TEXT, second_address), JSON_ROW(UINT, grace_s),
	JSON_ROW(UINT, spec_grace_s),	JSON_ROW(UINT, memory_request_bytes),
	JSON_ROW(TEXT, disruption),	JSON_ROW(BOOL, is_static),
};
static JSON_SHAPE(pod_shape, SELF, pod_rows);

#undef SELF
#define SELF struct probe_settings
static const struct json_field probe_rows[] = {
	JSON_ROW(UINT, period_s),
	JSON_ROW(UINT, initial_s),
	JSON_ROW(UINT, successes),
	JSON_ROW(UINT, failures),
};
static JSON_SHAPE(probe_shape, SELF, probe_rows);

#undef SELF
#define SELF struct event_pod_container
static const struct json_field pod_container_rows[] = {
	JSON_ROW(TEXT, pod_uid),
	JSON_ROW(TEXT, name),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, image),
	JSON_ROW(BOOL, init),
	JSON_ROW(BOOL, ready),
	JSON_ROW(BOOL, ready_arrived),
	JSON_ROW(BOOL, has_probe),
	JSON_ROW(UINT, probe_period_s),
	JSON_OBJECT(readiness, probe_shape),
	JSON_OBJECT(startup, probe_shape),
	JSON_ROW(BOOL, has_liveness),
	JSON_ROW(BOOL, has_pre_stop),
	JSON_ROW(UINT, restarts),
	JSON_ROW(TEXT, last_container_id),
	JSON_ROW(TEXT, last_reason),
	JSON_ROW(INT, last_exit_code),
	JSON_ROW(INT, exit_code),
	JSON_WORD(state, json_pod_container_states),
	JSON_ROW(TEXT, reason),
	JSON_ROW(TEXT, message),
};
static JSON_SHAPE(pod_container_shape, SELF, pod_container_rows);

#undef SELF
#define SELF struct event_pod_gone
static const struct json_field pod_gone_rows[] = {
	JSON_ROW(TEXT, pod_uid),
};
static JSON_SHAPE(pod_gone_shape, SELF, pod_gone_rows);

#undef SELF
#define SELF struct event_pod_trouble
static const struct json_field pod_trouble_rows[] = {
	JSON_ROW(TEXT, pod_uid),   JSON_ROW(TEXT, reason),    JSON_ROW(TEXT, message),
	JSON_ROW(TEXT, component), JSON_ROW(UINT, first_ns),  JSON_ROW(UINT, last_ns),
	JSON_ROW(UINT, count),	   JSON_ROW(TEXT, container), JSON_ROW(BOOL, of_stop),
};
static JSON_SHAPE(pod_trouble_shape, SELF, pod_trouble_rows);

#undef SELF
#define SELF struct event_node
static const struct json_field node_rows[] = {
	JSON_ROW(UINT, cordoned_ns),
	JSON_ROW(BOOL, tells_deletions),
};
static JSON_SHAPE(node_shape, SELF, node_rows);

#undef SELF
#define SELF struct event_boot
static const struct json_field boot_rows[] = {
	JSON_ROW(UINT, firmware_ns),  JSON_ROW(UINT, loader_ns), JSON_ROW(UINT, initrd_ns),
	JSON_ROW(UINT, userspace_ns), JSON_ROW(UINT, finish_ns),
};
static JSON_SHAPE(boot_shape, SELF, boot_rows);

#undef SELF
#define SELF struct event_unit
static const struct json_field unit_rows[] = {
	JSON_ROW(TEXT, name),	JSON_ROW(UINT, begin_ns), JSON_ROW(UINT, active_ns),
	JSON_ROW(UINT, end_ns), JSON_ROW(TEXT, result),
};
static JSON_SHAPE(unit_shape, SELF, unit_rows);

#undef SELF
#define SELF struct event_unit_after
static const struct json_field unit_after_rows[] = {
	JSON_ROW(TEXT, unit),
	JSON_ROW(TEXT, after),
};
static JSON_SHAPE(unit_after_shape, SELF, unit_after_rows);

#undef SELF
#define SELF struct event_milestone
static const struct json_field milestone_rows[] = {
	JSON_WORD(what, json_milestones),
	JSON_ROW(TEXT, unit),
	JSON_ROW(TEXT, told_by),
};
static JSON_SHAPE(milestone_shape, SELF, milestone_rows);

#undef SELF
#define SELF struct event_last_boot
static const struct json_field last_boot_rows[] = {
	JSON_ROW(TEXT, boot_id), JSON_WORD(end, json_boot_ends), JSON_ROW(INT, last_wall_ns),
	JSON_ROW(UINT, down_ns), JSON_ROW(TEXT, evidence),
};
static JSON_SHAPE(last_boot_shape, SELF, last_boot_rows);

#undef SELF
#define SELF struct event_connect_failed
static const struct json_field connect_failed_rows[] = {
	JSON_OBJECT(who, process_shape), JSON_ROW(UINT, cgroup_id), JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, address),	 JSON_ROW(UINT, port),	    JSON_ROW(INT, error),
	JSON_ROW(UINT, began_ns),	 JSON_ROW(UINT, count),	    JSON_ROW(UINT, wait_ns),
	JSON_ROW(UINT, longest_ns),
};
static JSON_SHAPE(connect_failed_shape, SELF, connect_failed_rows);

#undef SELF
#define SELF struct event_address
static const struct json_field address_rows[] = {
	JSON_ROW(TEXT, address),
	JSON_ROW(TEXT, name),
};
static JSON_SHAPE(address_shape, SELF, address_rows);

#undef SELF
#define SELF struct event_cri_call
static const struct json_field cri_call_rows[] = {
	JSON_WORD(method, json_cri_methods),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, image),
	JSON_ROW(TEXT, image_id),
	JSON_ROW(UINT, began_ns),
	JSON_ROW(BOOL, failed),
};
static JSON_SHAPE(cri_call_shape, SELF, cri_call_rows);

#undef SELF
#define SELF struct event_source
static const struct json_field source_rows[] = {
	JSON_WORD(source, json_source_kinds),
	JSON_WORD(step, json_source_steps),
	JSON_ROW(TEXT, cause),
	JSON_ROW(UINT, count),
	JSON_ROW(UINT, since_ns),
};
static JSON_SHAPE(source_shape, SELF, source_rows);

#undef SELF
#define SELF struct event
static const struct json_field head_rows[] = {
	JSON_WORD(type, json_event_types),
	JSON_ROW(UINT, boot_ns),
	{.name = "reconstructed",
	 .kind = JSON_KIND_FLAG,
	 JSON_AT(flags),
	 .flag = EVENT_RECONSTRUCTED},
};
JSON_SHAPE(json_event_head, SELF, head_rows);

#undef SELF
#define SELF struct event_stall
static const struct json_field stall_rows[] = {
	JSON_ROW(UINT, cgroup_id),
	JSON_ROW(TEXT, container_id),
	JSON_WORD(step, json_stall_steps),
	JSON_WORD(grade, json_stall_grades),
	JSON_ROW(TEXT, reason),
	JSON_OBJECT(path, json_stall_times),
	JSON_OBJECT(threads, json_stall_times),
	JSON_ROW(UINT, thread_count),
};
static JSON_SHAPE(stall_shape, SELF, stall_rows);

#undef SELF
#define SELF struct event_file_read
static const struct json_field file_read_rows[] = {
	JSON_ROW(UINT, cgroup_id),  JSON_ROW(TEXT, container_id), JSON_OBJECT(file, json_file_read),
	JSON_ROW(UINT, disk_bytes), JSON_ROW(UINT, read_bytes),
};
static JSON_SHAPE(file_read_shape, SELF, file_read_rows);

#undef SELF
#define SELF struct event_dns
static const struct json_field dns_rows[] = {
	JSON_ROW(UINT, cgroup_id), JSON_ROW(TEXT, container_id), JSON_ROW(TEXT, address),
	JSON_ROW(UINT, port),	   JSON_ROW(INT, code),		 JSON_ROW(UINT, began_ns),
	JSON_ROW(UINT, count),	   JSON_ROW(UINT, wait_ns),	 JSON_ROW(UINT, longest_ns),
	JSON_ROW(TEXT, query),
};
static JSON_SHAPE(dns_shape, SELF, dns_rows);

#undef SELF
#define SELF struct event_work
static const struct json_field work_rows[] = {
	JSON_ROW(TEXT, container_id), JSON_ROW(TEXT, pod_uid),	JSON_WORD(kind, json_work_kinds),
	JSON_ROW(TEXT, name),	      JSON_ROW(UINT, began_ns),
};
static JSON_SHAPE(work_shape, SELF, work_rows);

#undef SELF
#define SELF struct disk_load
static const struct json_field disk_rows[] = {
	JSON_ROW(TEXT, name),
	JSON_ROW(UINT, requests),
	JSON_ROW(UINT, busy_ns),
	JSON_ROW(UINT, queue_ns),
};
static JSON_SHAPE(disk_shape, SELF, disk_rows);

#undef SELF
#define SELF struct event_pressure
static const struct json_field pressure_rows[] = {
	JSON_ROW(TEXT, pod_uid),
	JSON_ROW(BOOL, counted),
	JSON_OBJECT(times, json_pressure_times),
	JSON_ROW(UINT, memory_total_bytes),
	JSON_ROW(UINT, memory_available_bytes),
	JSON_COUNTED(disks, disk_count, disk_shape),
};
static JSON_SHAPE(pressure_shape, SELF, pressure_rows);

const struct json_shape *const json_event_bodies[EVENT_TYPE_COUNT] = {
	[EVENT_CGROUP_NEW] = &cgroup_shape,
	[EVENT_CGROUP_GONE] = &cgroup_shape,
	[EVENT_EXEC] = &exec_shape,
	[EVENT_EXIT] = &exit_shape,
	[EVENT_LISTEN] = &listen_shape,
	[EVENT_OOM] = &oom_shape,
	[EVENT_STALL] = &stall_shape,
	[EVENT_FILE_READ] = &file_read_shape,
	[EVENT_CONNECT_SLOW] = &connect_failed_shape,
	[EVENT_DNS] = &dns_shape,
	[EVENT_WORK] = &work_shape,
	[EVENT_PRESSURE] = &pressure_shape,
	[EVENT_CONTAINER] = &container_shape,
	[EVENT_CONTAINER_GONE] = &container_gone_shape,
	[EVENT_TASK] = &task_shape,
	[EVENT_SNAPSHOT] = &snapshot_shape,
	[EVENT_INGEST] = &ingest_shape,
	[EVENT_LAYER] = &layer_shape,
	[EVENT_IMAGE] = &image_shape,
	[EVENT_POD] = &pod_shape,
	[EVENT_POD_CONTAINER] = &pod_container_shape,
	[EVENT_POD_GONE] = &pod_gone_shape,
	[EVENT_POD_TROUBLE] = &pod_trouble_shape,
	[EVENT_ADDRESS] = &address_shape,
	[EVENT_BOOT] = &boot_shape,
	[EVENT_UNIT] = &unit_shape,
	[EVENT_UNIT_AFTER] = &unit_after_shape,
	[EVENT_MILESTONE] = &milestone_shape,
	[EVENT_LAST_BOOT] = &last_boot_shape,
	[EVENT_CONNECT_FAILED] = &connect_failed_shape,
	[EVENT_CRI_CALL] = &cri_call_shape,
	[EVENT_MEMORY] = &json_event_memory,
	[EVENT_NEIGHBOUR] = &json_event_neighbour,
	[EVENT_POD_MEMORY] = &json_event_pod_memory,
	[EVENT_START_FAILED] = &json_event_start_failed,
	[EVENT_LOG_TAIL] = &json_event_log_tail,
	[EVENT_CORE] = &json_event_core,
	[EVENT_HOST] = &json_event_host,
	[EVENT_NODE] = &node_shape,
	[EVENT_SOURCE] = &source_shape,
};
