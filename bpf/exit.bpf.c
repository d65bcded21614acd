// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes whose end matters end: containers' first processes, OOM victims, runtime, shim and CNI
 * processes. With it goes what signal_generate saw sent to them.
 *
 * sched_process_exit fires once per thread; the last one (signal->live is 0) speaks for the group.
 */
#include "bpf/probe.h"

#define FATAL_MASK                                                                              \
	((1ull << 1) | (1ull << 2) | (1ull << 3) | (1ull << 4) | (1ull << 5) | (1ull << 6) |    \
	 (1ull << 7) | (1ull << 8) | (1ull << 9) | (1ull << 11) | (1ull << 13) | (1ull << 15) | \
	 (1ull << 24) | (1ull << 25) | (1ull << 31))

/* include/trace/events/signal.h */
#define RESULT_IGNORED 1
#define RESULT_PENDING 2
#define INFO_PRIVATE   1

static __always_inline void read_info(struct wire_signal *seen, struct kernel_siginfo *info)
{
	if ((unsigned long)info <= INFO_PRIVATE) {
		seen->from_kernel = (unsigned long)info == INFO_PRIVATE;
		return;
	}
	seen->code = BPF_CORE_READ(info, si_code);
	seen->from_kernel = seen->code > 0;
	if (seen->from_kernel) /* si_addr is the first member of the union behind the three ints */
		bpf_probe_read_kernel(&seen->address, sizeof(seen->address), (char *)info + 16);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
	     int result)
{
	if (sig <= 0 || sig > 31 || !(FATAL_MASK & (1ull << sig)) || result == RESULT_PENDING)
		return 0;
	__u32 pid = BPF_CORE_READ(task, tgid);

	if (sig == SIGKILL) {
		__u32 thread = BPF_CORE_READ(task, pid);
		__u64 pointer = (__u64)task;

		bpf_map_update_elem(&killed, &thread, &pointer, BPF_ANY);
	}
	struct tracked *process = bpf_map_lookup_elem(&tracked, &pid);

	if (!process || process->role != WIRE_ROLE_ENTRYPOINT)
		return 0;
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();
	struct wire_signal seen = {.signal = sig, .ignored = result == RESULT_IGNORED};

	seen.boot_ns = bpf_ktime_get_boot_ns();
	seen.sender_pid = BPF_CORE_READ(sender, tgid);
	seen.sender_start_ns = BPF_CORE_READ(sender, group_leader, start_boottime);
	seen.sender_cgroup_id = cgroup_id_of(deciding_cgroup(sender));
	BPF_CORE_READ_STR_INTO(&seen.sender_comm, sender, group_leader, comm);
	struct known *container = bpf_map_lookup_elem(&known, &seen.sender_cgroup_id);

	if (container) /* a nested cgroup's sender is in the container all the same */
		seen.sender_cgroup_id = container->container_id;
	read_info(&seen, info);
	process->last[1] = process->last[0];
	process->last[0] = seen;
	return 0;
}

/* 5.10 leaves the group's code 0 when a single thread exits. */
static __always_inline __u32 wait_status(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 pid = BPF_CORE_READ(task, tgid);
	struct tracked *process = bpf_map_lookup_elem(&tracked, &pid);

	if (!process || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	bool helper = process->role <= WIRE_ROLE_CNI && process->role != WIRE_ROLE_NONE;
	struct wire_exit *record = helper ? bpf_ringbuf_reserve(&ring_chatter, sizeof(*record), 0)
					  : bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(helper ? WIRE_LOSS_CHATTER_FULL : WIRE_LOSS_MAIN_FULL);
		bpf_map_delete_elem(&tracked, &pid);
		return 0;
	}
	__u32 role = process->role;

	if (role == WIRE_ROLE_NONE) { /* runc init that never came to its execve */
		struct known *container = bpf_map_lookup_elem(&known, &process->cgroup_id);

		role = container && container->init_pid ? WIRE_ROLE_SESSION : WIRE_ROLE_ENTRYPOINT;
	}
	fill_header(&record->header, WIRE_EXIT, sizeof(*record), role, process->cgroup_id, task);
	__builtin_memset(record->container, 0, sizeof(record->container));
	if (process->cgroup_id)
		container_name(deciding_cgroup(task), process->cgroup_id, record->container);
	record->status = wait_status(task);
	record->flags = process->flags;
	__builtin_memcpy(record->last, process->last, sizeof(record->last));
	if (helper)
		submit(&ring_chatter, record, record->status != 0); /* a start has failed */
	else
		submit(&ring_main, record, role == WIRE_ROLE_ENTRYPOINT || process->flags);
	bpf_map_delete_elem(&tracked, &pid);
	return 0;
}
