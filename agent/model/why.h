/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a start took its time: where each second of its phases went, and on what.
 *
 * A part of struct record_start, and of the events that tell it. Flat values; times on the boot clock, ns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"

struct span {
	uint64_t from_ns, to_ns; /* both 0: not seen */
};

/* 0 where its end is not known, or not after its begin. */
static inline uint64_t span_length(struct span span)
{
	return span.to_ns > span.from_ns ? span.to_ns - span.from_ns : 0;
}

/* … or its begin is not known: of spans that don't begin with the boot. */
static inline uint64_t span_seen(struct span span)
{
	return span.from_ns ? span_length(span) : 0;
}

enum phase {
	PHASE_NONE,
	PHASE_SCHEDULE,
	PHASE_ADMIT,
	PHASE_SANDBOX,
	PHASE_INIT,
	PHASE_PULL,
	PHASE_CREATE,
	PHASE_RUNTIME,
	PHASE_APP,
	PHASE_PROBE,
	PHASE_WAIT, /* between two phases: nothing was done for this container (the CRI client's turn) */
	PHASE_COUNT
};

/* What a thread did, or why it did nothing. */
enum stall {
	STALL_CPU,
	STALL_RUN_QUEUE, /* ready to run, but the CPUs had others */
	STALL_THROTTLED, /* ready to run, but its CPU limit was used up */
	STALL_DISK,	 /* reads, major faults, writeback */
	STALL_NETWORK,	 /* connect, receive, poll with an answer due */
	STALL_LOCK,	 /* futex, file locks */
	STALL_SLEEP,	 /* by its own choice */
	STALL_OTHER,	 /* for another process, or not known */
	STALL_COUNT
};

struct stall_times {
	uint64_t ns[STALL_COUNT];
};

/* How exact the breakdown of a phase is. */
enum stall_grade {
	STALLS_NONE,	 /* not measured */
	STALLS_MEASURED, /* each switch of each thread */
	STALLS_PARTIAL,	 /* some threads found no room, or the probes came late: see reason */
	STALLS_COARSE, /* from the cgroup's counters only: CPU and throttling; the rest is `other` */
	STALL_GRADE_COUNT
};

/* Where a phase went. track/stall.c has the rule. */
struct phase_stalls {
	enum phase phase; /* app or probe */
	enum stall_grade grade;
	char reason[REASON_SIZE];   /* why it is not STALLS_MEASURED */
	struct stall_times wall;    /* by what the progressing threads did: sums to the phase */
	struct stall_times threads; /* of all threads: sums to the time that they lived */
	uint32_t thread_count;	    /* that were seen */
};

/* What a start brought in from a disk, or from a file system without one (NFS, FUSE), which has no requests. */
struct file_read {
	char path[FILE_SIZE]; /* as the container sees it, cut at the front; "" not known */
	bool outside; /* it is the path on the file's own file system: the container's was not found */
	char device[REASON_SIZE];
	uint64_t bytes;
	uint64_t size_bytes; /* of the whole file */
	uint32_t requests;
	uint64_t latency_ns; /* of all requests together */
	uint64_t busy_ns;    /* at least so long one of them was at the device */
	struct span span;    /* first request to last completion */
};

enum peer_wait_kind {
	PEER_WAIT_NONE,
	PEER_WAIT_FAILED, /* connections that were refused or timed out */
	PEER_WAIT_SLOW,	  /* connections that were established late */
	PEER_WAIT_DNS,	  /* answers that came late, failed or never came */
	PEER_WAIT_KIND_COUNT
};

/* Whom a start waited for. */
struct peer_wait {
	enum peer_wait_kind kind;
	char address[ADDRESS_SIZE];
	uint16_t port;
	int32_t error;	   /* errno of the last; PEER_WAIT_DNS: response code, 0 or -1 no answer */
	uint32_t count;	   /* tries, connections or questions */
	uint32_t failed;   /* of these */
	struct span span;  /* first to last; of failed ones to the next that was due */
	uint64_t wait_ns;  /* of all together */
	uint64_t probe_ns; /* of these: behind the first listen; not of failed ones */
	uint64_t longest_ns;	  /* of one */
	char name[POD_PATH_SIZE]; /* "namespace/pod" or "namespace/service"; "" not known */
	char query[NAME_SIZE];	  /* PEER_WAIT_DNS with --record-names: the slowest one's name */
};

