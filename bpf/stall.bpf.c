// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the threads of starting containers do: on a CPU, ready to run, or waiting, and for what.
 *
 * The rule by which a start's wall-clock time is attributed: follow the thread that will listen. Each thread carries
 * how its way here was spent; a new thread goes on from where its creator was. So the listening thread's way sums to
 * the time since the exec. Where it waits for somebody of its own container (a lock, a pipe, a child, an event loop),
 * that time counts as what the container's progressing threads did meanwhile: on a CPU if any was, else ready to run,
 * else waiting for a disk; only where nobody went on is it the wait that it is. So thirty idle threads, whatever they
 * wait for, change nothing. A thread that sleeps or waits for a peer by itself is taken at its word.
 *
 * Attached on demand: both tracepoints are among the most frequent ones of a machine.
 */
#include "bpf/syscall.bpf.c"
#include "bpf/window.bpf.c"

#define RUNNING_ONE 1ull
#define READY_ONE   (1ull << 20)
#define DISK_ONE    (1ull << 40)
#define FIELD	    0xfffffull

#define TASK_DEAD   0x80

/* Timers fire late, and the timeout is counted from a little later than the switch. */
#define TIMEOUT_SLACK_NS 1000000ull
#define CLOCKS_APART_NS	 20000ull

/* --- whose, and how it is limited --------------------------------------------------------------- */

#define RUNTIME_INF (~0ull)
#define GROUPS	    4 /* container, pod, QoS class, kubepods */

/* Grows when the limit of one of its groups is lifted again. */
static __always_inline __u64 throttled_ns_of(struct task_struct *task)
{
	struct task_group *group = task->sched_task_group;
	__u64 sum = 0;

	if (!bpf_core_field_exists(group->cfs_bandwidth.throttled_time))
		return 0;
	for (int i = 0; i < GROUPS && group; i++) {
		sum += group->cfs_bandwidth.throttled_time;
		group = group->parent;
	}
	return sum;
}

/* Most have no limit: that is not looked up again. Once for each thread, so by helpers, which the verifier is done with soon. */
static __always_inline bool is_limited(struct task_struct *task)
{
	struct task_group *group = BPF_CORE_READ(task, sched_task_group);

	if (!bpf_core_field_exists(group->cfs_bandwidth.throttled_time))
		return false;
	for (int i = 0; i < GROUPS && group; i++) {
		if (BPF_CORE_READ(group, cfs_bandwidth.quota) != RUNTIME_INF)
			return true;
		group = BPF_CORE_READ(group, parent);
	}
	return false;
}

/* --- the container's progress -------------------------------------------------------------------- */

static __always_inline int progress_of(__u64 counts)
{
	if (counts & FIELD)
		return WIRE_PROGRESS_CPU;
	if (counts & (FIELD << 20))
		return WIRE_PROGRESS_RUN_QUEUE;
	if (counts & (FIELD << 40))
		return WIRE_PROGRESS_DISK;
	return WIRE_PROGRESS_KINDS;
}

/* A stretch of `ns` in which the container's best was `what`. */
static __always_inline void add_progress(__u64 progress[WIRE_PROGRESS_KINDS], int what, __u64 ns,
					 __u64 throttled_ns, __u64 stolen_ns)
{
	__u64 throttled = at_most(throttled_ns, ns), stolen = at_most(stolen_ns, ns);

	switch (what) {
	case WIRE_PROGRESS_CPU:
		__sync_fetch_and_add(&progress[WIRE_PROGRESS_CPU], ns - stolen);
		__sync_fetch_and_add(&progress[WIRE_PROGRESS_RUN_QUEUE], stolen);
		break;
	case WIRE_PROGRESS_RUN_QUEUE:
		__sync_fetch_and_add(&progress[WIRE_PROGRESS_THROTTLED], throttled);
		__sync_fetch_and_add(&progress[WIRE_PROGRESS_RUN_QUEUE], ns - throttled);
		break;
	case WIRE_PROGRESS_DISK:
		__sync_fetch_and_add(&progress[WIRE_PROGRESS_DISK], ns);
		break;
	}
}

