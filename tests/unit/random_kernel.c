// SPDX-License-Identifier: Apache-2.0
/* What the kernel tells: processes, signals, listens, connections, kills; and why a start takes its time. */
#include "unit/random_private.h"

#include <signal.h>

static struct signal_seen some_signal(struct chance *chance, uint64_t now_ns)
{
	static const int signals[] = {0, SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGINT};
	struct signal_seen seen = {
		.boot_ns = some_time(chance, now_ns),
		.signal = signals[below(chance, 7)],
		.code = (int)below(chance, 3),
		.ignored = below(chance, 5) == 0,
		.from_kernel = maybe(chance),
		.address = some_size(chance),
		.sender = some_process(chance),
		.sender_cgroup_id = below(chance, 8),
	};

	SAY(seen.sender_comm, WORDS_COMMS);
	return seen;
}

static void make_exec_or_exit(struct chance *chance, struct event *event, uint64_t now_ns)
{
	static const int signals[] = {0, 0, SIGTERM, SIGKILL, SIGSEGV, SIGABRT};

	if (event->type == EVENT_EXEC) {
		struct event_exec *exec = &event->exec;

		exec->who = some_process(chance);
		exec->parent_pid = 100 + below(chance, 12);
		exec->role = below(chance, ROLE_COUNT);
		exec->cgroup_id = below(chance, 8);
		some_container(chance, exec->container_id);
		SAY(exec->comm, WORDS_COMMS);
		SAY(exec->file, WORDS_PROGRAMS);
		SAY(exec->verb, WORDS_VERBS);
		SAY(exec->pod, WORDS_NAMES);
		return;
	}
	struct event_exit *exit = &event->exit;

	exit->who = some_process(chance);
	exit->role = below(chance, ROLE_COUNT);
	exit->cgroup_id = below(chance, 8);
	some_container(chance, exit->container_id);
	SAY(exit->comm, WORDS_COMMS);
	exit->signal = signals[below(chance, 6)];
	exit->code = exit->signal ? 0 : (int)below(chance, 4);
	exit->parent_pid = 100 + below(chance, 12);
	exit->core_dumped = below(chance, 4) == 0;
	exit->oom_victim = exit->signal == SIGKILL && maybe(chance);
	exit->last[0] = some_signal(chance, now_ns);
	exit->last[1] = some_signal(chance, now_ns);
	exit->namespace_pid = below(chance, 3);
	exit->count = below(chance, 4);
	SAY(exit->parent_comm, WORDS_COMMS);
	SAY(exit->file, WORDS_COMMS);
}

static void make_oom(struct chance *chance, struct event_oom *oom)
{
	*oom = (struct event_oom){
		.victim = some_process(chance),
		.namespace_pid = below(chance, 3),
		.oom_score_adj = (int)below(chance, 2000) - 1000,
		.cgroup_id = below(chance, 8),
		.anon_kb = some_size(chance),
		.file_kb = some_size(chance),
		.shmem_kb = some_size(chance),
		.group_kill = below(chance, 4) == 0,
		.by_limit = below(chance, 4),
		.limit_cgroup_id = below(chance, 8),
		.limit_bytes = some_size(chance),
		.usage_bytes = some_size(chance),
		.invoker = some_process(chance),
		.invoker_cgroup_id = below(chance, 8),
	};
	some_container(chance, oom->container_id);
	SAY(oom->comm, WORDS_COMMS);
	SAY(oom->parent_comm, WORDS_COMMS);
	SAY(oom->invoker_comm, WORDS_COMMS);
	SAY(oom->cgroup_path, WORDS_CGROUPS);
	SAY(oom->limit_path, WORDS_CGROUPS);
	if (below(chance, 4) == 0)
		TEXT_COPY(oom->killer, "earlyoom");
	if (below(chance, 4) == 0)
		TEXT_COPY(oom->limit_path, oom->container_id);
}

static void make_connect(struct chance *chance, struct event_connect_failed *told, uint64_t now_ns)
{
	static const int errors[] = {0, 111, 110, 113};

	*told = (struct event_connect_failed){
		.who = some_process(chance),
		.cgroup_id = below(chance, 8),
		.port = (uint16_t)(5430 + below(chance, 4)),
		.error = errors[below(chance, 4)],
		.began_ns = some_time(chance, now_ns),
		.count = below(chance, 4),
		.wait_ns = some_length(chance),
		.longest_ns = some_length(chance),
	};
	some_container(chance, told->container_id);
	SAY(told->address, WORDS_ADDRESSES);
}

