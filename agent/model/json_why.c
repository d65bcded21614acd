// SPDX-License-Identifier: Apache-2.0
/* The rows of why a start took its time, and of the spans and counts that events share with it. */
#include "model/json_shape.h"

#define SELF struct span
static const struct json_field span_rows[] = {
	JSON_ROW(UINT, from_ns),
	JSON_ROW(UINT, to_ns),
	{.name = "duration_ns", .kind = JSON_KIND_LENGTH, .size = sizeof(struct span)},
};
JSON_SHAPE(json_span, SELF, span_rows);

#undef SELF
#define SELF struct stall_times
#define STALL_ROW(word, stall)                                             \
	{                                                                  \
		.name = word "_ns", .kind = JSON_KIND_UINT,                \
		.offset = offsetof(SELF, ns) + (stall) * sizeof(uint64_t), \
		.size = sizeof(uint64_t),                                  \
	}
static const struct json_field stall_times_rows[] = {
	STALL_ROW("cpu", STALL_CPU),
	STALL_ROW("run_queue", STALL_RUN_QUEUE),
	STALL_ROW("throttled", STALL_THROTTLED),
	STALL_ROW("disk", STALL_DISK),
	STALL_ROW("network", STALL_NETWORK),
	STALL_ROW("lock", STALL_LOCK),
	STALL_ROW("sleep", STALL_SLEEP),
	STALL_ROW("other", STALL_OTHER),
};
_Static_assert(sizeof(stall_times_rows) / sizeof(*stall_times_rows) == STALL_COUNT, "stalls");
JSON_SHAPE(json_stall_times, SELF, stall_times_rows);

#undef SELF
#define SELF struct phase_stalls
static const struct json_field phase_stalls_rows[] = {
	JSON_WORD(phase, json_phases),
	JSON_WORD(grade, json_stall_grades),
	JSON_ROW(TEXT, reason),
	JSON_OBJECT(wall, json_stall_times),
	JSON_OBJECT(threads, json_stall_times),
	JSON_ROW(UINT, thread_count),
};
static JSON_SHAPE(phase_stalls_shape, SELF, phase_stalls_rows);

#undef SELF
#define SELF struct file_read
static const struct json_field file_rows[] = {
	JSON_ROW(TEXT, path),	    JSON_ROW(BOOL, outside),	JSON_ROW(TEXT, device),
	JSON_ROW(UINT, bytes),	    JSON_ROW(UINT, size_bytes), JSON_ROW(UINT, requests),
	JSON_ROW(UINT, latency_ns), JSON_ROW(UINT, busy_ns),	JSON_OBJECT(span, json_span),
};
JSON_SHAPE(json_file_read, SELF, file_rows);

#undef SELF
#define SELF struct peer_wait
static const struct json_field peer_rows[] = {
	JSON_WORD(kind, json_peer_wait_kinds),
	JSON_ROW(TEXT, address),
	JSON_ROW(UINT, port),
	JSON_ROW(INT, error),
	JSON_ROW(UINT, count),
	JSON_ROW(UINT, failed),
	JSON_OBJECT(span, json_span),
	JSON_ROW(UINT, wait_ns),
	JSON_ROW(UINT, probe_ns),
	JSON_ROW(UINT, longest_ns),
	JSON_ROW(TEXT, name),
	JSON_ROW(TEXT, query),
};
static JSON_SHAPE(peer_shape, SELF, peer_rows);

#undef SELF
#define SELF struct work_step
static const struct json_field work_rows[] = {
	JSON_WORD(kind, json_work_kinds),
	JSON_WORD(phase, json_phases),
	JSON_ROW(TEXT, name),
	JSON_ROW(INLINE, span, .shape = &json_span),
	JSON_ROW(UINT, count),
	JSON_ROW(BOOL, nested),
	JSON_ROW(BOOL, at_most),
};
static JSON_SHAPE(work_shape, SELF, work_rows);

#undef SELF
#define SELF struct pressure_times
static const struct json_field pressure_times_rows[] = {
	JSON_ROW(UINT, cpu_some_ns),	JSON_ROW(UINT, io_some_ns),	JSON_ROW(UINT, io_full_ns),
	JSON_ROW(UINT, memory_some_ns), JSON_ROW(UINT, memory_full_ns),
};
JSON_SHAPE(json_pressure_times, SELF, pressure_times_rows);

#undef SELF
#define SELF struct start_pressure
static const struct json_field pressure_rows[] = {
	JSON_ROW(BOOL, measured),
	JSON_ROW(BOOL, pod_measured),
	JSON_OBJECT(span, json_span),
	JSON_OBJECT(node, json_pressure_times),
	JSON_OBJECT(pod, json_pressure_times),
	JSON_ROW(UINT, memory_total_bytes),
	JSON_ROW(UINT, memory_available_bytes),
	JSON_ROW(TEXT, disk),
	JSON_ROW(UINT, disk_busy_percent),
	JSON_ROW(UINT, disk_queue_tenths),
	JSON_ROW(UINT, disk_latency_ns),
};
static JSON_SHAPE(pressure_shape, SELF, pressure_rows);

#undef SELF
#define SELF struct start_why
static const struct json_field why_rows[] = {
	JSON_COUNTED(stalls, stall_count, phase_stalls_shape),
	JSON_ROW(BOOL, reads_measured),
	JSON_ROW(UINT, disk_bytes),
	JSON_ROW(UINT, read_bytes),
	JSON_COUNTED(files, file_count, json_file_read),
	JSON_COUNTED(peers, peer_count, peer_shape),
	JSON_COUNTED(work, work_count, work_shape),
	JSON_ROW(UINT, competing),
	JSON_OBJECT(pressure, pressure_shape),
	JSON_ROW(UINT, probe_delay_ns),
	JSON_ROW(UINT, probe_initial_s),
	JSON_WORD(probe_setting, json_probe_settings),
	JSON_ROW(BOOL, probe_is_startup),
	JSON_ROW(UINT, probe_setting_value),
	JSON_ROW(UINT, probe_setting_ns),
	JSON_WORD(advice_rule, json_advice_rules),
	JSON_ROW(TEXT, advice),
};
JSON_SHAPE(json_start_why, SELF, why_rows);
