// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Programs that matter are executed: container runtimes, shims and CNI plugins on the host; the
 * entrypoint, its later execs and exec sessions in a container. Everything else is dropped here,
 * after one look-up for the cgroup, so that a fork storm in a container costs next to nothing.
 */
#include <stddef.h>

#include "bpf/file.bpf.c"
#include "bpf/window.bpf.c"

#define REEXECS_MAX	   16
#define SESSIONS_MAX	   16 /* in … */
#define SESSIONS_WINDOW_NS 10000000000ull
#define HOOKS_MAX	   16 /* of one runtime process */

/* Directories of CNI plugins, as words to compare without a branch; an unused mask is all 0. */
const volatile __u64 cni_prefixes[PREFIXES_MAX][PREFIX_WORDS] = {};
const volatile __u64 cni_masks[PREFIXES_MAX][PREFIX_WORDS] = {};

static __always_inline bool is_runc_init(const char comm[8])
{
	return comm[0] == 'r' && comm[1] == 'u' && comm[2] == 'n' && comm[3] == 'c' &&
	       comm[4] == ':' && comm[6] == '2';
}

/*
 * runc's init calls itself runc:[2:INIT] until its execve; runc:[1:CHILD] before, as which it was made. The container's
 * first one is in the container's cgroup by then; that of an exec session joins it later.
 */
SEC("tp_btf/task_rename")
int BPF_PROG(on_task_rename, struct task_struct *task, const char *comm)
{
	if (task->comm[0] != 'r' || !is_mine()) /* each exec is a rename too */
		return 0;
	struct tracked entry = {.role = WIRE_ROLE_NONE};
	char name[8] = {};

	bpf_probe_read_kernel(name, sizeof(name), comm);
	if (!is_runc_init(name) || !comes_from_outside(task))
		return 0;
	struct known *container = quick_known_of(task);
	__u32 pid = task->tgid;

	if (container)
		container->by_runc = 1;
	track(pid, &entry);
	return 0;
}

/* crun and others don't rename: then the first exec that is not the runtime's own is the one. */
static __always_inline bool is_own_reexec(const char file[WIRE_FILE])
{
	return (file[0] == '/' && file[1] == 'p' && file[2] == 'r' && file[3] == 'o' &&
		file[4] == 'c' && file[5] == '/') ||
	       (file[0] == '/' && file[1] == 'd' && file[2] == 'e' && file[3] == 'v' &&
		file[4] == '/' && file[5] == 'f' && file[6] == 'd');
}

static __always_inline bool may_tell_session(struct known *container)
{
	__u64 now_ns = bpf_ktime_get_boot_ns();

	if (now_ns - container->sessions_from_ns >= SESSIONS_WINDOW_NS) {
		container->sessions_from_ns = now_ns;
		container->sessions = 0;
	}
	return ++container->sessions <= SESSIONS_MAX;
}

/* Begins: the first program of what a runtime put into the container. */
static __always_inline bool begins(struct known *container, struct tracked *process,
				   struct task_struct *task, const char file[WIRE_FILE])
{
	if (process && process->role == WIRE_ROLE_NONE)
		return true;
	return !container->by_runc && !is_own_reexec(file) && comes_from_outside(task);
}

static __always_inline __u32 role_in_container(struct known *container, struct tracked *process,
					       struct task_struct *task, __u32 pid,
					       const char file[WIRE_FILE])
{
	if (container->init_pid == pid)
		return ++container->reexecs <= REEXECS_MAX ? WIRE_ROLE_REEXEC : WIRE_ROLE_NONE;
	if (!begins(container, process, task, file))
		return WIRE_ROLE_NONE;
	if (container->init_pid) {
		untrack(pid); /* its end is of no interest any more */
		return may_tell_session(container) ? WIRE_ROLE_SESSION : WIRE_ROLE_NONE;
	}
	return WIRE_ROLE_ENTRYPOINT;
}

