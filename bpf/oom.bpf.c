// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The kernel has chosen an OOM victim.
 *
 * mark_victim is the one tracepoint on the way of every OOM kill, memory cgroup's or global. Its
 * argument was a pid until 72ba14deb40a (6.9, also in stable kernels), then the task: a raw
 * tracepoint program serves both, told apart by a field that came with the change.
 */
#pragma once
#include "bpf/probe.h"

const volatile __u64 memcg_oom_start = 0; /* mem_cgroup_out_of_memory's address range; 0 unknown */
const volatile __u64 memcg_oom_end = 0;

#define FRAMES	 24
#define CPUS_MAX 1024

static __always_inline struct task_struct *victim_of(__u64 argument)
{
	if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
		return (struct task_struct *)argument;
	__u32 pid = (__u32)argument;
	__u64 *pointer = bpf_map_lookup_elem(&killed, &pid);

	return pointer ? (struct task_struct *)*pointer : NULL;
}

/* What a CPU's part of anything lies away from the address that all of them go by: as the one of a map. */
static __always_inline bool find_distance(__u32 cpu, __u64 *ret)
{
	__u32 zero = 0;
	void *part = bpf_map_lookup_percpu_elem(&scratch, &zero, cpu);
	struct bpf_array *array = (void *)address_of(&scratch);

	if (!part)
		return false;
	*ret = address_of(part) - (__u64)BPF_CORE_READ(array, pptrs[0]);
	return true;
}

/* Since 6.2 each CPU holds a part of a counter, which the log of 7.2 adds up and that of 6.18 does not. */
static __always_inline void add_parts(__s64 pages[MM_COUNTERS], struct mm_struct *mm)
{
	const __u64 lists[MM_COUNTERS] = {
		(__u64)BPF_CORE_READ(mm, rss_stat[0].counters),
		(__u64)BPF_CORE_READ(mm, rss_stat[1].counters),
		(__u64)BPF_CORE_READ(mm, rss_stat[2].counters),
		(__u64)BPF_CORE_READ(mm, rss_stat[3].counters),
	};
	__u64 distance;

	for (__u32 cpu = 0; cpu < CPUS_MAX && find_distance(cpu, &distance); cpu++) {
		for (int i = 0; i < MM_COUNTERS; i++) {
			__s32 part = 0;

			bpf_probe_read_kernel(&part, sizeof(part), (void *)(lists[i] + distance));
			pages[i] += part;
		}
	}
}

static __always_inline void read_rss(struct wire_oom *record, struct mm_struct *mm)
{
	__s64 pages[MM_COUNTERS];
	struct mm_struct___old *old = (void *)mm;

	/* asks for a member, not for the type: looking for a missing type needs CAP_SYS_ADMIN */
	if (bpf_core_field_exists(old->rss_stat.count)) {
		pages[0] = BPF_CORE_READ(old, rss_stat.count[0].counter);
		pages[1] = BPF_CORE_READ(old, rss_stat.count[1].counter);
		pages[2] = BPF_CORE_READ(old, rss_stat.count[2].counter);
		pages[3] = BPF_CORE_READ(old, rss_stat.count[3].counter);
	} else {
		pages[0] = BPF_CORE_READ(mm, rss_stat[0].count);
		pages[1] = BPF_CORE_READ(mm, rss_stat[1].count);
		pages[2] = BPF_CORE_READ(mm, rss_stat[2].count);
		pages[3] = BPF_CORE_READ(mm, rss_stat[3].count);
		add_parts(pages, mm);
	}
	record->file_pages = pages[0] > 0 ? pages[0] : 0;
	record->anon_pages = pages[1] > 0 ? pages[1] : 0;
	record->swap_pages = pages[2] > 0 ? pages[2] : 0;
	record->shmem_pages = pages[3] > 0 ? pages[3] : 0;
}

/* The least headroom so far, and whether the group as a whole is killed if it is that one's. */
struct least {
	__u64 headroom;
	__u32 grouped;
};

/* Takes the cgroup's counter as the limit if it has less headroom than those below it. */
static __always_inline void take_limit(struct wire_oom *record, struct page_counter *counter,
				       struct least *least, __u32 part, __u32 grouped,
				       struct cgroup *cgroup)
{
	__u64 max = BPF_CORE_READ(counter, max);
	__u64 usage = BPF_CORE_READ(counter, usage.counter);
	__u64 headroom = max > usage ? max - usage : 0;

	if (headroom >= least->headroom)
		return;
	least->headroom = headroom;
	least->grouped = grouped;
	record->limit_part = part;
	record->limit_cgroup_id = cgroup_id_of(cgroup);
	record->limit_pages = max;
	record->usage_pages = usage;
}

