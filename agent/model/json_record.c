// SPDX-License-Identifier: Apache-2.0
/* The rows of every record: what its fields are called in JSON. */
#include "model/json_shape.h"

#define SELF struct subject
static const struct json_field subject_rows[] = {
	JSON_ROW(TEXT, pod_namespace), JSON_ROW(TEXT, pod),	JSON_ROW(TEXT, container),
	JSON_ROW(UINT, attempt),       JSON_ROW(TEXT, image),	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, sandbox_id),    JSON_ROW(TEXT, pod_uid),
};
static JSON_SHAPE(subject_shape, SELF, subject_rows);

#undef SELF
#define SELF struct phase_span
static const struct json_field phase_rows[] = {
	JSON_WORD(phase, json_phases),
	JSON_ROW(INLINE, span, .shape = &json_span),
	JSON_ROW(BOOL, reconstructed),
};
static JSON_SHAPE(phase_shape, SELF, phase_rows);

#undef SELF
#define SELF struct plugin_span
static const struct json_field plugin_rows[] = {
	JSON_ROW(TEXT, name),
	JSON_ROW(INLINE, span, .shape = &json_span),
	JSON_ROW(INT, code),
	JSON_ROW(BOOL, nested),
};
static JSON_SHAPE(plugin_shape, SELF, plugin_rows);

#undef SELF
#define SELF struct record_start
static const struct json_field start_rows[] = {
	JSON_WORD(state, json_start_states),
	JSON_OBJECT(span, json_span),
	JSON_COUNTED(phases, phase_count, phase_shape),
	JSON_OBJECT(network, json_span),
	JSON_COUNTED(plugins, plugin_count, plugin_shape),
	JSON_OBJECT(download, json_span),
	JSON_OBJECT(unpack, json_span),
	JSON_ROW(UINT, pull_bytes),
	JSON_ROW(BOOL, init_container),
	JSON_ROW(UINT, listen_ns),
	JSON_ROW(UINT, listen_port),
	JSON_ROW(TEXT, listen_address),
	JSON_ROW(TEXT, file),
	JSON_ROW(UINT, pid),
	JSON_ROW(UINT, ready_ns),
	JSON_ROW(UINT, probe_period_s),
	JSON_OBJECT(pull, json_pull_anatomy),
	JSON_OBJECT(why, json_start_why),
};
static JSON_SHAPE(start_shape, SELF, start_rows);

#undef SELF
#define SELF struct record_exit
static const struct json_field exit_rows[] = {
	JSON_WORD(verdict, json_exit_verdicts),
	JSON_ROW(INT, code),
	JSON_ROW(INT, signal),
	JSON_ROW(BOOL, core_dumped),
	JSON_ROW(BOOL, reconstructed),
	JSON_ROW(UINT, started_ns),
	JSON_ROW(UINT, finished_ns),
	JSON_ROW(UINT, kernel_ns),
	JSON_ROW(UINT, pid),
	JSON_ROW(TEXT, comm),
	JSON_ROW(UINT, sender_pid),
	JSON_ROW(TEXT, sender_comm),
	JSON_ROW(INT, sender_signal),
	JSON_ROW(BOOL, sender_inside),
	JSON_ROW(ADDRESS, fault_address),
	JSON_ROW(INT, fault_code),
	JSON_ROW(TEXT, core),
	JSON_ROW(TEXT, file),
	JSON_ROW(UINT, listen_ns),
	JSON_ROW(UINT, listen_port),
	JSON_OBJECT(stop, json_stop),
	JSON_OBJECT(failed, json_failed_start),
	JSON_OBJECT(loop, json_crash_loop),
	JSON_ROW(UINT, child_deaths),
	JSON_COUNTED(host, host_count, json_host_evidence),
	JSON_OBJECT(log, json_log_tail),
	JSON_ROW(UINT, deaths),
	JSON_ROW(BOOL, looping),
	JSON_ROW(TEXT, reason),
	JSON_ROW(TEXT, message),
	JSON_ROW(BOOL, cri_wrong),
	JSON_ROW(TEXT, kubernetes_reason),
	JSON_ROW(INT, kubernetes_code),
	JSON_ROW(BOOL, kubernetes_wrong),
};
static JSON_SHAPE(exit_shape, SELF, exit_rows);