/*
 * Threads change their states on several CPUs at once. The counts are one word, and the stretches end where the next
 * begins, whoever ends them: nothing is counted twice, and a stretch of some ns may go to its neighbour.
 */
VERIFIED_ONCE int change(struct wire_window *window, __u64 delta, __u64 now_ns, __u64 throttled_ns)
{
	if (!window || !delta)
		return 0;
	__u64 old = __sync_fetch_and_add(&window->counts, delta);
	int was = progress_of(old), is = progress_of(old + delta);

	if (was == is)
		return 0;
	__u64 began_ns = __sync_lock_test_and_set(&window->changed_ns, now_ns);
	__u64 stolen_ns = __sync_lock_test_and_set(&window->stolen_ns, 0);

	add_progress(window->progress, was, since(now_ns, began_ns),
		     since(throttled_ns, window->throttled_ns), stolen_ns);
	if (is == WIRE_PROGRESS_RUN_QUEUE)
		window->throttled_ns = throttled_ns;
	return 0;
}

static __always_inline void read_progress(struct wire_window *window, __u64 now_ns,
					  __u64 throttled_ns, __u64 progress[WIRE_PROGRESS_KINDS])
{
	__builtin_memcpy(progress, window->progress, sizeof(window->progress));
	__u64 ns = since(now_ns, window->changed_ns);
	int is = progress_of(window->counts);

	if (is == WIRE_PROGRESS_CPU) {
		progress[WIRE_PROGRESS_CPU] += ns;
	} else if (is == WIRE_PROGRESS_RUN_QUEUE) {
		__u64 throttled = at_most(since(throttled_ns, window->throttled_ns), ns);

		progress[WIRE_PROGRESS_THROTTLED] += throttled;
		progress[WIRE_PROGRESS_RUN_QUEUE] += ns - throttled;
	} else if (is == WIRE_PROGRESS_DISK) {
		progress[WIRE_PROGRESS_DISK] += ns;
	}
}

/* --- a thread's way ------------------------------------------------------------------------------- */

static __always_inline void add(struct wire_thread *thread, int stall, __u64 ns)
{
	thread->way[stall & 7] += ns;
	thread->ns[stall & 7] += ns;
}

/* What of its wait the others' progress explains; returns the rest. */
static __always_inline __u64 share(struct wire_window *window, struct wire_thread *thread, __u64 ns,
				   __u64 now_ns, __u64 throttled_ns)
{
	static const __u8 stalls[WIRE_PROGRESS_KINDS] = {
		[WIRE_PROGRESS_CPU] = WIRE_STALL_CPU,
		[WIRE_PROGRESS_RUN_QUEUE] = WIRE_STALL_RUN_QUEUE,
		[WIRE_PROGRESS_THROTTLED] = WIRE_STALL_THROTTLED,
		[WIRE_PROGRESS_DISK] = WIRE_STALL_DISK,
	};
	__u64 now[WIRE_PROGRESS_KINDS];

	read_progress(window, now_ns, throttled_ns, now);
	for (int i = 0; i < WIRE_PROGRESS_KINDS; i++) {
		__u64 part = at_most(since(now[i], thread->progress[i]), ns);

		thread->way[stalls[i] & 7] += part;
		ns -= part;
	}
	return ns;
}

static __always_inline void end_wait(struct wire_window *window, struct wire_thread *thread,
				     __u64 ns, __u64 now_ns, __u64 throttled_ns)
{
	bool timed_out = thread->until_ns && now_ns + TIMEOUT_SLACK_NS >= thread->until_ns;
	int stall = (timed_out ? thread->timed_out : thread->stall) & 7;

	thread->ns[stall] += ns;
	if (thread->shared)
		ns = share(window, thread, ns, now_ns, throttled_ns);
	thread->way[stall] += ns;
}

/*
 * The scheduler leaves out what the hypervisor or interrupts took while it stood on its CPU: then it waited for one. Its
 * clock was read some us earlier than ours: what is no longer than that is nobody's.
 */
