/* SPDX-License-Identifier: Apache-2.0 */
/* What explains deaths and OOM kills: a part of event.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/death.h"
#include "model/memory.h"
#include "model/names.h"

enum memory_step {
	MEMORY_NONE,
	MEMORY_NEAR,	/* usage has come near the limit (90 %) */
	MEMORY_EASED,	/* and is away from it again (85 %) */
	MEMORY_AT_KILL, /* read after an OOM kill: of is the victim */
	MEMORY_STEP_COUNT
};

/* A cgroup's memory. */
struct event_memory {
	enum memory_step step;
	uint32_t victim_pid; /* MEMORY_AT_KILL */
	uint64_t victim_start_ns;
	char container_id[ID_SIZE]; /* "" for a pod's cgroup, or another */
	char pod_uid[POD_UID_SIZE];
	char path[CGROUP_PATH_SIZE]; /* "" the node itself */
	uint32_t processes;	     /* MEMORY_AT_KILL: in it; 0 not known */
	uint32_t worker, workers;    /* as in oom_victim */
	struct memory_state state;
};

/* A process beside a victim; read some ms later. */
struct event_neighbour {
	uint32_t victim_pid;
	uint64_t victim_start_ns;
	char container_id[ID_SIZE];
	uint32_t total; /* processes there */
	struct oom_neighbour who;
};

/* A pod's memory when the node ran out. */
struct event_pod_memory {
	uint32_t victim_pid;
	uint64_t victim_start_ns;
	char pod_uid[POD_UID_SIZE];
	uint64_t usage_bytes;
};

/* execve failed in a container before it had executed anything, or the loader complained. */
struct event_start_failed {
	char container_id[ID_SIZE];
	struct failed_start failed;
};

struct event_log_tail {
	char container_id[ID_SIZE];
	struct log_tail tail;
};

/* Where the kernel's core pattern put a core. */
struct event_core {
	uint32_t pid;
	char container_id[ID_SIZE];
	char path[FILE_SIZE]; /* a file, or "|program" that got it */
};

struct event_host {
	enum host_fact fact;
	char resource[UNIT_SIZE];
	char detail[CAUSE_SIZE];
	char told_by[NAME_SIZE]; /* kernel, systemd, ... */
	uint32_t count;		 /* like ones since the last that was told, this one included */
	/* whom it struck, as far as the host knows: a hung or killed task's container, where the device is mounted */
	char container_id[ID_SIZE];
	char mount[FILE_SIZE];
};
