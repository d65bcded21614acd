/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the probes write into the rings and the agent reads: compiled by both sides.
 *
 * Fixed-width types, explicit padding, every size asserted. Texts are raw and may lack their NUL.
 * Decisions belong to the agent; what it would throw away is not written at all.
 */
#pragma once

#include <linux/types.h>

#define WIRE_COMM 16
#define WIRE_NAME \
	96 /* a cgroup's leaf: 64 hex, or 85 with the systemd driver's cri-containerd- and .scope */
#define WIRE_PATH      256 /* its whole path, cut at the end; systemd's driver in kind: 232 */
#define WIRE_FILE      128
#define WIRE_ARGS_HEAD 1024
#define WIRE_ARGS_TAIL 512
#define WIRE_ENVIRONMENT \
	8192 /* a CNI plugin inherits the kubelet's or containerd's, in any order */

enum wire_type {
	WIRE_CGROUP_NEW = 1,
	WIRE_CGROUP_GONE,
	WIRE_EXEC,	  /* of a container's process */
	WIRE_EXEC_HELPER, /* of runtime, shim or CNI plugin: with arguments or environment */
	WIRE_EXIT,
	WIRE_EXIT_HELPER,
	WIRE_LISTEN,
	WIRE_OOM,
	WIRE_CONNECT_FAILED,
	WIRE_CONNECT_SLOW,    /* established, but late */
	WIRE_CONNECT_REACHED, /* established after failures; total and count are 0 */
	WIRE_DNS,
	WIRE_STALL,
};

enum wire_role {
	WIRE_ROLE_NONE,
	WIRE_ROLE_SHIM,
	WIRE_ROLE_RUNTIME,
	WIRE_ROLE_CNI,
	WIRE_ROLE_ENTRYPOINT,
	WIRE_ROLE_REEXEC,
	WIRE_ROLE_SESSION,
	WIRE_ROLE_MEMBER,
	WIRE_ROLE_HOST,
	WIRE_ROLE_HOOK,
	WIRE_ROLE_MOUNT, /* only of mount(8): kernel_mounts.c takes its records */
	WIRE_ROLE_COUNT,
};

#define WIRE_URGENT 1u /* people wait for it, or the ring fills: the reader was woken */

struct wire_header {
	__u16 type;
	__u16 size;
	__u32 cpu;
	__u64 boot_ns;
	__u64 cgroup_id;
	__u64 start_ns; /* of the thread group's leader */
	__u32 pid;	/* thread group id in the initial namespace */
	__u32 parent_pid;
	__u32 role;
	__u32 flags;
	char comm[WIRE_COMM];
};
_Static_assert(sizeof(struct wire_header) == 64, "wire_header");

/* The record of a new cgroup carries the whole path; header.cgroup_id is the cgroup itself. */
struct wire_cgroup {
	struct wire_header header;
	char name[WIRE_NAME];
	char path[WIRE_PATH];
};
_Static_assert(sizeof(struct wire_cgroup) == 64 + 96 + 256, "wire_cgroup");

struct wire_cgroup_gone {
	struct wire_header header;
	char name[WIRE_NAME];
};
_Static_assert(sizeof(struct wire_cgroup_gone) == 64 + 96, "wire_cgroup_gone");

/* In all container records, `container` is the leaf name of the container's cgroup. */
struct wire_exec {
	struct wire_header header;
	char container[WIRE_NAME];
	char file[WIRE_FILE];
};
_Static_assert(sizeof(struct wire_exec) == 64 + 96 + 128, "wire_exec");

/*
 * For runtime and shim the arguments' head and, if that is full, their tail behind it; for CNI plugins
 * the environment. Only as much of texts as is used goes into the ring: ten times less than all of it.
 */
struct wire_exec_helper {
	struct wire_header header;
	char file[WIRE_FILE];
	__u32 head_size;
	__u32 tail_size;
	char texts[WIRE_ENVIRONMENT];
};
_Static_assert(sizeof(struct wire_exec_helper) == 64 + 128 + 8 + 8192, "wire_exec_helper");