#undef SELF
#define SELF struct oom_victim
static const struct json_field victim_rows[] = {
	JSON_ROW(UINT, pid),	     JSON_ROW(BOOL, init),	   JSON_ROW(TEXT, comm),
	JSON_ROW(UINT, start_ns),    JSON_ROW(TEXT, parent_comm),  JSON_ROW(UINT, worker),
	JSON_ROW(UINT, workers),     JSON_ROW(UINT, anon_kb),	   JSON_ROW(UINT, file_kb),
	JSON_ROW(UINT, shmem_kb),    JSON_ROW(UINT, swap_kb),	   JSON_ROW(UINT, pagetable_kb),
	JSON_ROW(UINT, total_vm_kb), JSON_ROW(INT, oom_score_adj), JSON_ROW(UINT, uid),
};
static JSON_SHAPE(victim_shape, SELF, victim_rows);

#undef SELF
#define SELF struct record_oom
static const struct json_field oom_rows[] = {
	JSON_WORD(scope, json_limit_scopes),
	JSON_WORD(container_survived, json_survivals),
	JSON_ROW(UINT, victim_total),
	JSON_COUNTED(victims, victim_count, victim_shape),
	JSON_ROW(UINT, limit_bytes),
	JSON_ROW(UINT, usage_bytes),
	JSON_ROW(TEXT, limit_path),
	JSON_ROW(TEXT, cgroup_path),
	JSON_ROW(UINT, invoker_pid),
	JSON_ROW(TEXT, invoker_comm),
	JSON_ROW(BOOL, invoker_inside),
	JSON_ROW(BOOL, confirmed),
	JSON_ROW(BOOL, group_kill),
	JSON_ROW(TEXT, killer),
	JSON_ROW(UINT, killer_pid),
	JSON_ROW(UINT, near_ns),
	JSON_OBJECT(memory, json_memory_state),
	JSON_ROW(UINT, process_total),
	JSON_COUNTED(neighbours, neighbour_count, json_oom_neighbour),
	JSON_ROW(UINT, pod_total),
	JSON_COUNTED(pods, pod_count, json_oom_pod),
	JSON_OBJECT(series, json_oom_series),
};
static JSON_SHAPE(oom_shape, SELF, oom_rows);

#undef SELF
#define SELF struct record_pull
static const struct json_field pull_rows[] = {
	JSON_ROW(TEXT, image),		JSON_ROW(TEXT, digest),
	JSON_ROW(BOOL, failed),		JSON_ROW(BOOL, reconstructed),
	JSON_OBJECT(span, json_span),	JSON_OBJECT(download, json_span),
	JSON_OBJECT(unpack, json_span), JSON_ROW(UINT, bytes),
	JSON_ROW(UINT, total_bytes),	JSON_ROW(UINT, bytes_per_s),
	JSON_ROW(UINT, left_ns),	JSON_ROW(UINT, layers),
	JSON_ROW(UINT, layers_present), JSON_OBJECT(anatomy, json_pull_anatomy),
};
static JSON_SHAPE(pull_shape, SELF, pull_rows);

#undef SELF
#define SELF struct record_gap
static const struct json_field gap_rows[] = {
	JSON_ROW(TEXT, source),
	JSON_ROW(TEXT, cause),
	JSON_OBJECT(span, json_span),
	JSON_ROW(UINT, count),
};
static JSON_SHAPE(gap_shape, SELF, gap_rows);

#undef SELF
#define SELF struct record_wait
static const struct json_field wait_rows[] = {
	JSON_ROW(TEXT, reason),	      JSON_ROW(TEXT, message),	     JSON_ROW(TEXT, component),
	JSON_OBJECT(span, json_span), JSON_ROW(UINT, next_retry_ns), JSON_ROW(UINT, count),
	JSON_ROW(BOOL, over),
};
static JSON_SHAPE(wait_shape, SELF, wait_rows);

#undef SELF
#define SELF struct boot_phase_span
static const struct json_field boot_phase_rows[] = {
	JSON_WORD(phase, json_boot_phases),
	JSON_ROW(INLINE, span, .shape = &json_span),
	JSON_ROW(TEXT, unit),
	JSON_ROW(BOOL, reconstructed),
};
static JSON_SHAPE(boot_phase_shape, SELF, boot_phase_rows);

#undef SELF
#define SELF struct boot_step
static const struct json_field boot_step_rows[] = {
	JSON_WORD(kind, json_boot_step_kinds),
	JSON_ROW(INLINE, span, .shape = &json_span),
	JSON_ROW(TEXT, name),
	JSON_ROW(TEXT, pod),
	JSON_WORD(phase, json_phases),
	JSON_ROW(TEXT, detail),
	JSON_ROW(BOOL, reconstructed),
};
static JSON_SHAPE(boot_step_shape, SELF, boot_step_rows);