static __always_inline __u64 stolen_of(__u64 ns, __u64 ran_ns)
{
	return since(ns, ran_ns) > CLOCKS_APART_NS ? ns - ran_ns : 0;
}

/*
 * The scheduler counts from when it chose the thread, which is before it switches: by 10 us where an idle CPU wakes up,
 * by much where the hypervisor takes the CPU in between. That was said to be of the run queue.
 */
static __always_inline void take_back(struct wire_window *window, struct wire_thread *thread,
				      __u64 early_ns)
{
	__u64 ns = at_most(early_ns, thread->ns[WIRE_STALL_RUN_QUEUE]);

	add(thread, WIRE_STALL_RUN_QUEUE, -ns);
	add(thread, WIRE_STALL_CPU, ns);
	if ((window->counts & FIELD) != RUNNING_ONE) /* another may have run meanwhile */
		return;
	ns = at_most(ns, window->progress[WIRE_PROGRESS_RUN_QUEUE]);
	__sync_fetch_and_add(&window->progress[WIRE_PROGRESS_RUN_QUEUE], -ns);
	__sync_fetch_and_add(&window->progress[WIRE_PROGRESS_CPU], ns);
}

/* What it did while it was taken to run. */
static __always_inline void settle_run(struct wire_window *window, struct wire_thread *thread,
				       __u64 ns, __u64 ran_ns)
{
	__u64 stolen = stolen_of(ns, ran_ns);

	add(thread, WIRE_STALL_CPU, ns - stolen);
	add(thread, WIRE_STALL_RUN_QUEUE, stolen);
	if (stolen)
		__sync_fetch_and_add(&window->stolen_ns, stolen);
	else if (ran_ns > ns)
		take_back(window, thread, ran_ns - ns);
}

/* Its state ends now. ran_ns: what the scheduler has counted for it so far, where it ran. */
VERIFIED_ONCE int settle(struct wire_window *window, struct wire_thread *thread, __u64 now_ns,
			 __u64 throttled_ns, __u64 ran_ns)
{
	if (!window || !thread)
		return 0;
	if (thread->since_ns < attached_ns) { /* nobody watched */
		add(thread, WIRE_STALL_OTHER, attached_ns - thread->since_ns);
		thread->since_ns = attached_ns;
		thread->ran_ns = 0;
		thread->shared = 0;
		thread->throttled_ns = throttled_ns;
	}
	__u64 ns = since(now_ns, thread->since_ns);

	if (thread->state == WIRE_THREAD_RUNNING) {
		settle_run(window, thread, ns, thread->ran_ns ? since(ran_ns, thread->ran_ns) : ns);
	} else if (thread->state == WIRE_THREAD_READY) {
		__u64 throttled = at_most(since(throttled_ns, thread->throttled_ns), ns);

		add(thread, WIRE_STALL_THROTTLED, throttled);
		add(thread, WIRE_STALL_RUN_QUEUE, ns - throttled);
	} else {
		end_wait(window, thread, ns, now_ns, throttled_ns);
	}
	thread->since_ns = now_ns;
	thread->throttled_ns = throttled_ns;
	thread->ran_ns = ran_ns;
	return 0;
}

static __always_inline __u64 weight(const struct wire_thread *thread)
{
	if (thread->state == WIRE_THREAD_RUNNING)
		return RUNNING_ONE;
	if (thread->state == WIRE_THREAD_READY)
		return READY_ONE;
	return thread->stall == WIRE_STALL_DISK ? DISK_ONE : 0;
}

static __always_inline struct wire_window *window_of(const struct wire_thread *thread)
{
	__u32 slot = thread->window;
	struct wire_window *window = bpf_map_lookup_elem(&windows, &slot);

	return window && window->container_id == thread->container_id ? window : NULL;
}

static __always_inline __u64 limit_of(const struct wire_thread *thread, struct task_struct *task)
{
	return thread->limited ? throttled_ns_of(task) : 0;
}

