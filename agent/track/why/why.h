/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why starts take their time: what sources tell of a container while it starts, until its start is told.
 *
 * tracker.c hands the events on, start.c asks when it builds a start. Each topic has a file of its own (why_*.c),
 * which knows its part of struct why_facts only. The facts of a container come with its first event of this kind;
 * the oldest give way when there are too many. What the runtime did (why_work.c) is kept with the container.
 */
#pragma once

#include <uthash.h>

#include "model/event.h"
#include "model/record.h"
#include "track/container.h"
#include "track/why/peer_series.h"
#include "track/pod.h"
#include "track/why/why_pressure.h"

#define WHYS_MAX      256
#define STALL_SAMPLES 4
#define WHY_FILES_MAX 8
#define WHY_PEERS_MAX 8

/* What its threads had done at one moment. */
struct stall_sample {
	uint64_t boot_ns;
	enum stall_grade grade;
	uint32_t thread_count;
	struct stall_times path, threads;
};

/* Whom it waited for, as it grows. */
struct peer_facts {
	struct peer_wait wait;	   /* failed: of the series that are over */
	struct peer_series series; /* failed: of the last one … */
	uint64_t reached_ns;	   /* … until then it was connected to; 0: not so far */
	uint64_t busy_ns;	   /* slow, DNS: since when there always was one under way */
	uint64_t app_ns;	   /* of the wait: what came before the first listen */
	uint32_t pending;	   /* questions that had no answer … */
	uint64_t pending_ns;	   /* … at this moment */
};

/* Of one container. */
struct why_facts {
	char container_id[ID_SIZE];
	uint64_t touched_ns;

	/* why_stalls.c */
	struct stall_sample listened, ended;
	struct stall_sample so_far[STALL_SAMPLES]; /* oldest first */
	uint32_t sample_count;
	char stall_reason[REASON_SIZE]; /* of the grade */

	/* why_files.c */
	struct file_read *files; /* WHY_FILES_MAX of them, with the first: many starts have none */
	uint32_t file_count;
	uint64_t disk_bytes, read_bytes;
	bool reads_measured;

	/* why_peers.c */
	struct peer_facts *peers; /* WHY_PEERS_MAX, with the first */
	uint32_t peer_count;
	uint64_t listen_ns; /* the first */

	UT_hash_handle hh;
};

/* Whose an address is, where that was found out. */
struct address_name {
	char address[ADDRESS_SIZE];
	char name[POD_PATH_SIZE];
};

#define ADDRESS_NAMES_MAX 64

struct address_names {
	struct address_name all[ADDRESS_NAMES_MAX]; /* the oldest gives way */
	uint32_t next;
};

struct whys {
	struct why_facts *by_id; /* in the order of their beginning */
	struct pressures pressures;
	uint64_t evicted;
	uint64_t peers_lost;
	struct address_names names;
};

void whys_event(struct whys *whys, const struct event *event, uint64_t now_ns);
void whys_clear(struct whys *whys);

/* Adds what is known to a start whose phases are complete. */
void whys_fill(const struct whys *whys, const struct pods *pods, const struct container *container,
	       struct record_start *start);