#undef SELF
#define SELF struct boot_missing
static const struct json_field boot_missing_rows[] = {
	JSON_ROW(TEXT, pod),
	JSON_ROW(TEXT, container),
	JSON_ROW(TEXT, reason),
	JSON_ROW(TEXT, detail),
};
static JSON_SHAPE(boot_missing_shape, SELF, boot_missing_rows);

#undef SELF
#define SELF struct record_boot
static const struct json_field boot_rows[] = {
	JSON_WORD(state, json_boot_states),
	JSON_OBJECT(span, json_span),
	JSON_ROW(UINT, firmware_ns),
	JSON_ROW(UINT, loader_ns),
	JSON_ROW(UINT, finish_ns),
	JSON_ROW(BOOL, measured),
	JSON_ROW(BOOL, early),
	JSON_WORD(last_end, json_boot_ends),
	JSON_ROW(TEXT, last_boot_id),
	JSON_ROW(INT, last_wall_ns),
	JSON_ROW(UINT, down_ns),
	JSON_ROW(TEXT, last_evidence),
	JSON_COUNTED(phases, phase_count, boot_phase_shape),
	JSON_COUNTED(steps, step_count, boot_step_shape),
	JSON_ROW(UINT, steps_left_out),
	JSON_ROW(UINT, pods_expected),
	JSON_ROW(UINT, pods_ready),
	JSON_ROW(UINT, missing_total),
	JSON_COUNTED(missing, missing_count, boot_missing_shape),
};
static JSON_SHAPE(boot_shape, SELF, boot_rows);

#undef SELF
#define SELF struct record_unit
static const struct json_field unit_rows[] = {
	JSON_ROW(TEXT, name),
	JSON_OBJECT(span, json_span),
	JSON_ROW(TEXT, after),
	JSON_ROW(TEXT, result),
};
static JSON_SHAPE(unit_shape, SELF, unit_rows);

#undef SELF
#define SELF struct record_child
static const struct json_field child_rows[] = {
	JSON_WORD(verdict, json_exit_verdicts),
	JSON_ROW(TEXT, comm),
	JSON_ROW(TEXT, file),
	JSON_ROW(UINT, pid),
	JSON_ROW(TEXT, parent_comm),
	JSON_ROW(INT, code),
	JSON_ROW(INT, signal),
	JSON_ROW(BOOL, core_dumped),
	JSON_ROW(ADDRESS, fault_address),
	JSON_ROW(INT, fault_code),
	JSON_ROW(UINT, sender_pid),
	JSON_ROW(TEXT, sender_comm),
	JSON_ROW(BOOL, sender_inside),
	JSON_ROW(UINT, age_ns),
	JSON_ROW(UINT, count),
	JSON_ROW(UINT, same),
	JSON_ROW(UINT, first_ns),
	JSON_ROW(UINT, last_ns),
	JSON_ROW(UINT, interval_ns),
	JSON_ROW(BOOL, looping),
	JSON_WORD(container_survived, json_survivals),
};
static JSON_SHAPE(child_shape, SELF, child_rows);

#undef SELF
#define SELF struct record_host
static const struct json_field host_rows[] = {
	JSON_WORD(fact, json_host_facts), JSON_ROW(TEXT, resource), JSON_ROW(TEXT, detail),
	JSON_ROW(TEXT, told_by),	  JSON_ROW(UINT, count),    JSON_ROW(UINT, first_ns),
	JSON_ROW(UINT, last_ns),
};
static JSON_SHAPE(host_shape, SELF, host_rows);

#undef SELF
#define SELF struct record
static const struct json_field head_rows[] = {
	JSON_WORD(type, json_record_types),
	JSON_ROW(TEXT, key),
	JSON_ROW(BOOL, final),
	JSON_ROW(UINT, boot_ns),
	JSON_ROW(INT, wall_offset_ns),
	JSON_OBJECT(subject, subject_shape),
};
JSON_SHAPE(json_record_head, SELF, head_rows);

const struct json_shape *const json_record_bodies[RECORD_TYPE_COUNT] = {
	[RECORD_START] = &start_shape, [RECORD_OOM] = &oom_shape,   [RECORD_EXIT] = &exit_shape,
	[RECORD_PULL] = &pull_shape,   [RECORD_BOOT] = &boot_shape, [RECORD_GAP] = &gap_shape,
	[RECORD_WAIT] = &wait_shape,   [RECORD_UNIT] = &unit_shape, [RECORD_CHILD] = &child_shape,
	[RECORD_HOST] = &host_shape,
};
