// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes whose end matters end: containers' first processes, OOM victims, runtime, shim and CNI
 * processes, others of containers if a signal ends them. With it goes what signal_generate saw sent to them.
 *
 * sched_process_exit fires once per thread; one that finds no other alive speaks for the group.
 */
#include "bpf/child.bpf.c"
#include "bpf/file.bpf.c"
#include "bpf/oom.bpf.c"
#include "bpf/window.bpf.c"

#define BIT(signal) (1ull << (signal))

/* HUP INT QUIT ILL TRAP ABRT BUS FPE KILL SEGV PIPE TERM XCPU XFSZ SYS: told even if handled */
#define FATAL_MASK                                                                        \
	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | \
	 BIT(11) | BIT(13) | BIT(15) | BIT(24) | BIT(25) | BIT(31))

/* CHLD CONT STOP TSTP TTIN TTOU URG WINCH: never fatal, and by far the most frequent */
#define HARMLESS_MASK \
	(BIT(17) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(23) | BIT(28))

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

/* USR1, ALRM, real-time ones ... are timers and messages to most; fatal to those without a handler. */
static __always_inline bool is_fatal_by_default(struct task_struct *task, int sig, int result)
{
	struct sighand_struct *sighand = BPF_CORE_READ(task, sighand);
	void *handler = (void *)1;

	bpf_probe_read_kernel(&handler, sizeof(handler),
			      (char *)sighand +
				      bpf_core_field_offset(struct sighand_struct, action) +
				      ((sig - 1) & 63) * bpf_core_type_size(struct k_sigaction) +
				      bpf_core_field_offset(struct k_sigaction, sa.sa_handler));
	return result != RESULT_IGNORED && !handler;
}

/* What is ignored after the deciding one, because of it, must not push it out. */
static __always_inline bool is_dying(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT;
}

static __always_inline void note_killed(struct task_struct *task)
{
	__u32 thread = BPF_CORE_READ(task, pid);
	__u64 pointer = (__u64)task;

	if (!bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
		bpf_map_update_elem(&killed, &thread, &pointer, BPF_ANY);
}

static __always_inline void read_signal(struct wire_signal *seen, int sig,
					struct kernel_siginfo *info, int result)
{
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();

	seen->signal = sig;
	seen->ignored = result == RESULT_IGNORED;
	seen->boot_ns = bpf_ktime_get_boot_ns();
	seen->sender_pid = BPF_CORE_READ(sender, tgid);
	seen->sender_start_ns = BPF_CORE_READ(sender, group_leader, start_boottime);
	seen->sender_cgroup_id = cgroup_id_of(deciding_cgroup(sender));
	BPF_CORE_READ_STR_INTO(&seen->sender_comm, sender, group_leader, comm);
	struct known *container = find_known(seen->sender_cgroup_id);

	if (container) /* a nested cgroup's sender is in the container all the same */
		seen->sender_cgroup_id = container->container_id;
	read_info(seen, info);
}

/* It dies of it, unless another signal comes first. */
static __always_inline void signal_to_member(struct task_struct *task, int sig,
					     struct kernel_siginfo *info, int result)
{
	struct wire_signal seen = {};

	if (result == RESULT_IGNORED || (sig != SIGKILL && !is_fatal_by_default(task, sig, result)))
		return;
	if (!known_of(task))
		return;
	read_signal(&seen, sig, info, result);
	seen.family = is_housekeeping(address_of(task));
	note_member(task, &seen);
}

/* A loop of signals costs time, never a record: the last two go with the exit. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
	     int result)
{
	if (!is_mine())
		return 0;
	bool fatal = sig > 0 && sig < 32 && FATAL_MASK & BIT(sig & 31);

	if (sig <= 0 || sig > 64 || (sig < 32 && HARMLESS_MASK & BIT(sig & 31)) ||
	    result == RESULT_PENDING)
		return 0;
	if (sig == SIGKILL)
		note_killed(task);
	if ((sig == SIGKILL || sig == SIGTERM) && (unsigned long)info > INFO_PRIVATE &&
	    result != RESULT_IGNORED)
		tell_sent(address_of(task));
	__u32 pid = task->tgid;
	struct tracked *process = find_tracked(pid);

	if (!process) {
		signal_to_member(task, sig, info, result);
		return 0;
	}
	bool member = process->role == WIRE_ROLE_MEMBER;

	if (!member && process->role != WIRE_ROLE_ENTRYPOINT && process->role != WIRE_ROLE_NONE)
		return 0;
	if (result == RESULT_IGNORED && is_dying(task))
		return 0;
	if (!fatal && !is_fatal_by_default(task, sig, result))
		return 0;
	struct wire_signal seen = {};

	read_signal(&seen, sig, info, result);
	if (member)
		seen.family = is_housekeeping(address_of(task));
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

static __always_inline void tell_helper_end(struct task_struct *task, __u32 role)
{
	struct wire_exit_helper *record = bpf_ringbuf_reserve(&ring_chatter, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_CHATTER_FULL);
		return;
	}
	fill_header(&record->header, WIRE_EXIT_HELPER, sizeof(*record), role, 0, task);
	record->status = wait_status(task);
	record->pad = 0;
	submit(&ring_chatter, &record->header, record->status != 0); /* a start has failed */
}

