/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's boot and its last 24 hours in five lines, for the annotations on its Node. Pure: records in, lines
 * out; the caller says what time it is. Times are wall time in ns, since records of earlier boots count too.
 *
 *	boot:          ready 2m31s after power-on (usual 58s): pods 86s, k3s 21s, userspace 14s, firmware 6s, kernel 2s
 *	slowest-start: ai-stack/llama-cpp 94s at 06:14Z: pull 61s, app 24s (disk 22s), probe 6s
 *	oom-kills:     3 in 24h, last 06:20Z ai-stack/aidb python3 (child, container survived), container limit 512Mi
 *	crashes:       2 looping: ai-stack/ralph exit 1 14x, ai-stack/qdrant SIGSEGV 3x
 *	agent:         v0.1.0 watching since 06:12Z, nothing missed
 */
#pragma once

#include <stdint.h>

#include "model/boot_history.h"
#include "model/record.h"

/* kubectl describe cuts a longer annotation after 138 bytes (maxAnnotationLen 140, less its indent). */
#define SUMMARY_LINE_SIZE 139

enum summary_line {
	SUMMARY_BOOT,
	SUMMARY_SLOWEST_START,
	SUMMARY_OOM_KILLS,
	SUMMARY_CRASHES,
	SUMMARY_AGENT,
	SUMMARY_LINE_COUNT
};

/* "slowest-start": the annotation's name behind the prefix. */
const char *summary_line_name(enum summary_line line);

struct node_summary;

/* since_wall_ns: when this agent began. NULL for want of memory. */
struct node_summary *node_summary_new(const char *version, int64_t since_wall_ns);
void node_summary_free(struct node_summary *summary);

/* What boots before this one took. */
void node_summary_earlier(struct node_summary *summary, const struct boot_history *earlier);

/* In any order; the same record again, or its later form, counts once. A boot's is this boot's. */
void node_summary_record(struct node_summary *summary, const struct record *record);

/* The wall clock was set: the boot clock's 0 is then. Before that it is what the boot's record says. */
void node_summary_clock(struct node_summary *summary, int64_t wall_offset_ns);

/* Empty: there is nothing to tell, not even that there was nothing (no boot record so far). */
void node_summary_line(const struct node_summary *summary, enum summary_line line,
		       int64_t now_wall_ns, char ret[static SUMMARY_LINE_SIZE]);

/* When a line may change though nothing happens, after now; INT64_MAX: never. */
int64_t node_summary_next_wall_ns(const struct node_summary *summary, int64_t now_wall_ns);