/* Of the current thread, which is about to be switched out. */
VERIFIED_ONCE int begin_wait(struct wire_window *window, struct wire_thread *thread, __u64 now_ns,
			     __u64 throttled_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct wait wait = {.stall = WIRE_STALL_OTHER, .timed_out = WIRE_STALL_SLEEP, .shared = 1};
	struct syscall call;

	if (!window || !thread)
		return 0;
	if (BPF_CORE_READ_BITFIELD(task, in_iowait)) {
		wait.stall = WIRE_STALL_DISK;
		wait.shared = 0;
	} else if (read_syscall(task, &call)) {
		wait_in_call(&wait, thread, task, &call, now_ns);
	}
	thread->stall = wait.stall;
	thread->timed_out = wait.timed_out;
	thread->until_ns = wait.until_ns;
	thread->shared = wait.shared;
	thread->state = WIRE_THREAD_WAITING;
	if (wait.shared)
		read_progress(window, now_ns, throttled_ns, thread->progress);
	return 0;
}

/* --- threads come and go ---------------------------------------------------------------------------- */

/* From `creator`, or, if that is not known, of unknown doings until now. */
static __always_inline void add_thread(struct task_struct *task, __u64 cgroup_id, __u8 state,
				       const struct wire_thread *creator, __u64 now_ns)
{
	struct known *entry = find_known(cgroup_id);

	if (!entry)
		return;
	__u64 id = entry->container_id;
	struct known *container = find_known(id);
	__u32 slot = container ? container->window - 1 : WIRE_WINDOWS_MAX;
	struct wire_window *window = bpf_map_lookup_elem(&windows, &slot);
	struct wire_thread *thread;

	if (!window || window->container_id != id)
		return;
	__sync_fetch_and_add(&window->threads, 1);
	thread = make_thread(task->pid, id, slot, now_ns);
	if (!thread) {
		__sync_fetch_and_add(&window->threads_lost, 1);
		return;
	}
	if (creator && creator->container_id == id) {
		__builtin_memcpy(thread->way, creator->way, sizeof(thread->way));
		thread->way[WIRE_STALL_CPU] += since(now_ns, creator->since_ns); /* it runs */
	} else {
		thread->way[WIRE_STALL_OTHER] = since(now_ns, window->began_ns);
	}
	thread->limited = is_limited(task);
	thread->throttled_ns = limit_of(thread, task);
	thread->state = state;
	thread->ran_ns = task->se.sum_exec_runtime ?: 1;
	change(window, weight(thread), now_ns, thread->throttled_ns);
}

static __always_inline void drop_thread(struct wire_window *window, struct wire_thread *thread,
					__u32 pid)
{
	for (int i = 0; i < WIRE_STALL_KINDS; i++)
		if (thread->ns[i])
			__sync_fetch_and_add(&window->ended_ns[i], thread->ns[i]);
	bpf_map_delete_elem(&threads, &pid);
}

/*
 * It is switched out and was never seen to be switched in: it ran for as long as the scheduler has counted, until now.
 * Some kernels of virtual machines run no program while a thread of their own first process is the current one, which
 * it still is at the switch to the next.
 */
static __always_inline void begin_unseen_run(struct wire_window *window, struct wire_thread *thread,
					     __u64 now_ns, __u64 throttled_ns, __u64 ran_ns)
{
	if (thread->state == WIRE_THREAD_RUNNING || !thread->ran_ns ||
	    thread->since_ns < attached_ns)
		return;
	__u64 ns = at_most(since(ran_ns, thread->ran_ns), since(now_ns, thread->since_ns));
	__u64 before = weight(thread), from_ns = now_ns - ns, changed_ns = window->changed_ns;

	settle(window, thread, from_ns, throttled_ns, ran_ns - ns);
	thread->state = WIRE_THREAD_RUNNING;
	change(window, RUNNING_ONE - before, from_ns > changed_ns ? from_ns : changed_ns,
	       throttled_ns);
}

/* What a switch changes in a container. */
struct turn {
	struct wire_window *window;
	__u64 delta, throttled_ns;
};

