/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of what was concluded: one struct record is one finished answer.
 *
 * track/ makes records, store/ keeps them, sinks and the command line show them. A record is a flat
 * value without pointers. (type, key) names it within one boot; the tracker may emit the same
 * record again when it knows more: first with `final` false, at most a few times, last with `final`
 * true. Whoever keeps records replaces the older form by the newer (record_supersedes).
 *
 * Times are on the boot clock in ns, 0 is "not known"; wall_offset_ns turns them into wall time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/death.h"
#include "model/event.h" /* enum boot_end */
#include "model/memory.h"
#include "model/names.h"
#include "model/pull.h"
#include "model/why.h"

enum record_type {
	RECORD_NONE,
	RECORD_START,
	RECORD_OOM,
	RECORD_EXIT,
	RECORD_PULL,
	RECORD_BOOT,
	RECORD_GAP,
	RECORD_WAIT, /* words are in files: new types come last */
	RECORD_UNIT,
	RECORD_CHILD,
	RECORD_HOST,
	RECORD_TYPE_COUNT
};

/* Whom a record is about; empty texts where not known or not a container. */
struct subject {
	char container_id[ID_SIZE];
	char sandbox_id[ID_SIZE];
	char pod[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];
	char pod_uid[POD_UID_SIZE];
	char container[NAME_SIZE];
	char image[IMAGE_SIZE];
	uint32_t attempt; /* restart number */
};

struct phase_span {
	enum phase phase;
	struct span span;
	bool reconstructed; /* a border comes from timestamps found afterwards */
};

#define START_PHASES_MAX  16
#define START_PLUGINS_MAX 8

struct plugin_span {
	char name[NAME_SIZE]; /* bridge, portmap, ... */
	struct span span;
	int32_t code; /* its exit code */
	bool nested;  /* run by another plugin (IPAM): inside that one's time */
};

enum start_state {
	START_STATE_NONE,
	START_RUNNING,	 /* executing; has not listened so far */
	START_LISTENING, /* listened: app has an end */
	START_EXITED,	 /* ended before it listened */
	START_FAILED,	 /* the entrypoint was never executed */
	START_SILENT,	 /* still running at the end of the start window, never listened */
	START_READY,	 /* a pod's own start: it became Ready */
	START_STATE_COUNT
};

/*
 * phases are in order, gapless, and sum to span. The start of a container, or, where subject.container
 * is empty, of a pod: created to Ready, with the phases of the container that was ready last.
 */
struct record_start {
	enum start_state state;
	struct span
		span; /* first sign of the pod (or of the restart) to the end of the last phase */
	uint32_t phase_count;
	struct phase_span phases[START_PHASES_MAX];
	struct span network; /* inside sandbox: first CNI exec to last exit */
	uint32_t plugin_count;
	struct plugin_span plugins[START_PLUGINS_MAX];
	struct span download, unpack; /* inside pull */
	uint64_t pull_bytes;
	bool init_container; /* inferred: it ended with 0 before the pod's next container was made */
	uint64_t listen_ns;
	uint16_t listen_port;
	char listen_address[ADDRESS_SIZE];
	char file[FILE_SIZE]; /* the entrypoint's program */
	uint32_t pid;
	uint64_t ready_ns;	 /* Kubernetes called it ready; 0 not known */
	uint32_t probe_period_s; /* of the probe that decided it; 0: none or not known */
	struct pull_anatomy pull;
	struct start_why why;
};

enum exit_verdict {
	EXIT_VERDICT_NONE,
	EXIT_COMPLETED,	   /* exit code 0 */
	EXIT_ERROR,	   /* exit code other than 0 */
	EXIT_CRASHED,	   /* a fault or abort of its own */
	EXIT_OOM_KILLED,   /* init was an OOM victim */
	EXIT_STOPPED,	   /* by the container runtime: somebody asked containerd to stop it */
	EXIT_KILLED,	   /* by a process outside of the container and the runtime */
	EXIT_SELF_KILLED,  /* by a process of its own container */
	EXIT_SIGNALED,	   /* by a signal whose sender was not seen */
	EXIT_START_FAILED, /* the entrypoint was never executed */
	EXIT_LOST,	   /* it is gone; how it ended could not be found */
	EXIT_VERDICT_COUNT
};