struct wire_signal {
	__u64 boot_ns;
	__u64 address;
	__u64 sender_cgroup_id;
	__u64 sender_start_ns;
	__s32 signal;
	__s32 code;
	__u32 sender_pid;
	__u8 ignored;
	__u8 from_kernel;
	__u8 family; /* the sender is the process itself, an ancestor or the runtime; of members only */
	__u8 pad;
	char sender_comm[WIRE_COMM];
};
_Static_assert(sizeof(struct wire_signal) == 64, "wire_signal");

#define WIRE_EXIT_OOM_VICTIM 1u

struct wire_exit {
	struct wire_header header;
	char container[WIRE_NAME];
	__u32 status; /* wait status: code << 8 | core << 7 | signal */
	__u32 flags;
	struct wire_signal last[2]; /* newest first */
	__u32 namespace_pid;
	__u32 total; /* of a member: how many like it have died, this one included; else 0 … */
	__u32 told;  /* … and the total of the last record of these */
	__u32 pad;
	char parent_comm[WIRE_COMM];
	char file[WIRE_COMM]; /* base name of its program, cut; "" a fork, or not known */
};
_Static_assert(sizeof(struct wire_exit) == 64 + 96 + 8 + 128 + 16 + 32, "wire_exit");

/* Like deaths: members of one container with this name that this signal ended. */
struct wire_child_key {
	__u64 container_id;
	__u32 signal;
	__u32 pad;
	char comm[WIRE_COMM];
};
_Static_assert(sizeof(struct wire_child_key) == 32, "wire_child_key");

/* The kernel only ever adds: counts survive what the ring had no room for. */
struct wire_children {
	__u64 told_ns; /* of the last record */
	__u64 last_ns; /* of the last death */
	__u32 total;
	__u32 told; /* the total of the last record */
	__u32 last_pid;
	__u32 pad;
};
_Static_assert(sizeof(struct wire_children) == 32, "wire_children");

#define WIRE_CHILDREN_MAX 512
/* Between two records of like deaths. */
#define WIRE_CHILD_INTERVAL_NS 250000000ull

/* The same of runtime, shim and CNI plugins: nothing but how they ended. */
struct wire_exit_helper {
	struct wire_header header;
	__u32 status;
	__u32 pad;
};
_Static_assert(sizeof(struct wire_exit_helper) == 64 + 8, "wire_exit_helper");

struct wire_listen {
	struct wire_header header;
	char container[WIRE_NAME];
	__u8 address[16]; /* network order; IPv4 in the first four bytes */
	__u16 family;
	__u16 port; /* host order */
	__u32 pad;
};
_Static_assert(sizeof(struct wire_listen) == 64 + 96 + 24, "wire_listen");

#define WIRE_PARTS	     10 /* cgroups from the victim's upwards */

#define WIRE_OOM_BY_LIMIT    1u /* the stack goes through the memory controller's own OOM */
#define WIRE_OOM_STACK_KNOWN 2u /* … and whether it does is known */
#define WIRE_OOM_GROUP	     4u /* memory.oom.group is set on one of its cgroups */
#define WIRE_OOM_SENT \
	8u /* no OOM of the kernel's: root's process outside of containers, the invoker, sent a signal */

struct wire_oom {
	struct wire_header header; /* the victim */
	char container[WIRE_NAME];
	char parts[WIRE_PARTS]
		  [WIRE_NAME]; /* names from the victim's cgroup up to the root's child */
	__u32 part_count;
	__u32 limit_part; /* index of the cgroup whose limit it is: the least headroom */
	__u64 limit_cgroup_id;
	__u64 limit_pages, usage_pages;
	__u64 total_vm_pages, anon_pages, file_pages, shmem_pages, swap_pages;
	__u64 pagetable_bytes;
	__u32 namespace_pid;
	__u32 uid;
	__s32 oom_score_adj;
	__u32 flags;
	__u64 invoker_start_ns;
	__u64 invoker_cgroup_id;
	__u32 invoker_pid;
	__u32 pad;
	char invoker_comm[WIRE_COMM];
	char parent_comm[WIRE_COMM]; /* the victim's */
};
_Static_assert(sizeof(struct wire_oom) == 64 + 96 + 960 + 8 + 8 + 16 + 48 + 16 + 16 + 8 + 32,
	       "wire_oom");