static __always_inline void switch_out(struct turn *turn, struct task_struct *task, bool preempt,
				       __u64 cgroup_id, __u64 now_ns)
{
	__u32 pid = task->pid;
	struct wire_thread *thread = bpf_map_lookup_elem(&threads, &pid);
	long state = state_of(task);

	if (!thread) {
		if (state != TASK_DEAD)
			add_thread(task, cgroup_id, WIRE_THREAD_READY, NULL, now_ns);
		return;
	}
	struct wire_window *window = window_of(thread);

	if (!window)
		return;
	turn->throttled_ns = limit_of(thread, task);
	begin_unseen_run(window, thread, now_ns, turn->throttled_ns, task->se.sum_exec_runtime);
	__u64 before = weight(thread);

	settle(window, thread, now_ns, turn->throttled_ns, task->se.sum_exec_runtime);
	if (state == TASK_DEAD) {
		drop_thread(window, thread, pid);
		turn->delta = -before;
	} else if (preempt || !state) {
		thread->state = WIRE_THREAD_READY;
		turn->delta = READY_ONE - before;
	} else {
		begin_wait(window, thread, now_ns, turn->throttled_ns);
		turn->delta = weight(thread) - before;
	}
	turn->window = window;
}

static __always_inline void switch_in(struct turn *turn, struct task_struct *task, __u64 cgroup_id,
				      __u64 now_ns)
{
	__u32 pid = task->pid;
	struct wire_thread *thread = bpf_map_lookup_elem(&threads, &pid);

	if (!thread) {
		add_thread(task, cgroup_id, WIRE_THREAD_RUNNING, NULL, now_ns);
		return;
	}
	struct wire_window *window = window_of(thread);

	if (!window || thread->state == WIRE_THREAD_RUNNING)
		return;
	turn->throttled_ns = limit_of(thread, task);
	turn->delta = RUNNING_ONE - weight(thread);
	settle(window, thread, now_ns, turn->throttled_ns, task->se.sum_exec_runtime);
	thread->state = WIRE_THREAD_RUNNING;
	turn->window = window;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(watch_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 from = quick_cgroup_id(prev), to = quick_cgroup_id(next);
	bool out = is_watched(from), in = is_watched(to);

	if (!out && !in)
		return 0;
	struct turn left = {}, come = {};
	__u64 now_ns = bpf_ktime_get_boot_ns();

	if (out)
		switch_out(&left, prev, preempt, from, now_ns);
	if (in)
		switch_in(&come, next, to, now_ns);
	if (left.window && left.window == come.window) {
		left.delta += come.delta;
		come.window = NULL;
	}
	if (left.window)
		change(left.window, left.delta, now_ns, left.throttled_ns);
	if (come.window)
		change(come.window, come.delta, now_ns, come.throttled_ns);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(watch_wakeup, struct task_struct *task)
{
	if (!is_watched(quick_cgroup_id(task)))
		return 0;
	__u32 pid = task->pid;
	struct wire_thread *thread = bpf_map_lookup_elem(&threads, &pid);

	if (!thread || thread->state != WIRE_THREAD_WAITING)
		return 0;
	struct wire_window *window = window_of(thread);

	if (!window)
		return 0;
	__u64 now_ns = bpf_ktime_get_boot_ns(), throttled_ns = limit_of(thread, task);
	__u64 before = weight(thread);

	settle(window, thread, now_ns, throttled_ns, task->se.sum_exec_runtime);
	thread->state = WIRE_THREAD_READY;
	change(window, READY_ONE - before, now_ns, throttled_ns);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(watch_wakeup_new, struct task_struct *task)
{
	__u64 cgroup_id = quick_cgroup_id(task);

	if (!is_watched(cgroup_id))
		return 0;
	__u32 creator = (__u32)bpf_get_current_pid_tgid();

	add_thread(task, cgroup_id, WIRE_THREAD_READY, bpf_map_lookup_elem(&threads, &creator),
		   bpf_ktime_get_boot_ns());
	return 0;
}