struct record_exit {
	enum exit_verdict verdict;
	int32_t code;	/* CRI's exit code (128 + signal if killed) */
	int32_t signal; /* 0: none, or not known */
	bool core_dumped;
	bool reconstructed;		  /* from CRI's status, found afterwards */
	uint64_t started_ns, finished_ns; /* finished_ns equals CRI's finished_at */
	uint64_t kernel_ns;		  /* when the kernel ended the process; 0 not seen */
	uint32_t pid;
	char comm[COMM_SIZE];
	/* who sent the signal that explains the end; sender_pid 0: none or not seen */
	uint32_t sender_pid;
	char sender_comm[COMM_SIZE];
	int32_t sender_signal; /* may differ from signal: SIGTERM handled, then exit 0 */
	bool sender_inside;    /* a process of the same container */
	uint64_t fault_address;
	int32_t fault_code;   /* si_code: SEGV_MAPERR, ... */
	char core[FILE_SIZE]; /* where the core went: a file, or "|program"; "" none or not known */
	char file[FILE_SIZE]; /* what it executed last */
	uint64_t listen_ns;   /* 0: it never listened */
	uint16_t listen_port;
	struct stop stop;
	struct failed_start failed;
	struct crash_loop loop;
	uint32_t child_deaths; /* of its children by a signal, before it */
	uint32_t host_count;
	struct host_evidence host[HOST_EVIDENCE_MAX]; /* by time, first to last */
	struct log_tail log;
	uint32_t deaths; /* of this pod's container in a row, this one included, without success */
	bool looping;	 /* the last three of them within 20 min */
	char reason[REASON_SIZE];	     /* CRI's word */
	char message[MESSAGE_SIZE];	     /* CRI's text */
	bool cri_wrong;			     /* which the kernel's facts contradict */
	char kubernetes_reason[REASON_SIZE]; /* lastState.terminated's; "" not told so far */
	int32_t kubernetes_code;
	bool kubernetes_wrong;
};

enum limit_scope {
	SCOPE_NONE,
	SCOPE_CONTAINER,
	SCOPE_POD,
	SCOPE_CGROUP, /* another ancestor: QoS class, slice, service; see limit_path */
	SCOPE_NODE,   /* no limit: the node ran out of memory */
	SCOPE_COUNT
};

#define OOM_VICTIMS_MAX 8

struct oom_victim {
	uint32_t pid;
	uint64_t start_ns;
	bool init;
	char comm[COMM_SIZE];
	char parent_comm[COMM_SIZE];
	uint32_t worker,
		workers; /* which of its parent's children of its name, by age, of how many; 0 not known */
	uint64_t anon_kb, file_kb, shmem_kb, swap_kb, pagetable_kb, total_vm_kb;
	int32_t oom_score_adj;
	uint32_t uid;
};

enum survival { SURVIVAL_UNKNOWN, SURVIVAL_YES, SURVIVAL_NO, SURVIVAL_COUNT };

struct record_oom {
	enum limit_scope scope;
	enum survival container_survived;
	uint32_t victim_total; /* of this kill; victims[] holds the first */
	uint32_t victim_count;
	struct oom_victim victims[OOM_VICTIMS_MAX];
	uint64_t limit_bytes, usage_bytes;
	char limit_path[CGROUP_PATH_SIZE];
	char cgroup_path[CGROUP_PATH_SIZE]; /* the first victim's */
	uint32_t invoker_pid;
	char invoker_comm[COMM_SIZE];
	bool invoker_inside;	/* of the same container */
	bool confirmed;		/* the first victim was seen to end by SIGKILL */
	bool group_kill;	/* memory.oom.group: all of the cgroup */
	char killer[COMM_SIZE]; /* systemd-oomd, earlyoom, ...; "" the kernel */
	uint32_t killer_pid;
	uint64_t near_ns;	    /* how long its use had been near the limit; 0 not known */
	struct memory_state memory; /* of the limit's cgroup */
	uint32_t process_total;	    /* in it; 0 not known */
	uint32_t neighbour_count;
	struct oom_neighbour neighbours[OOM_NEIGHBOURS_MAX]; /* the most likely ones first */
	uint32_t pod_total, pod_count;	   /* SCOPE_NODE: pods above their request */
	struct oom_pod pods[OOM_PODS_MAX]; /* the furthest above first */
	struct oom_series series;
};

struct record_pull {
	char image[IMAGE_SIZE];
	char digest[DIGEST_SIZE];
	bool failed;
	bool reconstructed; /* begin or end come from timestamps found afterwards */
	struct span span, download, unpack;
	uint64_t bytes;	      /* downloaded; layers that were there already don't count */
	uint64_t total_bytes; /* of a pull that goes on: when it is complete */
	uint64_t bytes_per_s; /* of the last seconds */
	uint64_t left_ns;     /* at that rate, to the end of the download; 0 not known */
	uint32_t layers, layers_present;
	struct pull_anatomy anatomy;
};