/* Whom a container waited for, and why. A v4-mapped address is told as IPv4. */
struct wire_target {
	__u64 container_id; /* cgroup id */
	__u8 address[16];   /* as in wire_listen */
	__u8 family;
	__u8 kind;   /* enum wire_type */
	__u16 port;  /* host order */
	__s32 error; /* errno; ETIMEDOUT too where the program gave up waiting for an answer */
};		     /* WIRE_DNS: response code, WIRE_DNS_UNANSWERED if there was none */
_Static_assert(sizeof(struct wire_target) == 32, "wire_target");

#define WIRE_DNS_UNANSWERED (-1)
#define WIRE_QUESTION \
	64 /* a name as the protocol has it, cut at the end; all 0 unless it is wanted */

/* How often that was so. The kernel only ever adds: counts survive what the ring had no room for. */
struct wire_failures {
	__u64 made_ns;		 /* tells it from one that was forgotten */
	__u64 told_ns;		 /* of the last record */
	__u64 began_ns, last_ns; /* of the last one: its beginning and its end */
	__u64 busy_ns;		 /* since when there always was one under way, until last_ns */
	__u64 wait_ns;		 /* of all together: time with several at once counts once */
	__u64 longest_ns;
	__u64 told_wait_ns; /* the wait of the last record */
	__u32 total;
	__u32 told;    /* the total of the last record */
	__u32 reached; /* the total when it was connected to at last */
	__u32 pad;
	__u8 question[WIRE_QUESTION]; /* of the longest */
};
_Static_assert(sizeof(struct wire_failures) == 144, "wire_failures");

/* Between two records of one target; what fails meanwhile is counted. */
#define WIRE_CONNECT_INTERVAL_NS 500000000ull

/*
 * A connection or question of a container that starts is over, which is header.boot_ns. The process is the one
 * that connected, not the one that happened to run; WIRE_DNS has none.
 */
struct wire_connect_failed {
	struct wire_header header;
	char container[WIRE_NAME];
	struct wire_target target;
	__u64 began_ns;
	__u64 made_ns, wait_ns, told_wait_ns, longest_ns; /* as in wire_failures */
	__u32 count; /* since the last record of this target, this one included */
	__u32 total; /* since the first */
	__u8 question[WIRE_QUESTION];
};
_Static_assert(sizeof(struct wire_connect_failed) == 64 + 96 + 32 + 48 + 64, "wire_connect_failed");

/* A question that has no answer yet, by what both have in common. */
struct wire_question_key {
	__u16 port; /* the container's own, network order */
	__u16 id;   /* the same */
};
_Static_assert(sizeof(struct wire_question_key) == 4, "wire_question_key");

struct wire_question {
	struct wire_header header; /* its time is that of the question */
	char container[WIRE_NAME];
	struct wire_target target;
	__u8 question[WIRE_QUESTION];
};
_Static_assert(sizeof(struct wire_question) == 64 + 96 + 32 + 64, "wire_question");

/* A file of which a starting container has something read from a disk. */
struct wire_file {
	__u64 container_id; /* cgroup id */
	__u64 inode;	    /* number */
	__u32 device;	    /* of the file system, as the kernel has it: major << 20 | minor */
	__u32 generation;   /* tells it from one that had the same number before */
};
_Static_assert(sizeof(struct wire_file) == 24, "wire_file");

#define WIRE_FILE_NAMES 320

/* File systems without a disk of their own whose files are told: linux/magic.h, and the kernel's sources of Ceph and SMB. */
#define WIRE_MAGIC_NFS	0x6969
#define WIRE_MAGIC_FUSE 0x65735546
#define WIRE_MAGIC_9P	0x01021997
#define WIRE_MAGIC_CEPH 0x00c36400
#define WIRE_MAGIC_CIFS 0xff534d42
#define WIRE_MAGIC_SMB2 0xfe534d42