void random_process(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_CGROUP_NEW:
	case EVENT_CGROUP_GONE:
		event->cgroup.cgroup_id = below(chance, 8);
		some_container(chance, event->cgroup.container_id);
		uid_of(event->cgroup.container_id, event->cgroup.pod_uid);
		SAY(event->cgroup.path, WORDS_CGROUPS);
		break;
	case EVENT_LISTEN:
		event->listen = (struct event_listen){.who = some_process(chance),
						      .cgroup_id = below(chance, 8),
						      .port = (uint16_t)(80 + below(chance, 3))};
		some_container(chance, event->listen.container_id);
		SAY(event->listen.address, WORDS_ADDRESSES);
		break;
	case EVENT_OOM:
		make_oom(chance, &event->oom);
		break;
	case EVENT_CONNECT_SLOW:
	case EVENT_CONNECT_FAILED:
		make_connect(chance, &event->connect_failed, now_ns);
		break;
	default:
		make_exec_or_exit(chance, event, now_ns);
	}
}

static struct stall_times some_times(struct chance *chance)
{
	struct stall_times times;

	for (int i = 0; i < STALL_COUNT; i++)
		times.ns[i] = maybe(chance) ? some_length(chance) : 0;
	return times;
}

void random_why(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_STALL:
		event->stall = (struct event_stall){
			.cgroup_id = below(chance, 8),
			.step = below(chance, STALL_STEP_COUNT),
			.grade = below(chance, STALL_GRADE_COUNT),
			.path = some_times(chance),
			.threads = some_times(chance),
			.thread_count = below(chance, 40),
		};
		some_container(chance, event->stall.container_id);
		SAY(event->stall.reason, WORDS_CAUSES);
		break;
	case EVENT_FILE_READ:
		event->file_read = (struct event_file_read){
			.cgroup_id = below(chance, 8),
			.file = {.outside = maybe(chance),
				 .bytes = some_size(chance),
				 .size_bytes = some_size(chance),
				 .requests = below(chance, 100),
				 .latency_ns = some_length(chance),
				 .busy_ns = some_length(chance),
				 .span = {some_time(chance, now_ns), now_ns}},
			.disk_bytes = some_size(chance),
			.read_bytes = some_size(chance),
		};
		some_container(chance, event->file_read.container_id);
		SAY(event->file_read.file.path, WORDS_PATHS);
		SAY(event->file_read.file.device, WORDS_DISKS);
		break;
	case EVENT_DNS:
		event->dns = (struct event_dns){
			.cgroup_id = below(chance, 8),
			.port = 53,
			.code = (int)below(chance, 5) - 1,
			.began_ns = some_time(chance, now_ns),
			.count = below(chance, 3),
			.wait_ns = some_length(chance),
			.longest_ns = some_length(chance),
		};
		some_container(chance, event->dns.container_id);
		SAY(event->dns.address, WORDS_ADDRESSES);
		SAY(event->dns.query, WORDS_NAMES);
		break;
	case EVENT_WORK:
		event->work = (struct event_work){.kind = 1 + below(chance, WORK_KIND_COUNT - 1),
						  .began_ns = some_time(chance, now_ns)};
		some_container(chance, event->work.container_id);
		uid_of(event->work.container_id, event->work.pod_uid);
		if (below(chance, 3) == 0)
			TEXT_COPY(event->work.container_id, "");
		SAY(event->work.name, WORDS_NAMES);
		break;
	default:
		event->pressure = (struct event_pressure){
			.counted = below(chance, 4),
			.times = {random_number(chance) % now_ns, random_number(chance) % now_ns,
				  random_number(chance) % now_ns, random_number(chance) % now_ns,
				  random_number(chance) % now_ns},
			.memory_total_bytes = 1u << 30,
			.memory_available_bytes = some_size(chance),
			.disk_count = below(chance, 3),
		};
		if (maybe(chance))
			some_uid(chance, event->pressure.pod_uid);
		for (uint32_t i = 0; i < event->pressure.disk_count; i++) {
			SAY(event->pressure.disks[i].name, WORDS_DISKS);
			event->pressure.disks[i].requests = below(chance, 1000);
			event->pressure.disks[i].busy_ns = random_number(chance) % now_ns;
			event->pressure.disks[i].queue_ns = random_number(chance) % now_ns;
		}
	}
}