static __always_inline void exec_in_container(struct task_struct *task, struct known *container,
					      __u64 cgroup_id, struct linux_binprm *bprm)
{
	__u32 pid = task->tgid;
	struct tracked *process = find_tracked(pid);

	if (container->by_runc && container->init_pid != pid && !process)
		return; /* by far the most */
	char file[WIRE_FILE] = {};

	bpf_probe_read_kernel_str(file, sizeof(file), BPF_CORE_READ(bprm, filename));
	__u32 role = role_in_container(container, process, task, pid, file);

	if (role == WIRE_ROLE_NONE)
		return;
	if (role == WIRE_ROLE_ENTRYPOINT) {
		struct tracked entry = {.cgroup_id = cgroup_id, .role = role};

		container->init_pid = pid;
		container->began_ns = bpf_ktime_get_boot_ns();
		open_window(task, container, cgroup_id, file, container->began_ns);
		begin_reads(task, container, cgroup_id);
		track(pid, &entry);
	}
	if (role != WIRE_ROLE_ENTRYPOINT && !has_room_for_chatter())
		return;
	struct wire_exec *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return;
	}
	fill_header(&record->header, WIRE_EXEC, sizeof(*record), role, cgroup_id, task);
	container_name(deciding_cgroup(task), cgroup_id, record->container);
	__builtin_memcpy(record->file, file, sizeof(file));
	submit(&ring_main, &record->header, role == WIRE_ROLE_ENTRYPOINT);
}

static __always_inline bool is_cni(const char *filename)
{
	__u64 file[WIRE_FILE / 8] = {};

	bpf_probe_read_kernel_str(file, sizeof(file), filename);
	for (int i = 0; i < PREFIXES_MAX; i++) {
		__u64 differs = 0;

		if (!cni_masks[i][0])
			break;
		for (int j = 0; j < PREFIX_WORDS; j++)
			differs |= (file[j] ^ cni_prefixes[i][j]) & cni_masks[i][j];
		if (!differs)
			return true;
	}
	return false;
}

#define FIVE_BYTES 0xffffffffff
#define SIX_BYTES  0xffffffffffff

static __always_inline bool is_shim(const __u64 comm[WIRE_COMM / 8])
{
	return comm[0] == 0x656e6961746e6f63 && comm[1] == 0x6d6968732d6472; /* containerd-shim */
}

/* execve has set comm to the program's base name, cut at 15 characters, before the tracepoint. */
static __always_inline __u32 role_by_name(struct task_struct *task)
{
	__u64 comm[WIRE_COMM / 8];
	char first = task->comm[0];

	if (first != 'c' && first != 'r' && first != 'm')
		return WIRE_ROLE_NONE; /* by far the most */
	quick_comm(task, comm);
	if (is_shim(comm))
		return WIRE_ROLE_SHIM;
	if ((comm[0] & FIVE_BYTES) == 0x636e7572 || (comm[0] & FIVE_BYTES) == 0x6e757263)
		return WIRE_ROLE_RUNTIME; /* runc, crun and their NUL */
	if ((comm[0] & SIX_BYTES) == 0x746e756f6d)
		return WIRE_ROLE_MOUNT; /* mount and its NUL: the kubelet's way to volumes */
	return WIRE_ROLE_NONE;
}

/* Who may execute a CNI plugin: containerd, crio, dockerd, kubelet, K3s, or what is followed, as another plugin is. */
static __always_inline bool may_run_plugins(struct task_struct *leader,
					    const struct tracked *process)
{
	char first = leader->comm[0];

	return process || first == 'c' || first == 'd' || first == 'k';
}

/*
 * By its own name and by who executes it. What a shim executes is the runtime, or a wrapper of it, whatever its name. What
 * these execute are hooks and the wrapper's own helpers. The file's name is looked at last: to read it costs as much as all
 * else here.
 */
static __always_inline __u32 role_on_host(struct task_struct *task, const char *filename)
{
	struct task_struct *leader = task->real_parent->group_leader;
	struct tracked *process = find_tracked(leader->tgid);
	__u32 named = role_by_name(task);

	if (named == WIRE_ROLE_SHIM || named == WIRE_ROLE_RUNTIME)
		return named;
	if (may_run_plugins(leader, process) && is_cni(filename))
		return WIRE_ROLE_CNI;
	if (process && process->role == WIRE_ROLE_RUNTIME)
		return WIRE_ROLE_HOOK;
	return role_by_name(leader) == WIRE_ROLE_SHIM ? WIRE_ROLE_RUNTIME : named;
}