/* What was read so far. The kernel only ever adds. */
struct wire_file_reads {
	__u64 first_ns; /* the first request was made */
	__u64 last_ns;	/* the last that is completed was */
	__u64 bytes, size;
	__u64 latency_ns;	   /* of all completed requests together */
	__u64 busy_ns;		   /* at least so long one of them was on its way */
	__u32 requests, completed; /* to the disk */
	__u32 disk;		   /* the block device, as wire_file.device; 0: none */
	__u32 magic;		   /* the kind of file system */
	__u32 names_size;
	__u32 names_whole;	     /* they go up to the root */
	char names[WIRE_FILE_NAMES]; /* of the file, its directory, …, each with its NUL */
};
_Static_assert(sizeof(struct wire_file_reads) == 72 + 320, "wire_file_reads");

#define WIRE_READS_BEGUN 1u /* seen from its exec on: read_before is known */
#define WIRE_READS_ENDED 2u /* its first process has ended: read_ended is known */

/* Of all files of a container. read_*: what was asked for by read(2) and the like, cached or not. */
struct wire_reads {
	__u64 disk_bytes;  /* what was read from disks while it was watched */
	__u64 read_before; /* by its first process before that was the entrypoint */
	__u64 read_ended; /* by its first process and the children that it has waited for, when it ended */
	__u32 requests;
	__u32 flags;
};
_Static_assert(sizeof(struct wire_reads) == 32, "wire_reads");

/* A thread of a starting container, as the iterator over tasks tells it: what it read. */
struct wire_thread_read {
	__u64 container_id;
	__u64 bytes; /* of a thread group's leader with what ended threads and children have read */
};
_Static_assert(sizeof(struct wire_thread_read) == 16, "wire_thread_read");

#define WIRE_READS_MAX	     64	  /* containers */
#define WIRE_FILES_MAX	     1024 /* files of all of them; the least recently read give way */
#define WIRE_LARGE_FILES_MAX 256
/* What a thread did, or why it did nothing; in the order of enum stall in agent/model/why.h. */
enum wire_stall_kind {
	WIRE_STALL_CPU,
	WIRE_STALL_RUN_QUEUE,
	WIRE_STALL_THROTTLED,
	WIRE_STALL_DISK,
	WIRE_STALL_NETWORK,
	WIRE_STALL_LOCK,
	WIRE_STALL_SLEEP,
	WIRE_STALL_OTHER,
	WIRE_STALL_KINDS,
};

/* What a system call that blocks waits for; the agent fills a table by their numbers. */
enum wire_wait {
	WIRE_WAIT_OTHER,   /* another process: wait4, pause, ... */
	WIRE_WAIT_SLEEP,   /* nanosleep */
	WIRE_WAIT_LOCK,	   /* file locks */
	WIRE_WAIT_FUTEX,   /* with a timeout that passes: a sleep */
	WIRE_WAIT_NETWORK, /* connect, accept */
	WIRE_WAIT_FILE,	   /* read, write, recv, send: as the file descriptor is */
	WIRE_WAIT_POLL, /* milliseconds; without descriptors, or with nothing to hear from: a sleep */
	WIRE_WAIT_SELECT,  /* struct timeval */
	WIRE_WAIT_PSELECT, /* struct timespec */
	WIRE_WAIT_PPOLL,   /* struct timespec */
	WIRE_WAIT_EPOLL,   /* milliseconds */
	WIRE_WAIT_EPOLL2,  /* struct timespec */
};

#define WIRE_SYSCALLS 512 /* those beyond are WIRE_WAIT_OTHER */

enum wire_thread_state {
	WIRE_THREAD_RUNNING,
	WIRE_THREAD_READY, /* to run: on the run queue, or throttled */
	WIRE_THREAD_WAITING,
};

/* What any thread of a container had done while nobody did better: see bpf/stall.bpf.c. */
enum wire_progress {
	WIRE_PROGRESS_CPU,
	WIRE_PROGRESS_RUN_QUEUE,
	WIRE_PROGRESS_THROTTLED,
	WIRE_PROGRESS_DISK,
	WIRE_PROGRESS_KINDS,
};

