/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and records as JSON, both ways, from one table of fields per struct.
 *
 * Field names are stable: programs, the store and replay files depend on them. Members that are 0,
 * false or empty are left out on writing and 0 on reading; unknown members are ignored, a
 * member of the wrong kind or an enum text that is not known is -EBADMSG.
 * Texts that are not UTF-8 are written with each bad byte as U+FFFD.
 */
#pragma once

#include <jansson.h>

#include "model/event.h"
#include "model/record.h"

/* The words used in JSON and for people ("sandbox", "oom-killed"); "?" for values out of range. */
const char *event_type_name(enum event_type type);
const char *record_type_name(enum record_type type);
const char *phase_name(enum phase phase);
const char *stall_name(enum stall stall);
const char *work_kind_name(enum work_kind kind);
const char *start_state_name(enum start_state state);
const char *exit_verdict_name(enum exit_verdict verdict);
const char *limit_scope_name(enum limit_scope scope);
const char *stop_cause_name(enum stop_cause cause);
const char *start_failure_name(enum start_failure failure);
const char *host_fact_name(enum host_fact fact);
const char *milestone_name(enum milestone milestone);
const char *boot_end_name(enum boot_end end);
const char *boot_state_name(enum boot_state state);
const char *boot_phase_name(enum boot_phase phase);
const char *source_kind_name(enum source_kind source);

/* New references, NULL for want of memory. A record also gets "time" (RFC 3339) and "duration_ns". */
json_t *event_to_json(const struct event *event);
json_t *record_to_json(const struct record *record);

/* Return 0, or -EBADMSG with *ret untouched. */
int event_from_json(const json_t *json, struct event *ret);
int record_from_json(const json_t *json, struct record *ret);