/* What may have been missed: never dropped silently. */
struct record_gap {
	char source[NAME_SIZE]; /* kernel, containerd, kubernetes, journal, agent */
	char cause[CAUSE_SIZE];
	struct span span;
	uint64_t count; /* facts known to be lost; 0: not countable */
};

/*
 * What a pod or a container of it waits or waited for, as Kubernetes alone knows: no node fits, the image
 * can't be pulled, the next restart is put off, a volume can't be mounted.
 */
struct record_wait {
	char reason
		[REASON_SIZE]; /* Kubernetes' word: ImagePullBackOff, CrashLoopBackOff, FailedMount, ... */
	char message[MESSAGE_SIZE]; /* and text, cut */
	char component[NAME_SIZE];  /* who said so; "" for a container's status */
	struct span span;	    /* to_ns 0: it goes on */
	uint64_t next_retry_ns; /* CrashLoopBackOff: when the kubelet tries again; 0 not known */
	uint32_t count;		/* how often it was said */
	bool over;
};

enum boot_state {
	BOOT_STATE_NONE,
	BOOT_WAKING,	    /* not all that was expected is ready so far */
	BOOT_READY,	    /* all is; span.to_ns is when the last became so */
	BOOT_NOT_RECOVERED, /* the deadline passed: see missing */
	BOOT_STATE_COUNT
};

enum boot_phase {
	BOOT_PHASE_NONE,
	BOOT_PHASE_FIRMWARE,
	BOOT_PHASE_LOADER,
	BOOT_PHASE_KERNEL,
	BOOT_PHASE_INITRD,
	BOOT_PHASE_USERSPACE, /* systemd, until the runtime's unit began */
	BOOT_PHASE_RUNTIME,   /* k3s, or containerd and kubelet, until they answered */
	BOOT_PHASE_NODE,      /* until the node was Ready; without Kubernetes there is none */
	BOOT_PHASE_PODS,      /* until the last expected pod was Ready */
	BOOT_PHASE_COUNT
};

struct boot_phase_span {
	enum boot_phase phase;
	struct span span;     /* firmware and loader end at 0: theirs are 0 to their length */
	char unit[UNIT_SIZE]; /* of the runtime: k3s.service, containerd.service */
	bool reconstructed;
};

enum boot_step_kind {
	BOOT_STEP_NONE,
	BOOT_STEP_UNIT,	     /* a unit was starting: name */
	BOOT_STEP_MILESTONE, /* name: node ready, runtime answers, ... */
	BOOT_STEP_POD,	     /* a phase of a container's start: pod, name (container), phase */
	BOOT_STEP_PEER,	     /* a container waited for another: pod, name; peer in detail */
	BOOT_STEP_IDLE,	     /* nothing that was seen explains this time */
	BOOT_STEP_KIND_COUNT
};

/* What had to be over before the next could go on. */
struct boot_step {
	enum boot_step_kind kind;
	struct span span;
	char name[UNIT_SIZE];
	char pod[POD_PATH_SIZE];
	enum phase phase;
	char detail
		[CAUSE_SIZE]; /* figures: "300 MB at 12 MB/s", "14 refused connections to 10.0.0.1:5432" */
	bool reconstructed;
};

/* A pod that was expected and is not Ready. */
struct boot_missing {
	char pod[POD_PATH_SIZE];
	char container[NAME_SIZE];
	char reason
		[REASON_SIZE]; /* CrashLoopBackOff, ImagePullBackOff, Pending, probe failing, ... */
	char detail[CAUSE_SIZE]; /* "exit code 3", "registry and error", the scheduler's reason */
};

#define BOOT_PHASES_MAX	 8
#define BOOT_STEPS_MAX	 24
#define BOOT_MISSING_MAX 8

/*
 * How a node came back. Of one boot there is one, key "boot"; told again as it goes on. Phases are in order,
 * gapless, and sum to the whole; so do the steps of the critical path. The units of the boot are records of their
 * own, the pods' starts too.
 */