/* A thread of a starting container. */
struct wire_thread {
	__u64 container_id; /* cgroup id */
	__u64 since_ns;	    /* its state began */
	__u64 until_ns;	    /* a wait's timeout; 0: none, or not known */
	__u64 throttled_ns; /* of its task group and those above, when its state began */
	__u64 ran_ns;	    /* what the scheduler had counted for it then; 0: not known */
	__u64 progress[WIRE_PROGRESS_KINDS]; /* of its container, when its wait began */
	__u64 way[WIRE_STALL_KINDS]; /* to here: sums to since_ns - the window's beginning */
	__u64 ns[WIRE_STALL_KINDS];  /* of its own */
	__u64 last_call; /* number and file descriptor of the last one that was looked into */
	__u32 window;
	__u8 state;
	__u8 stall;		      /* what its wait counts as … */
	__u8 timed_out;		      /* … and as what, if its timeout passes */
	__u8 shared;		      /* somebody else may have gone on meanwhile */
	__u8 last_stall, last_shared; /* what last_call waited for */
	__u8 limited;		      /* one of its groups has a CPU limit */
	__u8 pad[5];
};
_Static_assert(sizeof(struct wire_thread) == 40 + 32 + 128 + 24, "wire_thread");

/* A start: from the entrypoint's exec until the agent closes it. */
struct wire_window {
	__u64 container_id; /* cgroup id; 0: closed */
	__u64 began_ns;
	__u64 counts; /* of threads that run, are ready, wait for a disk: 20 bits each */
	__u64 changed_ns;
	__u64 throttled_ns;
	__u64 stolen_ns; /* of its running threads, since changed_ns */
	__u64 progress[WIRE_PROGRESS_KINDS];
	__u64 ended_ns[WIRE_STALL_KINDS]; /* of the threads that have ended */
	__u32 init_pid;
	__u32 threads;	    /* that were seen */
	__u32 threads_lost; /* that found no room */
	__u32 pad;
};
_Static_assert(sizeof(struct wire_window) == 48 + 32 + 64 + 16, "wire_window");

#define WIRE_WINDOWS_MAX 64
/* Above that many open ones only every fourth start is watched: the rest is told by its cgroup's counters. */
#define WIRE_WINDOWS_MANY 32
#define WIRE_THREADS_MAX  2048
#define WIRE_WATCHED	  8192	/* bytes of the filter, by the lowest bits of a cgroup's id */
#define WIRE_PLACES	  16384 /* by the lowest bits of a pid, or of a cgroup's id */

/* At the listen, or the end of a container's first process: the thread that did it, and all together. */
struct wire_stall {
	struct wire_header header;
	char container[WIRE_NAME];
	struct wire_thread thread;
	struct wire_window window;
	__u32 ended;
	__u32 pad;
};
_Static_assert(sizeof(struct wire_stall) == 64 + 96 + 224 + 160 + 8, "wire_stall");

/* Facts that could not be written, by cause; a per-CPU array of counters. */
enum wire_loss {
	WIRE_LOSS_MAIN_FULL,	/* deaths, starts, OOM kills */
	WIRE_LOSS_MAIN_FILLING, /* what gives way to these: exec sessions, children, waits, stalls */
	WIRE_LOSS_CHATTER_FULL, /* runtime, shim and CNI processes */
	WIRE_LOSS_TABLE_FULL,	/* a container or process could not be remembered */
	WIRE_LOSS_CONNECTS,  /* failed connections: too many at once or targets, or the ring full */
	WIRE_LOSS_QUESTIONS, /* DNS questions: too many at once */
	WIRE_LOSS_FILES,     /* reads of a starting container: too many at once */
	WIRE_LOSS_WINDOWS,   /* starts whose threads were not watched: too many at once */
	WIRE_LOSS_CHILDREN,  /* deaths of containers' children: of too many kinds */
	WIRE_LOSS_COUNT,
};
