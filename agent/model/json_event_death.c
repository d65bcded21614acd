// SPDX-License-Identifier: Apache-2.0
/* The rows of the events that explain deaths and OOM kills. */
#include "model/json_shape.h"

#define SELF struct event_memory
static const struct json_field memory_rows[] = {
	JSON_WORD(step, json_memory_steps),
	JSON_ROW(UINT, victim_pid),
	JSON_ROW(UINT, victim_start_ns),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, pod_uid),
	JSON_ROW(TEXT, path),
	JSON_ROW(UINT, processes),
	JSON_ROW(UINT, worker),
	JSON_ROW(UINT, workers),
	JSON_OBJECT(state, json_memory_state),
};
JSON_SHAPE(json_event_memory, SELF, memory_rows);

#undef SELF
#define SELF struct event_neighbour
static const struct json_field neighbour_rows[] = {
	JSON_ROW(UINT, victim_pid),	      JSON_ROW(UINT, victim_start_ns),
	JSON_ROW(TEXT, container_id),	      JSON_ROW(UINT, total),
	JSON_OBJECT(who, json_oom_neighbour),
};
JSON_SHAPE(json_event_neighbour, SELF, neighbour_rows);

#undef SELF
#define SELF struct event_pod_memory
static const struct json_field pod_memory_rows[] = {
	JSON_ROW(UINT, victim_pid),
	JSON_ROW(UINT, victim_start_ns),
	JSON_ROW(TEXT, pod_uid),
	JSON_ROW(UINT, usage_bytes),
};
JSON_SHAPE(json_event_pod_memory, SELF, pod_memory_rows);

#undef SELF
#define SELF struct event_start_failed
static const struct json_field start_failed_rows[] = {
	JSON_ROW(TEXT, container_id),
	JSON_OBJECT(failed, json_failed_start),
};
JSON_SHAPE(json_event_start_failed, SELF, start_failed_rows);

#undef SELF
#define SELF struct event_log_tail
static const struct json_field tail_rows[] = {
	JSON_ROW(TEXT, container_id),
	JSON_OBJECT(tail, json_log_tail),
};
JSON_SHAPE(json_event_log_tail, SELF, tail_rows);

#undef SELF
#define SELF struct event_core
static const struct json_field core_rows[] = {
	JSON_ROW(UINT, pid),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, path),
};
JSON_SHAPE(json_event_core, SELF, core_rows);

#undef SELF
#define SELF struct event_host
static const struct json_field host_rows[] = {
	JSON_WORD(fact, json_host_facts),
	JSON_ROW(TEXT, resource),
	JSON_ROW(TEXT, detail),
	JSON_ROW(TEXT, told_by),
	JSON_ROW(UINT, count),
	JSON_ROW(TEXT, container_id),
	JSON_ROW(TEXT, mount),
};
JSON_SHAPE(json_event_host, SELF, host_rows);
