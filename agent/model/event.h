/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of what was observed: one struct event is one fact from one source.
 *
 * Sources make events, daemon.c hands them on, track/ turns them into records; a recorded file of
 * them (`nodewake run --record-events`, `nodewake replay`) is both a bug report and a test.
 * An event is a flat value without pointers. It must not know who reads it.
 *
 * Every time is on the kernel's boot clock (CLOCK_BOOTTIME, ns); 0 means "not known". Sources
 * convert wall times through base/clock before they emit. Every text is NUL-terminated, raw as the
 * peer sent it (sanitising is the renderer's work), and cut at its size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/event_death.h"
#include "model/event_image.h"
#include "model/names.h"
#include "model/event_pod.h"
#include "model/event_why.h"

enum event_type {
	EVENT_NONE,

	/* kernel */
	EVENT_CGROUP_NEW,  /* cgroup: a container's cgroup was made (or found, when adopted) */
	EVENT_CGROUP_GONE, /* cgroup */
	EVENT_EXEC,	   /* exec: a process that matters executed a program */
	EVENT_EXIT,	   /* exit: a process that matters ended (whole thread group) */
	EVENT_LISTEN,	   /* listen: first TCP listens of a container */
	EVENT_OOM,	   /* oom: the kernel chose a victim */
	EVENT_STALL,	   /* stall: what a starting container's threads have done so far */
	EVENT_FILE_READ,   /* file_read: what it has brought in from one file so far */
	EVENT_CONNECT_SLOW, /* connect_failed: a connection was established late, or at last; error 0 */
	EVENT_DNS,	    /* dns: an answer came late, failed or never came */
	EVENT_WORK,	    /* work: the runtime did something for a container */
	EVENT_PRESSURE,	    /* pressure: what the node, or a pod, has waited for so far */

	/* containerd */
	EVENT_CONTAINER,      /* container: identity and state, as CRI or containerd tell it */
	EVENT_CONTAINER_GONE, /* container_gone: deleted from containerd */
	EVENT_TASK,	      /* task */
	EVENT_SNAPSHOT,	      /* snapshot: container rootfs or layer unpack */
	EVENT_INGEST,	      /* ingest: a download seen in progress */
	EVENT_LAYER,	      /* layer: what an image that became ready consists of */
	EVENT_IMAGE,	      /* image: a name came, changed or went */

	/* Kubernetes */
	EVENT_POD,	     /* pod: conditions, as the API server tells them */
	EVENT_POD_CONTAINER, /* pod_container: one container's state, as the kubelet reports it */
	EVENT_POD_GONE,	     /* pod_gone: deleted from the API server */
	EVENT_POD_TROUBLE, /* pod_trouble: what another component warned of (failed mount, unschedulable) */
	EVENT_ADDRESS, /* address: whose one is that a start waited for */

	/* the boot */
	EVENT_BOOT,	      /* boot: systemd's stamps of the whole */
	EVENT_UNIT,	      /* unit: one that was activated during the boot */
	EVENT_UNIT_AFTER,     /* unit_after: one was ordered after another */
	EVENT_MILESTONE,      /* milestone: a step that no unit tells */
	EVENT_LAST_BOOT,      /* last_boot: how the boot before this one ended */
	EVENT_CONNECT_FAILED, /* connect_failed: a container's connection was refused or timed out */
	EVENT_CRI_CALL,	      /* cri_call: containerd logged that it made, started or pulled one */

	/* deaths */
	EVENT_MEMORY,	    /* memory: a cgroup came near its limit, or what it held at a kill */
	EVENT_NEIGHBOUR,    /* neighbour: a process beside an OOM victim */
	EVENT_POD_MEMORY,   /* pod_memory: what a pod used when the node ran out */
	EVENT_START_FAILED, /* start_failed: why an entrypoint was not executed */
	EVENT_LOG_TAIL,	    /* log_tail: the last lines that a container wrote */
	EVENT_CORE,	    /* core: where a core was dumped to */
	EVENT_HOST,	    /* host: something of the machine that may explain deaths */
	EVENT_NODE,	    /* node: whether it was cordoned when pods were deleted */

	/* about the sources themselves */
	EVENT_SOURCE, /* source: up, down, lost, sync begin and end */

	EVENT_TYPE_COUNT
};

/* The process did not happen live before us: times come from timestamps found afterwards. */
#define EVENT_RECONSTRUCTED 0x1u

/* A pid alone is reused; the pair is unique for one boot. */
struct process {
	uint32_t pid;	   /* thread group id in the initial pid namespace */
	uint64_t start_ns; /* task start_boottime of the group leader */
};

enum process_role {
	ROLE_NONE,
	ROLE_SHIM, /* containerd-shim-*: verb is start, delete or "" (the daemon) */
	ROLE_RUNTIME, /* runc, crun, what a shim executes: verb is create, start, kill, delete, exec, state */
	ROLE_CNI,	 /* CNI plugin: verb is ADD, DEL, CHECK */
	ROLE_ENTRYPOINT, /* container's first program: exec is the container's true start */
	ROLE_REEXEC,	 /* container's init executed another program later */
	ROLE_SESSION,	 /* first program of an exec session (kubectl exec, exec probe) */
	ROLE_MEMBER,	 /* another process of a container */
	ROLE_HOST,	 /* none of the above (an OOM victim outside of containers) */
	ROLE_HOOK, /* what the runtime or a wrapper of it executes: hooks, a wrapper's helpers */
	ROLE_COUNT
};

struct event_cgroup {
	uint64_t cgroup_id;	     /* kernfs id = inode of the deciding directory */
	char container_id[ID_SIZE];  /* 64 hex from the directory's name */
	char pod_uid[POD_UID_SIZE];  /* from the parent's name, with dashes; "" if none */
	char path[CGROUP_PATH_SIZE]; /* below the hierarchy's root */
};

struct event_exec {
	struct process who;
	uint32_t parent_pid;
	enum process_role role;
	uint64_t cgroup_id; /* own deciding cgroup */
	char container_id
		[ID_SIZE]; /* in whose cgroup it is, or for runtime, shim, CNI: on whose behalf */
	char comm[COMM_SIZE];
	char file[FILE_SIZE]; /* as passed to execve */
	char verb[VERB_SIZE];
	char pod[POD_SIZE]; /* CNI only: K8S_POD_NAME of CNI_ARGS */
	char pod_namespace[NAMESPACE_SIZE];
};

/* A fatal signal that was sent to a process before it ended; sender is who sent it. */
struct signal_seen {
	uint64_t boot_ns;
	int32_t signal; /* 0: none seen */
	int32_t code;	/* si_code */
	bool ignored;	/* the target ignored it */
	bool from_kernel;
	uint64_t address; /* for faults */
	struct process sender;
	uint64_t sender_cgroup_id;
	char sender_comm[COMM_SIZE];
};

struct event_exit {
	struct process who;
	enum process_role role;
	uint64_t cgroup_id;
	char container_id[ID_SIZE]; /* as in event_exec */
	char comm[COMM_SIZE];	    /* of the group leader at its end */
	int32_t code;		    /* exit code; 0 if killed by a signal */
	int32_t signal;		    /* 0 if it exited */
	uint32_t parent_pid;
	bool core_dumped;
	bool oom_victim;
	struct signal_seen last[2]; /* newest first */
	uint32_t namespace_pid;	    /* as its own pid namespace counts; 0 not known */
	/* of a container's other process that a signal ended */
	uint32_t count; /* like ones since the last that was told, this one included */
	char parent_comm[COMM_SIZE];
	char file
		[COMM_SIZE]; /* base name of what it executed, cut; "" not known, or it is a fork */
};

struct event_listen {
	struct process who;
	uint64_t cgroup_id;
	char container_id[ID_SIZE];
	uint16_t port;
	char address[ADDRESS_SIZE]; /* "0.0.0.0", "::1", ... */
};

struct event_oom {
	struct process victim;
	uint32_t parent_pid;
	char parent_comm[COMM_SIZE];
	uint32_t namespace_pid; /* pid as the container sees it; 1 is its init */
	uint32_t uid;
	int32_t oom_score_adj;
	uint64_t cgroup_id;	    /* the victim's */
	char container_id[ID_SIZE]; /* "" for a process outside of containers */
	char cgroup_path[CGROUP_PATH_SIZE];
	char comm[COMM_SIZE];
	uint64_t total_vm_kb, anon_kb, file_kb, shmem_kb, swap_kb, pagetable_kb;
	bool group_kill;	  /* memory.oom.group is set: all of the cgroup die together */
	bool by_limit;		  /* a memory cgroup's limit; false: the node ran out */
	uint64_t limit_cgroup_id; /* whose limit: ancestor with the least headroom */
	char limit_path[CGROUP_PATH_SIZE];
	uint64_t limit_bytes, usage_bytes; /* of that cgroup */
	struct process invoker; /* whose allocation triggered it, or who sent the signal */
	uint64_t invoker_cgroup_id;
	char invoker_comm[COMM_SIZE];
	char killer[COMM_SIZE]; /* one in user space, which is the invoker; "" the kernel itself */
};

enum container_state {
	CONTAINER_UNKNOWN,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_STATE_COUNT
};

struct event_container {
	char container_id[ID_SIZE];
	char sandbox_id
		[ID_SIZE]; /* equals container_id for the sandbox itself; "" if not a pod's */
	char pod[POD_SIZE];
	char pod_namespace[NAMESPACE_SIZE];
	char pod_uid[POD_UID_SIZE];
	char name[NAME_SIZE]; /* container's name in the pod; "" for a sandbox */
	char image[IMAGE_SIZE];
	char image_id[IMAGE_SIZE]; /* image_ref of CRI, or "" */
	uint32_t attempt;	   /* restart number */
	enum container_state state;
	bool listed_ended; /* a listing says so; how, its status tells */
	uint32_t pid;	   /* init's, 0 unknown */
	uint64_t cgroup_id;
	uint64_t created_ns, started_ns, finished_ns;
	int32_t exit_code;
	char reason[REASON_SIZE];   /* CRI's word: Completed, Error, OOMKilled, StartError */
	char message[MESSAGE_SIZE]; /* CRI's text, cut */
};

struct event_container_gone {
	char container_id[ID_SIZE];
};

enum task_step {
	TASK_NONE,
	TASK_CREATE,
	TASK_START,
	TASK_EXIT,
	TASK_DELETE,
	TASK_OOM,
	TASK_EXEC_ADDED,
	TASK_EXEC_STARTED,
	TASK_PAUSED,
	TASK_RESUMED,
	TASK_STEP_COUNT
};

struct event_task {
	char container_id[ID_SIZE];
	char exec_id[ID_SIZE]; /* "" or equal to container_id: the container's init */
	enum task_step step;
	uint32_t pid;
	uint32_t exit_status;
	uint64_t exited_ns;
};

/*
 * What org.freedesktop.systemd1.Manager tells of the boot. Told when systemd has finished, and before that as far
 * as it has got.
 */
struct event_boot {
	uint64_t firmware_ns, loader_ns; /* lengths, before the kernel's start; 0: not told */
	uint64_t initrd_ns;		 /* when the initrd's init began; 0: there was none */
	uint64_t userspace_ns;		 /* when systemd began */
	uint64_t finish_ns;		 /* the default target was reached; 0: not yet */
};

/* The first activation of a unit in this boot; a later restart does not change it. */
struct event_unit {
	char name[UNIT_SIZE];
	uint64_t begin_ns;  /* InactiveExitTimestamp */
	uint64_t active_ns; /* ActiveEnterTimestamp; 0: not yet, or never */
	uint64_t end_ns;    /* InactiveEnterTimestamp, of a job that ended; 0: it has not */
	char result
		[REASON_SIZE]; /* systemd's word where it failed: exit-code, timeout, ...; else "" */
};

struct event_unit_after {
	char unit[UNIT_SIZE], after[UNIT_SIZE];
};

enum milestone {
	MILESTONE_NONE,
	MILESTONE_RUNTIME_STARTED, /* the container runtime's process began */
	MILESTONE_RUNTIME_READY,   /* its socket answered */
	MILESTONE_NETWORK_READY,   /* it found its CNI configuration */
	MILESTONE_KUBELET_STARTED, /* the kubelet, or k3s that has it inside, began */
	MILESTONE_API_READY,	   /* the API server's /readyz, as seen from this node */
	MILESTONE_NODE_READY,	   /* the Node's condition Ready */
	MILESTONE_AGENT_STARTED,   /* nodewake watches from here on */
	MILESTONE_COUNT
};

struct event_milestone {
	enum milestone what;
	char unit
		[UNIT_SIZE]; /* whose process it is: containerd.service, k3s.service; "" not known */
	char told_by[NAME_SIZE]; /* journal, log, process, socket, api */
};

enum boot_end {
	BOOT_END_UNKNOWN,
	BOOT_END_CLEAN,	     /* shut down or rebooted in order */
	BOOT_END_PANIC,	     /* the kernel's */
	BOOT_END_WATCHDOG,   /* a hardware or software watchdog reset the machine */
	BOOT_END_POWER_LOSS, /* or a reset, or a hang: nothing was written any more */
	BOOT_END_COUNT
};

struct event_last_boot {
	char boot_id[BOOT_ID_SIZE];
	enum boot_end end;
	int64_t last_wall_ns;	   /* its last sign of life */
	uint64_t down_ns;	   /* from there to this kernel's start, firmware included */
	char evidence[CAUSE_SIZE]; /* "journal ends in reboot.target", "pstore has a panic", ... */
};

/* From the connect to its end, which is boot_ns. EVENT_CONNECT_SLOW: count 0 is the first after failures, not late itself. */
struct event_connect_failed {
	struct process who;
	uint64_t cgroup_id;
	char container_id[ID_SIZE];
	char address[ADDRESS_SIZE];
	uint16_t port;
	int32_t error; /* errno: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ... */
	uint64_t began_ns;
	uint32_t count;	     /* like ones since the last that was told, this one included */
	uint64_t wait_ns;    /* of these together; what was at the same time counts once */
	uint64_t longest_ns; /* of one, since the first */
};

enum cri_method {
	CRI_NONE,
	CRI_RUN_POD_SANDBOX,
	CRI_CREATE_CONTAINER,
	CRI_START_CONTAINER,
	CRI_PULL_IMAGE,
	CRI_METHOD_COUNT
};

/* A call that began before the agent watched. It returned at boot_ns. */
struct event_cri_call {
	enum cri_method method;
	char container_id[ID_SIZE]; /* what it made, the sandbox or container; or started */
	char image[IMAGE_SIZE]; /* CRI_PULL_IMAGE only: its whole name, as containerd keeps it */
	char image_id[DIGEST_SIZE];
	uint64_t began_ns;
	bool failed; /* CRI_START_CONTAINER only: another that fails has made nothing */
};

enum source_kind {
	SOURCE_NONE,
	SOURCE_KERNEL,
	SOURCE_CONTAINERD,
	SOURCE_AGENT,
	SOURCE_KUBERNETES,
	SOURCE_SYSTEMD,
	SOURCE_JOURNAL,
	SOURCE_KIND_COUNT
};

enum source_step {
	SOURCE_STEP_NONE,
	SOURCE_UP,	/* it delivers from now on */
	SOURCE_DOWN,	/* it does not deliver from now on; cause */
	SOURCE_LOST,	/* count facts were lost between since_ns and boot_ns; cause */
	SOURCE_MISSING, /* a part can't be observed at all (probe not attached); cause */
	SOURCE_AWAITED, /* it has not begun to deliver, and there is nothing to miss so far; cause */
	SOURCE_SYNC_BEGIN, /* a full listing follows as EVENT_CONTAINER … */
	SOURCE_SYNC_END,   /* … up to here: what was not listed does not exist */
	SOURCE_STEP_COUNT
};

struct event_source {
	enum source_kind source;
	enum source_step step;
	char cause[CAUSE_SIZE]; /* "kernel ring full", "connection lost", "agent was not running" */
	uint64_t count;
	uint64_t since_ns;
};

struct event {
	enum event_type type;
	uint32_t flags;
	uint64_t boot_ns; /* when it happened, not when it was read */
	union {
		struct event_cgroup cgroup;
		struct event_exec exec;
		struct event_exit exit;
		struct event_listen listen;
		struct event_oom oom;
		struct event_stall stall;
		struct event_file_read file_read;
		struct event_dns dns;
		struct event_work work;
		struct event_pressure pressure;
		struct event_container container;
		struct event_container_gone container_gone;
		struct event_task task;
		struct event_snapshot snapshot;
		struct event_ingest ingest;
		struct event_layer layer;
		struct event_image image;
		struct event_pod pod;
		struct event_pod_container pod_container;
		struct event_pod_gone pod_gone;
		struct event_pod_trouble pod_trouble;
		struct event_address address;
		struct event_boot boot;
		struct event_unit unit;
		struct event_unit_after unit_after;
		struct event_milestone milestone;
		struct event_last_boot last_boot;
		struct event_connect_failed connect_failed;
		struct event_cri_call cri_call;
		struct event_memory memory;
		struct event_neighbour neighbour;
		struct event_pod_memory pod_memory;
		struct event_start_failed start_failed;
		struct event_log_tail log_tail;
		struct event_core core;
		struct event_host host;
		struct event_node node;
		struct event_source source;
	};
};

/* Takes one event. Called on the loop thread only; the event is the caller's and dies on return. */
typedef void (*event_fn)(void *context, const struct event *event);