struct record_boot {
	enum boot_state state;
	struct span span; /* from 1, the kernel's start (firmware and loader come before it) */
	uint64_t firmware_ns, loader_ns;
	uint64_t finish_ns; /* systemd had reached its default target; 0: not so far */
	bool measured; /* the probes were there before the container runtime; else reconstructed */
	bool early;    /* measured, by probes that were pinned before the agent ran */
	enum boot_end last_end;
	char last_boot_id[BOOT_ID_SIZE];
	int64_t last_wall_ns; /* last sign of life of the boot before; 0 not known */
	uint64_t down_ns;     /* from there to power-on */
	char last_evidence[CAUSE_SIZE];
	uint32_t phase_count;
	struct boot_phase_span phases[BOOT_PHASES_MAX];
	uint32_t step_count;
	struct boot_step steps[BOOT_STEPS_MAX]; /* the critical path, first to last */
	uint32_t steps_left_out; /* short ones, whose time went to their neighbours */
	uint32_t pods_expected, pods_ready;
	uint32_t missing_total, missing_count;
	struct boot_missing missing[BOOT_MISSING_MAX];
};

/* A systemd unit's start in this boot; key is its name. */
struct record_unit {
	char name[UNIT_SIZE];
	struct span span;	  /* inactive to active (or ended, or failed) */
	char after[UNIT_SIZE];	  /* of those it was ordered after, the one that was active last */
	char result[REASON_SIZE]; /* why it failed; "" where it didn't */
};

/*
 * Children of a container that die while it goes on: one record for each program of a container, told again as they
 * repeat. key: container id and program.
 */
struct record_child {
	enum exit_verdict verdict; /* of the last one */
	char comm[COMM_SIZE];
	char file[FILE_SIZE]; /* what it executed last; "" not known: it is a fork */
	uint32_t pid;	      /* of the last one, so are signal to age_ns */
	char parent_comm[COMM_SIZE];
	int32_t code, signal;
	bool core_dumped;
	uint64_t fault_address;
	int32_t fault_code;
	uint32_t sender_pid;
	char sender_comm[COMM_SIZE];
	bool sender_inside;
	uint64_t age_ns;
	uint32_t count; /* since first_ns */
	uint32_t same;	/* in a row with this signal or code */
	uint64_t first_ns, last_ns;
	uint64_t interval_ns; /* median of the last ones; 0 for the first */
	bool looping;	      /* the last three within 20 min */
	enum survival container_survived;
};

/* Something of the host that may explain deaths; repeats within a minute are one. */
struct record_host {
	enum host_fact fact;
	char resource[UNIT_SIZE];
	char detail[CAUSE_SIZE];
	char told_by[NAME_SIZE];
	uint32_t count;
	uint64_t first_ns, last_ns;
};

struct record {
	enum record_type type;
	bool final;
	char key[KEY_SIZE];
	uint64_t boot_ns;	/* when what it tells was over; histories are ordered by it */
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME when it was emitted */
	struct subject subject;
	union {
		struct record_start start;
		struct record_oom oom;
		struct record_exit exit;
		struct record_pull pull;
		struct record_boot boot;
		struct record_gap gap;
		struct record_wait wait;
		struct record_unit unit;
		struct record_child child;
		struct record_host host;
	};
};

/* Takes one record. Called on the loop thread only; the record is the caller's and dies on return. */
typedef void (*record_fn)(void *context, const struct record *record);

/* True if any part of it comes from timestamps found afterwards. */
bool record_reconstructed(const struct record *record);

/* A pull of which the log tells when it was, and no more. */
bool pull_was_logged(const struct record_pull *pull);

/*
 * A pull that goes on is told every few seconds: whether this one still does at that wall time, or the agent did not
 * live to see its end.
 */
bool pull_goes_on(const struct record *record, int64_t now_wall_ns);

/*
 * True if `newer` should replace `older` (same type and key): what was watched, be it in part, is never
 * replaced by what was wholly reconstructed, and what is final never by what is not. A boot that goes on gives way
 * to any later form of it, also another agent's.
 */
bool record_supersedes(const struct record *newer, const struct record *older);

/* Which form of a record is known already. */
enum record_known { RECORD_UNKNOWN, RECORD_KNOWN, RECORD_KNOWN_FINAL };

/* The runtime was asked to stop it, as far as is known. */
bool exit_was_stopped(const struct record_exit *exit);

/* True if its last phase is a probe's: it ends when Kubernetes called it ready, not when it listened. */
bool start_was_probed(const struct record_start *start);

/* When what it tells was over, as wall time. */
int64_t record_wall_ns(const struct record *record);

/* A start's total, an exit's age, a pull's or gap's length in ns; 0 where there is none. */
uint64_t record_duration_ns(const struct record *record);