static __always_inline void tell_end(struct task_struct *task, struct tracked *process, __u32 role,
				     __u64 container_id)
{
	struct wire_exit *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return;
	}
	fill_header(&record->header, WIRE_EXIT, sizeof(*record), role, container_id, task);
	__builtin_memset(record->container, 0, sizeof(record->container));
	if (container_id)
		container_name(deciding_cgroup(task), container_id, record->container);
	record->status = wait_status(task);
	record->flags = process->flags;
	__builtin_memcpy(record->last, process->last, sizeof(record->last));
	record->namespace_pid = namespace_pid_of(task);
	record->total = 0;
	record->told = 0;
	record->pad = 0;
	BPF_CORE_READ_STR_INTO(&record->parent_comm, task, group_leader, real_parent, group_leader,
			       comm);
	__builtin_memset(record->file, 0, sizeof(record->file));
	submit(&ring_main, &record->header, role == WIRE_ROLE_ENTRYPOINT || process->flags);
}

/* runc's init that never came to its execve: ROLE_ENTRYPOINT, or ROLE_SESSION once that was seen. */
static __always_inline void tell_failed_start(struct task_struct *task, struct tracked *process)
{
	struct known *entry = known_of(task);

	if (!entry)
		return; /* of a container that is not known, such as an image build's */
	__u64 id = entry->container_id;
	struct known *container = find_known(id);

	if (container)
		tell_end(task, process,
			 container->init_pid ? WIRE_ROLE_SESSION : WIRE_ROLE_ENTRYPOINT, id);
}

static __always_inline void write_child(struct task_struct *task, struct wire_children *like,
					__u64 container_id, const struct hurt *entry)
{
	if (!has_room_for_chatter()) /* its count is told with the next one */
		return;
	struct wire_exit *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) { /* its count is told with the next one */
		count_loss(WIRE_LOSS_MAIN_FULL);
		return;
	}
	fill_header(&record->header, WIRE_EXIT, sizeof(*record), WIRE_ROLE_MEMBER, container_id,
		    task);
	__builtin_memset(record->container, 0, sizeof(record->container));
	container_name(deciding_cgroup(task), container_id, record->container);
	record->status = wait_status(task);
	record->flags = 0;
	record->namespace_pid = namespace_pid_of(task);
	record->pad = 0;
	read_child(record, task, entry);
	record->total = like->total;
	record->told = like->told;
	like->told = record->total;
	like->told_ns = record->header.boot_ns;
	submit(&ring_main, &record->header, false);
}

static __always_inline void tell_child(struct task_struct *task, __u32 pid, __u32 sig)
{
	struct known *container = quick_known_of(task);

	if (!container || task->signal->live.counter != 0)
		return;
	struct hurt *entry = bpf_map_lookup_elem(&hurt, &pid);
	struct wire_child_key key = {.container_id = container->container_id, .signal = sig};

	if (is_news(entry ? entry->last : NULL, sig, key.container_id)) {
		BPF_CORE_READ_STR_INTO(&key.comm, task, group_leader, comm);
		struct wire_children *like = children_like(&key);

		if (like && count_child(like, pid, bpf_ktime_get_boot_ns()))
			write_child(task, like, key.container_id, entry);
	}
	if (entry)
		bpf_map_delete_elem(&hurt, &pid);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (!is_mine())
		return 0;
	__u32 pid = task->tgid;
	struct tracked *entry = find_tracked(pid);

	if (!entry) {
		__u32 sig = task->exit_code & 0x7f; /* of a group's end each thread has it */

		if (sig)
			tell_child(task, pid, sig);
		return 0;
	}
	if (task->signal->live.counter != 0)
		return 0;
	struct tracked process = *entry;

	/* live was counted down before: two threads can both see it at 0, but only one deletes */
	if (!untrack(pid))
		return 0;
	__u32 sig = task->exit_code & 0x7f;

	/* a signal of root's on the host was seen before, and another one ended it */
	if (process.role == WIRE_ROLE_MEMBER && !process.flags && sig &&
	    !is_news(process.last, sig, process.cgroup_id))
		return 0;
	if (process.role == WIRE_ROLE_NONE)
		tell_failed_start(task, &process);
	else if (process.role <= WIRE_ROLE_CNI || process.role >= WIRE_ROLE_HOOK)
		tell_helper_end(task, process.role);
	else {
		if (process.role == WIRE_ROLE_ENTRYPOINT)
			end_reads(task, process.cgroup_id);
		tell_stalls(task, process.cgroup_id, true, bpf_ktime_get_boot_ns());
		tell_end(task, &process, process.role, process.cgroup_id);
	}
	return 0;
}
