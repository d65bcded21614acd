/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel's structures as far as the probes read them, relocated at load time (CO-RE).
 *
 * Only the used members, so that the objects build anywhere and are the same on every build
 * machine. What differs between kernels has a ___flavour, and one helper that cites the commit.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/wire.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup_root {
	unsigned int subsys_mask;
	int hierarchy_id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup_subsys_state *subsys[4];
	struct cgroup *dfl_cgrp;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 0, /* relocated */
};

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter memsw; /* v1: memory and swap; the same place is v2's swap */
	bool oom_group;
};

/* in 7.2 what a page is charged to, of the page cache too; is_root came with that */
struct obj_cgroup {
	struct mem_cgroup *memcg;
	bool is_root;
};

#define MM_COUNTERS 4 /* of a process: file, anonymous, swap, shared memory */

/* before 6.2 (f1a7941243c1: "mm: convert mm's rss stats into percpu_counter") */
struct mm_rss_stat {
	atomic_long_t count[MM_COUNTERS];
};

struct percpu_counter {
	__s64 count;
	__s32 *counters; /* from where each CPU's own is as far away as anything else of its own */
};

struct file;

struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start, arg_end, env_start, env_end;
	atomic_long_t pgtables_bytes;
	struct percpu_counter rss_stat[MM_COUNTERS];
	struct file *exe_file;
};

struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};

struct bpf_array {
	void *pptrs[0]; /* of a map with a value for each CPU */
};

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct sigaction {
	void *sa_handler;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct task_io_accounting {
	__u64 rchar;
};

struct signal_struct {
	struct task_io_accounting ioac; /* of threads and children that have ended */
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	short oom_score_adj;
};

struct cfs_bandwidth {
	__u64 quota; /* ns in each period; all bits set: no limit */
	__u64 throttled_time;
};

struct task_group {
	struct task_group *parent;
	struct cfs_bandwidth cfs_bandwidth;
};

/* --- what a disk reads, and for which file --- */

struct qstr {
	const unsigned char *name;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	union {
		struct hlist_node d_alias;
	} d_u;
};

/* should the union lose its name */
struct dentry___unnamed {
	struct hlist_node d_alias;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	__s64 i_size;
	struct hlist_head i_dentry;
	__u32 i_generation;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path; /* since 6.15 inside of a union without a name */
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct task_struct {
	unsigned int flags;
	struct sched_entity se;
	int pid, tgid;
	unsigned int __state;
	unsigned in_iowait : 1;
	struct task_group *sched_task_group;
	struct files_struct *files;
	int exit_code;
	__u64 start_boottime;
	char comm[16];
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	const struct cred *real_cred;
	struct pid *thread_pid;
	struct task_io_accounting ioac;
};

struct address_space {
	struct inode *host;
};

/* since 6.18 (53fbef56e07d: "mm: introduce memdesc_flags_t"); before it was the number itself */
typedef struct {
	unsigned long f;
} memdesc_flags_t;

struct page {
	memdesc_flags_t flags;
	struct address_space *mapping;
	unsigned long index;
	unsigned long compound_head;
	unsigned long memcg_data;
};

enum pageflags {
	PG_head = 0, /* relocated */
};

/* since 6.16 */
struct page___renamed {
	unsigned long __folio_index;
};

struct page___number {
	unsigned long flags;
};

/* since 7.1 ("mm: rename the 'compound_head' field in the 'struct page' to 'compound_info'") */
struct page___info {
	unsigned long compound_info;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bio_vec {
	struct page *bv_page;
};

struct bvec_iter {
	unsigned int bi_size;
};

struct gendisk {
	int major, first_minor;
};

struct block_device {
	__u32 bd_dev;
};

struct bio {
	struct bio *bi_next;
	struct block_device *bi_bdev;
	unsigned int bi_opf;
	unsigned short bi_flags;
	struct bvec_iter bi_iter;
	struct bio_vec *bi_io_vec;
};

struct request {
	struct bio *bio;
};

/* before 5.12 (309dca309fc3: "block: store a block_device pointer in struct bio") */
struct bio___disk {
	struct gendisk *bi_disk;
	__u8 bi_partno;
};

/* before 5.14 (2f064a59a11f: "sched: Change task_struct::state") */
struct task_struct___old {
	long state;
};

struct linux_binprm {
	const char *filename;
};

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num;
	__u16 skc_dport; /* network order */
	__u32 skc_daddr, skc_rcv_saddr;
	struct {
		__u8 bytes[16];
	} skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

/* before 5.15 (8520e224f547: "bpf, cgroups: Fix cgroup v2 fallback on v1/v2 mixed mode") */
struct sock_cgroup_data___old {
	__u64 val; /* the cgroup; if it is odd, something else of v1 */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol; /* its width since bf9765145b85 (5.6) */
	int sk_err;
	struct sock_cgroup_data sk_cgrp_data;
};

struct sk_buff {
	struct sock *sk;
	unsigned int len, data_len;
	__u16 transport_header, network_header; /* offsets from head */
	unsigned char *head, *data;
};

struct socket {
	struct sock *sk;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di;
	unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
};

struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
};

/* the member uid came together with mark_victim's task argument (72ba14deb40a) */
struct trace_event_raw_mark_victim {
	__u32 uid;
};

#pragma clang attribute pop

/* since 5.15 (dd6e10fbd9fb: "bpf: Add bpf_task_pt_regs() helper") */
enum bpf_func_id___pt_regs {
	BPF_FUNC_task_pt_regs___pt_regs = 175,
};

/* The system call that a thread is in. */
struct syscall {
	__u32 number;
	__u64 arguments[6];
};

static __always_inline long state_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return ((struct task_struct___old *)task)->state;
}

/* False if it is in none (it faulted), or that can't be found out. */
static __always_inline bool read_syscall(struct task_struct *task, struct syscall *ret)
{
	struct pt_regs *regs;

	if (!bpf_core_enum_value_exists(enum bpf_func_id___pt_regs,
					BPF_FUNC_task_pt_regs___pt_regs))
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
	long number = regs->orig_ax;

	ret->arguments[0] = regs->di;
	ret->arguments[1] = regs->si;
	ret->arguments[2] = regs->dx;
	ret->arguments[3] = regs->r10;
	ret->arguments[4] = regs->r8;
	ret->arguments[5] = regs->r9;
#elif defined(__TARGET_ARCH_arm64)
	long number = regs->syscallno;

	ret->arguments[0] = regs->orig_x0;
	for (int i = 1; i < 6; i++)
		ret->arguments[i] = regs->regs[i];
#endif
	ret->number = number;
	return number >= 0 && number < WIRE_SYSCALLS;
}

#define AF_INET		  2
#define AF_INET6	  10
#define TCP_ESTABLISHED	  1
#define TCP_SYN_SENT	  2
#define TCP_CLOSE	  7
#define TCP_LISTEN	  10
#define SIGNAL_GROUP_EXIT 4u
#define SIGKILL		  9
#define SIGTERM		  15
#define ETIMEDOUT	  110
#define ECONNREFUSED	  111
#define EHOSTUNREACH	  113
#define IPPROTO_ICMP	  1
#define IPPROTO_TCP	  6
#define IPPROTO_UDP	  17
#define IPPROTO_ICMPV6	  58