/* How many hooks of one runtime are told is bounded, and theirs are not followed. */
static __always_inline bool may_tell_hook(struct task_struct *task)
{
	struct tracked *runtime = find_tracked(task->real_parent->tgid);

	return runtime && ++runtime->hooks <= HOOKS_MAX;
}

/* The compiler must not forget a bound that the verifier wants to see. */
#define bounded(value, max)                                \
	({                                                 \
		__u64 bounded_value = (value);             \
		if (bounded_value > (max))                 \
			bounded_value = (max);             \
		asm volatile("" : "+r"(bounded_value));    \
		bounded_value > (max) ? 0 : bounded_value; \
	})

static __always_inline void read_environment(struct wire_exec_helper *record, struct mm_struct *mm)
{
	unsigned long from = BPF_CORE_READ(mm, env_start);
	__u64 size = bounded(BPF_CORE_READ(mm, env_end) - from, WIRE_ENVIRONMENT);

	if (bpf_probe_read_user(record->texts, size, (void *)from) == 0)
		record->head_size = size;
}

static __always_inline void read_arguments(struct wire_exec_helper *record, struct mm_struct *mm)
{
	unsigned long from = BPF_CORE_READ(mm, arg_start), to = BPF_CORE_READ(mm, arg_end);
	__u64 size = bounded(to - from, WIRE_ARGS_HEAD);

	if (bpf_probe_read_user(record->texts, size, (void *)from) == 0)
		record->head_size = size;
	/* runc's last argument is the id: with a long --root it lies beyond the head */
	if (to - from > WIRE_ARGS_HEAD &&
	    bpf_probe_read_user(record->texts + WIRE_ARGS_HEAD, WIRE_ARGS_TAIL,
				(void *)(to - WIRE_ARGS_TAIL)) == 0)
		record->tail_size = WIRE_ARGS_TAIL;
}

static __always_inline void tell_helper(struct task_struct *task, __u32 role,
					const __u64 file[WIRE_FILE / 8])
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u32 zero = 0;
	struct wire_exec_helper *record = bpf_map_lookup_elem(&scratch, &zero);

	if (!record)
		return;
	record->head_size = 0;
	record->tail_size = 0;
	if (role == WIRE_ROLE_CNI)
		read_environment(record, mm);
	else if (role != WIRE_ROLE_HOOK)
		read_arguments(record, mm);
	__u64 used = bounded(record->head_size + record->tail_size, WIRE_ENVIRONMENT);
	__u64 size = offsetof(struct wire_exec_helper, texts) + used;

	fill_header(&record->header, WIRE_EXEC_HELPER, size, role, 0, task);
	__builtin_memcpy(record->file, file, WIRE_FILE);
	bool filling = is_filling(&ring_chatter);

	if (filling)
		record->header.flags |= WIRE_URGENT;
	if (bpf_ringbuf_output(&ring_chatter, record, size, filling ? BPF_RB_FORCE_WAKEUP : 0))
		count_loss(WIRE_LOSS_CHATTER_FULL);
	else if (filling)
		__sync_fetch_and_add(&urgent_records, 1);
}

static __always_inline void exec_on_host(struct task_struct *task, struct linux_binprm *bprm)
{
	__u32 role = role_on_host(task, bprm->filename);

	if (role == WIRE_ROLE_NONE)
		return; /* by far the most: nothing is prepared for them */
	struct tracked entry = {.role = role};
	__u64 file[WIRE_FILE / 8] = {};

	bpf_probe_read_kernel_str(file, sizeof(file), bprm->filename);
	if (is_own_reexec((const char *)file)) /* runc starts itself again to become `runc init` */
		return;
	if (role == WIRE_ROLE_HOOK && !may_tell_hook(task))
		return;
	track(task->tgid, &entry);
	tell_helper(task, role, file);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	if (!is_mine())
		return 0;
	struct known *entry = quick_known_of(task);

	if (!entry) {
		exec_on_host(task, bprm);
		return 0;
	}
	if (is_watched(entry->container_id))
		follow_exec(task, old_pid);
	__u64 id = entry->container_id;
	struct known *container = find_known(id);

	if (container)
		exec_in_container(task, container, id, bprm);
	return 0;
}
