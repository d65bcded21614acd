/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a plain struct looks in JSON: one row per field, used for writing and for reading.
 *
 * Private to model/ (and its tests, which prove that the rows cover every byte of every struct).
 * A field that is added to an event or a record needs a row in json_event.c or json_record.c.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "model/record.h"

enum json_kind {
	JSON_KIND_BOOL,
	JSON_KIND_UINT,	   /* 2, 4 or 8 bytes; above INT64_MAX as text, "0x..." */
	JSON_KIND_INT,	   /* 4 or 8 bytes */
	JSON_KIND_ADDRESS, /* 8 bytes, always as text, "0x..." */
	JSON_KIND_TEXT,
	JSON_KIND_WORD,	  /* an enum by its word */
	JSON_KIND_FLAG,	  /* one bit of a 4 byte field, as a bool */
	JSON_KIND_OBJECT, /* a struct of its own shape, or an array of them */
	JSON_KIND_INLINE, /* a struct whose members stand among those around it */
	JSON_KIND_LENGTH, /* to - from of a struct span; written only */
};

struct json_words {
	const char *const *words;
	size_t count;
};

struct json_field {
	const char *name;
	enum json_kind kind;
	size_t offset, size; /* in the struct; of one element if it is an array */
	size_t array_max;    /* 0: not an array */
	size_t count_offset; /* of the uint32_t that counts the array's elements */
	bool counted;	     /* count_offset is valid; else the array ends at its last nonzero */
	uint32_t flag;	     /* JSON_KIND_FLAG */
	const struct json_words *words; /* JSON_KIND_WORD */
	const struct json_shape *shape; /* JSON_KIND_OBJECT, JSON_KIND_INLINE */
};

struct json_shape {
	const struct json_field *fields;
	size_t field_count;
	size_t size; /* of the struct */
};

/* Rows; the file defines SELF as the struct that the table is about. */
#define JSON_AT(member) .offset = offsetof(SELF, member), .size = sizeof(((SELF *)0)->member)
#define JSON_ROW(kind_, member, ...)                                                     \
	{                                                                                \
		.name = #member, .kind = JSON_KIND_##kind_, JSON_AT(member), __VA_ARGS__ \
	}
#define JSON_WORD(member, words_)   JSON_ROW(WORD, member, .words = &(words_))
#define JSON_OBJECT(member, shape_) JSON_ROW(OBJECT, member, .shape = &(shape_))
#define JSON_ARRAY(member, shape_)                                                           \
	{                                                                                    \
		.name = #member, .kind = JSON_KIND_OBJECT, .offset = offsetof(SELF, member), \
		.size = sizeof(((SELF *)0)->member[0]),                                      \
		.array_max = sizeof(((SELF *)0)->member) / sizeof(((SELF *)0)->member[0]),   \
		.shape = &(shape_)                                                           \
	}
#define JSON_COUNTED(member, counter, shape_)                                                \
	{                                                                                    \
		.name = #member, .kind = JSON_KIND_OBJECT, .offset = offsetof(SELF, member), \
		.size = sizeof(((SELF *)0)->member[0]),                                      \
		.array_max = sizeof(((SELF *)0)->member) / sizeof(((SELF *)0)->member[0]),   \
		.count_offset = offsetof(SELF, counter), .counted = true, .shape = &(shape_) \
	}
#define JSON_SHAPE(name_, type, rows) \
	const struct json_shape name_ = {rows, sizeof(rows) / sizeof(*(rows)), sizeof(type)}

/* What all events and records have, without their union. */
extern const struct json_shape json_event_head, json_record_head;
/* The union's members; NULL for types that do not exist. */
extern const struct json_shape *const json_event_bodies[EVENT_TYPE_COUNT];
extern const struct json_shape *const json_record_bodies[RECORD_TYPE_COUNT];

/* Bodies that stand in json_event_death.c. */
extern const struct json_shape json_event_memory, json_event_neighbour, json_event_pod_memory,
	json_event_start_failed, json_event_log_tail, json_event_core, json_event_host;

/* What events and records share. */
extern const struct json_shape json_span, json_stall_times, json_file_read, json_pressure_times,
	json_start_why, json_pull_anatomy, json_stop, json_failed_start, json_crash_loop,
	json_host_evidence, json_log_tail, json_memory_state, json_oom_neighbour, json_oom_pod,
	json_oom_series;

extern const struct json_words json_event_types, json_record_types, json_phases, json_start_states,
	json_exit_verdicts, json_limit_scopes, json_survivals, json_source_kinds, json_source_steps,
	json_roles, json_container_states, json_pod_container_states, json_task_steps,
	json_snapshot_steps, json_ingest_kinds, json_image_steps, json_milestones, json_boot_ends,
	json_boot_states, json_boot_phases, json_boot_step_kinds, json_cri_methods,
	json_stall_steps, json_stall_grades, json_peer_wait_kinds, json_work_kinds,
	json_advice_rules, json_probe_settings, json_layer_origins, json_stop_causes,
	json_start_failures, json_loop_patterns, json_host_facts, json_memory_steps;

/* A derived length: one that is absurd does not turn negative. */
json_t *json_length(uint64_t ns);

/* Adds the members of the struct at data. Returns 0 or -ENOMEM. */
int json_shape_write(const struct json_shape *shape, const void *data, json_t *object);

/* Fills the struct at data, which was zeroed. Returns 0 or -EBADMSG. */
int json_shape_read(const struct json_shape *shape, const json_t *object, void *data);

/* The value whose word this is, or -EBADMSG. */
int json_word_value(const struct json_words *words, const json_t *word);
