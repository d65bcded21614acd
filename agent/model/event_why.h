/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed of a container while it starts, to say why that took its time: a part of event.h. */
#pragma once

#include "model/names.h"
#include "model/why.h"

enum stall_step {
	STALL_STEP_NONE,
	STALL_SO_FAR,	 /* it goes on */
	STALL_AT_LISTEN, /* at the moment it listened, of the thread that did */
	STALL_AT_END,	 /* its first process ended */
	STALL_STEP_COUNT
};

/*
 * What the threads of a starting container have done since its entrypoint was executed. All counts grow.
 * `path` sums to boot_ns - the entrypoint's exec.
 */
struct event_stall {
	uint64_t cgroup_id;
	char container_id[ID_SIZE];
	enum stall_step step;
	enum stall_grade grade;
	char reason[REASON_SIZE];   /* why it is not STALLS_MEASURED */
	struct stall_times path;    /* of the thread that listened, else the first process's */
	struct stall_times threads; /* of all together */
	uint32_t thread_count;	    /* that were seen */
};

/* All counts grow. A file is told apart by its path and the time of its first request. */
struct event_file_read {
	uint64_t cgroup_id;
	char container_id[ID_SIZE];
	struct file_read file; /* bytes 0: none; only the sums are told */
	uint64_t disk_bytes;   /* of all its files together */
	uint64_t read_bytes;   /* asked for, cached or not; 0 not known */
};

/* One question, or several like it. A name that does not exist (code 3) is an answer like others. */
struct event_dns {
	uint64_t cgroup_id;
	char container_id[ID_SIZE];
	char address[ADDRESS_SIZE]; /* the server's */
	uint16_t port;
	int32_t code;	   /* response code; -1: no answer came */
	uint64_t began_ns; /* of the last; its answer, or giving up, is boot_ns */
	uint32_t
		count; /* like ones since the last that was told, this one included; 0: it goes on */
	uint64_t wait_ns, longest_ns; /* as in event_connect_failed */
	char query[NAME_SIZE];	      /* what the longest one asked for; "" unless --record-names */
};

/* Whose an address is that a start waited for. */
struct event_address {
	char address[ADDRESS_SIZE];
	char name[POD_PATH_SIZE]; /* "namespace/service" */
};

struct event_work {
	char container_id[ID_SIZE];
	char pod_uid[POD_UID_SIZE]; /* where there is no container yet */
	enum work_kind kind;
	char name[NAME_SIZE];
	uint64_t began_ns; /* it was over at boot_ns */
};

/* What a whole disk has done since the boot. */
struct disk_load {
	char name[DISK_SIZE];
	uint64_t requests;
	uint64_t busy_ns;  /* that there was something to do */
	uint64_t queue_ns; /* of its requests together */
};

#define PRESSURE_DISKS_MAX 8

/* Counts grow since the boot (since it was made, of a pod's cgroup); available memory is of this moment. */
struct event_pressure {
	char pod_uid[POD_UID_SIZE]; /* "": the node's */
	bool counted;		    /* the kernel has PSI: times are known */
	struct pressure_times times;
	uint64_t memory_total_bytes, memory_available_bytes; /* of the node; 0 not known */
	uint32_t disk_count;				     /* the busiest ones, of the node */
	struct disk_load disks[PRESSURE_DISKS_MAX];
};

/* As the pod's spec has it, with the API's defaults. */
struct probe_settings {
	uint32_t period_s; /* 0: there is no such probe */
	uint32_t initial_s;
	uint32_t successes, failures; /* thresholds */
};
