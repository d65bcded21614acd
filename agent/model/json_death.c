// SPDX-License-Identifier: Apache-2.0
/* The rows of what explains deaths and OOM kills, in records and in events. */
#include "model/json_shape.h"

#define SELF struct stop
static const struct json_field stop_rows[] = {
	JSON_WORD(cause, json_stop_causes),
	JSON_ROW(TEXT, told),
	JSON_ROW(UINT, term_ns),
	JSON_ROW(UINT, kill_ns),
	JSON_ROW(UINT, grace_s),
	JSON_ROW(BOOL, overran),
	JSON_ROW(UINT, hook_ns),
};
JSON_SHAPE(json_stop, SELF, stop_rows);

#undef SELF
#define SELF struct failed_start
static const struct json_field failed_start_rows[] = {
	JSON_WORD(kind, json_start_failures),
	JSON_ROW(TEXT, what),
	JSON_ROW(TEXT, text),
};
JSON_SHAPE(json_failed_start, SELF, failed_start_rows);

#undef SELF
#define SELF struct crash_loop
static const struct json_field crash_loop_rows[] = {
	JSON_WORD(pattern, json_loop_patterns),
	JSON_ROW(UINT, count),
	JSON_ROW(UINT, shortest_ns),
	JSON_ROW(UINT, longest_ns),
	JSON_ROW(UINT, first_ns),
	JSON_ROW(TEXT, first),
	JSON_ROW(UINT, retry_ns),
};
JSON_SHAPE(json_crash_loop, SELF, crash_loop_rows);

#undef SELF
#define SELF struct host_evidence
static const struct json_field host_evidence_rows[] = {
	JSON_WORD(fact, json_host_facts),
	JSON_ROW(UINT, boot_ns),
	JSON_ROW(TEXT, resource),
	JSON_ROW(TEXT, detail),
};
JSON_SHAPE(json_host_evidence, SELF, host_evidence_rows);

#undef SELF
#define SELF struct log_tail
static const struct json_field log_tail_rows[] = {
	JSON_ROW(UINT, lines),
	JSON_ROW(TEXT, text),
};
JSON_SHAPE(json_log_tail, SELF, log_tail_rows);

#undef SELF
#define SELF struct memory_state
static const struct json_field memory_state_rows[] = {
	JSON_ROW(UINT, usage_bytes),  JSON_ROW(UINT, limit_bytes), JSON_ROW(UINT, peak_bytes),
	JSON_ROW(UINT, anon_bytes),   JSON_ROW(UINT, file_bytes),  JSON_ROW(UINT, shmem_bytes),
	JSON_ROW(UINT, kernel_bytes), JSON_ROW(UINT, swap_bytes),  JSON_ROW(UINT, swap_limit_bytes),
	JSON_ROW(UINT, limit_hits),   JSON_ROW(UINT, kills),	   JSON_ROW(UINT, stalled10),
	JSON_ROW(UINT, stalled60),    JSON_ROW(UINT, stalled300),
};
JSON_SHAPE(json_memory_state, SELF, memory_state_rows);

#undef SELF
#define SELF struct oom_neighbour
static const struct json_field oom_neighbour_rows[] = {
	JSON_ROW(UINT, pid),	      JSON_ROW(UINT, start_ns), JSON_ROW(TEXT, comm),
	JSON_ROW(TEXT, container),    JSON_ROW(UINT, rss_kb),	JSON_ROW(UINT, swap_kb),
	JSON_ROW(INT, oom_score_adj), JSON_ROW(INT, points_kb),
};
JSON_SHAPE(json_oom_neighbour, SELF, oom_neighbour_rows);

#undef SELF
#define SELF struct oom_pod
static const struct json_field oom_pod_rows[] = {
	JSON_ROW(TEXT, pod),
	JSON_ROW(UINT, usage_bytes),
	JSON_ROW(UINT, request_bytes),
	JSON_ROW(BOOL, request_known),
};
JSON_SHAPE(json_oom_pod, SELF, oom_pod_rows);

#undef SELF
#define SELF struct oom_series
static const struct json_field oom_series_rows[] = {
	JSON_ROW(UINT, count),	     JSON_ROW(UINT, first_ns),
	JSON_ROW(UINT, interval_ns), JSON_ROW(UINT, growth_bytes_per_min),
	JSON_ROW(BOOL, leak),
};
JSON_SHAPE(json_oom_series, SELF, oom_series_rows);
