/* SPDX-License-Identifier: Apache-2.0 */
/* What an exit's record says beyond code and signal: who stood behind it, what failed, how it repeats. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"

/* Why the container runtime was asked to stop a container; told by Kubernetes, not by the kernel. */
enum stop_cause {
	STOP_UNKNOWN,	 /* nobody told; also where nothing was stopped */
	STOP_LIVENESS,	 /* its liveness probe failed */
	STOP_STARTUP,	 /* its startup probe failed */
	STOP_DELETION,	 /* the pod was deleted: kubectl delete, a controller */
	STOP_DRAIN,	 /* the eviction API: kubectl drain */
	STOP_EVICTION,	 /* the kubelet, for want of memory, disk or pids */
	STOP_PREEMPTION, /* a pod of higher priority needs the place */
	STOP_TAINT,	 /* the node got a taint that the pod doesn't tolerate */
	STOP_SHUTDOWN,	 /* the node shuts down */
	STOP_DEADLINE,	 /* activeDeadlineSeconds passed */
	STOP_HOOK,	 /* its postStart hook failed */
	STOP_CHANGED,	 /* the pod's specification or its sandbox changed */
	STOP_GONE,	 /* a static pod's file, or the pod itself, is no more */
	STOP_CAUSE_COUNT
};

/* Why an entrypoint was not executed, or ended before it did anything. */
enum start_failure {
	FAILURE_NONE,
	FAILURE_NOT_FOUND,   /* no such program */
	FAILURE_PERMISSION,  /* not executable, or not for this user */
	FAILURE_DIRECTORY,   /* it is a directory */
	FAILURE_FORMAT,	     /* of another architecture, or no program at all */
	FAILURE_INTERPRETER, /* the script's or program's interpreter is missing */
	FAILURE_LIBRARY,     /* the loader misses a shared library */
	FAILURE_READ_ONLY,   /* something had to be written to a read-only file system */
	FAILURE_MOUNT,	     /* a mount is not possible */
	FAILURE_WORKING_DIR, /* the working directory is missing */
	FAILURE_USER,	     /* no such user or group in the image */
	FAILURE_CGROUP,	     /* its cgroup could not be made */
	FAILURE_OTHER,	     /* see text */
	START_FAILURE_COUNT
};

struct failed_start {
	enum start_failure kind;
	char what[FILE_SIZE];  /* the program, library, mount point, user */
	char text[CAUSE_SIZE]; /* the runtime's or loader's own words, cut */
};

/* The stop of a container, from the first signal on. */
struct stop {
	enum stop_cause cause;
	char told[CAUSE_SIZE]; /* Kubernetes' own words: "Liveness probe failed: HTTP 500" */
	uint64_t term_ns;      /* first signal of the runtime; 0: none seen */
	uint64_t kill_ns;      /* its SIGKILL; 0: it was not needed */
	uint32_t grace_s;      /* what it was given; 0 not known */
	bool overran;	       /* it was killed since its time (or its preStop hook's) was up */
	uint64_t hook_ns;      /* length of the preStop hook; 0 none or not known */
};

enum loop_pattern {
	LOOP_NONE,
	LOOP_SAME,    /* same end at about the same age */
	LOOP_CODE,    /* same end, at any age */
	LOOP_GROWING, /* it lives longer each time */
	LOOP_MIXED,   /* different ends */
	LOOP_PATTERN_COUNT
};

/* A pod's container that dies again and again. */
struct crash_loop {
	enum loop_pattern pattern;
	uint32_t count; /* deaths that pattern and ages are of, this one included */
	uint64_t shortest_ns, longest_ns;
	uint64_t first_ns;	/* the death that began it */
	char first[CAUSE_SIZE]; /* and how that one ended: "exit 1 after 3.20s" */
	uint64_t retry_ns;	/* when the kubelet tries again; 0 not known */
};

enum host_fact {
	HOST_NONE,
	HOST_UNIT_FAILED,   /* resource: the unit */
	HOST_DISK_FULL,	    /* resource: mount point or device */
	HOST_READ_ONLY,	    /* a file system was remounted read-only */
	HOST_DISK_ERROR,    /* resource: the device */
	HOST_HUNG_TASK,	    /* resource: the task */
	HOST_LOCKUP,	    /* soft lockup, RCU stall */
	HOST_MACHINE_CHECK, /* MCE */
	HOST_MEMORY_ERROR,  /* EDAC */
	HOST_LINK_DOWN,	    /* resource: the interface */
	HOST_CLOCK_JUMP,
	HOST_SHUTDOWN, /* the machine goes down */
	HOST_FACT_COUNT
};

/* Something of the host that goes with a death by time and resource. */
struct host_evidence {
	enum host_fact fact;
	uint64_t boot_ns;
	char resource[UNIT_SIZE];
	char detail[CAUSE_SIZE];
};

#define HOST_EVIDENCE_MAX 4
#define LOG_TEXT_SIZE	  2048

/* The last lines that a container wrote; kept only where --log-lines asks for it. */
struct log_tail {
	uint32_t lines;
	char text[LOG_TEXT_SIZE]; /* raw, lines end in \n; the last ones where they don't fit */
};