/* Names upwards from the victim's cgroup; the limit is the one with the least headroom. */
static __always_inline void read_cgroups(struct wire_oom *record, struct task_struct *victim)
{
	int memory = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	struct cgroup_subsys_state *css = BPF_CORE_READ(victim, cgroups, subsys[memory]);
	struct cgroup *cgroup = deciding_cgroup(victim);
	struct least least = {.headroom = ~0ull};
	__u32 grouped = 0; /* by a setting so far; above the limit it does not apply */
	bool above = false;

	record->part_count = 0;
	record->limit_part = 0;
	record->limit_cgroup_id = 0;
	record->limit_pages = 0;
	record->usage_pages = 0;
	for (__u32 i = 0; i < WIRE_PARTS; i++) {
		struct cgroup *parent = cgroup ? BPF_CORE_READ(cgroup, self.parent, cgroup) : NULL;

		if (!parent) /* the root has no limit */
			break;
		if (bpf_probe_read_kernel_str(record->parts[i], WIRE_NAME,
					      BPF_CORE_READ(cgroup, kn, name)) < 0)
			record->parts[i][0] = 0;
		record->part_count = i + 1;
		/* the controller may be enabled further up only (v2) */
		if (css && (above || BPF_CORE_READ(css, cgroup) == cgroup)) {
			struct mem_cgroup *memcg = (struct mem_cgroup *)css;

			above = true;
			grouped |= BPF_CORE_READ(memcg, oom_group);
			take_limit(record, &memcg->memory, &least, i, grouped, cgroup);
			if (memory_on_v1 && bpf_core_field_exists(memcg->memsw))
				take_limit(record, &memcg->memsw, &least, i, grouped, cgroup);
			css = BPF_CORE_READ(css, parent);
		}
		cgroup = parent;
	}
	if (least.grouped)
		record->flags |= WIRE_OOM_GROUP;
}

static __always_inline __u32 by_limit(void *ctx)
{
	__u64 frames[FRAMES] = {};
	long size = bpf_get_stack(ctx, frames, sizeof(frames), 0);

	if (size <= 0 || !memcg_oom_start)
		return 0;
	for (int i = 0; i < FRAMES; i++)
		if (frames[i] >= memcg_oom_start && frames[i] < memcg_oom_end)
			return WIRE_OOM_STACK_KNOWN | WIRE_OOM_BY_LIMIT;
	return WIRE_OOM_STACK_KNOWN;
}

static __always_inline void read_invoker(struct wire_oom *record)
{
	struct task_struct *invoker = (struct task_struct *)bpf_get_current_task();
	struct known *container = known_of(invoker);

	record->invoker_pid = BPF_CORE_READ(invoker, tgid);
	record->invoker_start_ns = BPF_CORE_READ(invoker, group_leader, start_boottime);
	record->invoker_cgroup_id =
		container ? container->container_id : cgroup_id_of(deciding_cgroup(invoker));
	BPF_CORE_READ_STR_INTO(&record->invoker_comm, invoker, group_leader, comm);
	record->pad = 0;
}

/* Its end is told then, whatever it is. */
static __always_inline void track_victim(__u32 pid, __u64 container_id, __u32 flags)
{
	struct tracked *process = find_tracked(pid);
	struct tracked entry = {
		.cgroup_id = container_id,
		.role = container_id ? WIRE_ROLE_MEMBER : WIRE_ROLE_HOST,
		.flags = flags,
	};

	if (process)
		process->flags |= flags;
	else
		track(pid, &entry);
}

/* flags: how it came to it. */
VERIFIED_ONCE int tell_victim(__u64 address, __u32 flags)
{
	struct task_struct *victim = (struct task_struct *)address;
	struct known *container = known_of(victim);
	__u64 container_id = container ? container->container_id : 0;
	struct wire_oom *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return 0;
	}
	struct mm_struct *mm = BPF_CORE_READ(victim, mm);

	fill_header(&record->header, WIRE_OOM, sizeof(*record),
		    container ? WIRE_ROLE_MEMBER : WIRE_ROLE_HOST,
		    container_id ? container_id : cgroup_id_of(deciding_cgroup(victim)), victim);
	record->container[0] = 0;
	if (container_id)
		container_name(deciding_cgroup(victim), container_id, record->container);
	record->flags = flags;
	record->total_vm_pages = BPF_CORE_READ(mm, total_vm);
	record->pagetable_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	record->oom_score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
	record->uid = BPF_CORE_READ(victim, real_cred, uid.val);
	record->namespace_pid = namespace_pid_of(victim);
	BPF_CORE_READ_STR_INTO(&record->parent_comm, victim, real_parent, group_leader, comm);
	read_rss(record, mm);
	read_cgroups(record, victim);
	read_invoker(record);
	submit(&ring_main, &record->header, true);
	return 0;
}

/*
 * A killer in user space (systemd-oomd, earlyoom) is root's process outside of containers; which of those it is, the
 * agent knows by its name. Shims and runtimes stop containers all day: they are left out here.
 */
VERIFIED_ONCE int tell_sent(__u64 address)
{
	struct task_struct *victim = (struct task_struct *)address;
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if ((__u32)bpf_get_current_uid_gid() != 0 || find_tracked(pid) || known_of(sender))
		return 0;
	struct known *container = known_of(victim);

	if (!container)
		return 0;
	track_victim(BPF_CORE_READ(victim, tgid), container->container_id, 0);
	return tell_victim(address, WIRE_OOM_SENT | WIRE_OOM_STACK_KNOWN);
}

SEC("raw_tp/mark_victim")
int on_mark_victim(struct bpf_raw_tracepoint_args *ctx)
{
	if (!is_mine())
		return 0;
	struct task_struct *victim = victim_of(ctx->args[0]);

	if (!victim)
		return 0;
	struct known *container = known_of(victim);

	track_victim(BPF_CORE_READ(victim, tgid), container ? container->container_id : 0,
		     WIRE_EXIT_OOM_VICTIM);
	tell_victim(address_of(victim), by_limit(ctx));
	return 0;
}