enum work_kind {
	WORK_NONE,
	WORK_CGROUP,	 /* cgroups were made and joined */
	WORK_MOUNT,	 /* a rootfs or volume was mounted */
	WORK_SNAPSHOT,	 /* the snapshotter prepared a rootfs */
	WORK_SHIM,	 /* shim started */
	WORK_RUNTIME,	 /* runc create, runc start */
	WORK_VOLUME,	 /* the kubelet waited for a volume */
	WORK_DEVICE,	 /* or a device plugin */
	WORK_CONTAINERD, /* containerd's own, between two things that were seen */
	WORK_KIND_COUNT
};

/* What the runtime did inside sandbox, create and runtime; CNI plugins are apart. */
struct work_step {
	enum work_kind kind;
	enum phase phase;
	char name[NAME_SIZE]; /* what of the kind: the volume, "runc create", ... */
	struct span span;
	uint32_t count; /* of like steps folded into it */
	bool nested;	/* inside the one before it that is not */
	bool at_most;	/* a border is only what was seen next to it: it took so long, or less */
};

/* Time that somebody (some) or everybody (full) waited for it, as the kernel's PSI counts, of the start. */
struct pressure_times {
	uint64_t cpu_some_ns, io_some_ns, io_full_ns, memory_some_ns, memory_full_ns;
};

struct start_pressure {
	bool measured;	   /* the node's; else the kernel has no PSI, or nobody looked */
	bool pod_measured; /* its cgroup's: on a unified hierarchy only */
	struct span span;  /* what it was measured over; all 0: not at all */
	struct pressure_times node, pod;
	uint64_t memory_total_bytes,
		memory_available_bytes; /* of the node, the least that was seen */
	char disk[DISK_SIZE];		/* the busiest device */
	uint32_t disk_busy_percent;	/* of the time it had something to do */
	uint32_t disk_queue_tenths;	/* mean length of its queue, in tenths */
	uint64_t disk_latency_ns;	/* mean of its requests */
};

enum probe_setting {
	PROBE_SETTING_NONE,
	PROBE_INITIAL_DELAY,
	PROBE_PERIOD,
	PROBE_SUCCESS_THRESHOLD,
	PROBE_SETTING_COUNT
};

enum advice_rule {
	ADVICE_NONE,
	ADVICE_CPU_LIMIT,
	ADVICE_PROBE_PERIOD,
	ADVICE_PROBE_DELAY,
	ADVICE_PULL,
	ADVICE_UNPACK,
	ADVICE_DISK,
	ADVICE_PEER,
	ADVICE_DNS,
	ADVICE_CNI,
	ADVICE_COMPETING,
	ADVICE_VOLUME,
	ADVICE_MEMORY,
	ADVICE_CPU_BUSY,
	ADVICE_RULE_COUNT
};

#define START_STALLS_MAX 2
#define START_FILES_MAX	 5
#define START_PEERS_MAX	 5
#define START_WORK_MAX	 16

struct start_why {
	uint32_t stall_count;
	struct phase_stalls stalls[START_STALLS_MAX];
	bool reads_measured;
	uint64_t disk_bytes; /* all that was not cached */
	uint64_t
		read_bytes; /* all that read(2) gave: cached or not, pipes and sockets too; 0 not known */
	uint32_t file_count; /* the top ones, by bytes */
	struct file_read files[START_FILES_MAX];
	uint32_t peer_count; /* longest first */
	struct peer_wait peers[START_PEERS_MAX];
	uint32_t work_count;
	struct work_step work[START_WORK_MAX];
	uint32_t competing; /* other containers that were starting at the same time, at most */
	struct start_pressure pressure;
	uint64_t probe_delay_ns;  /* what probes cost beyond the moment it was able to answer */
	uint32_t probe_initial_s; /* initialDelaySeconds of the probe that decided it */
	enum probe_setting probe_setting; /* that cost most of it, … */
	bool probe_is_startup;	      /* … of the startup probe, not the readiness probe, … */
	uint32_t probe_setting_value; /* … as it is … */
	uint64_t probe_setting_ns;    /* … and what it cost */
	enum advice_rule advice_rule; /* ADVICE_NONE: nothing is clear enough */
	char advice[CAUSE_SIZE];
};
