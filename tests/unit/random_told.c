// SPDX-License-Identifier: Apache-2.0
/* What Kubernetes, systemd, the journal and the files of /proc tell. */
#include "unit/random_private.h"

static void make_pod(struct chance *chance, struct event_pod *pod, uint64_t now_ns)
{
	*pod = (struct event_pod){
		.created_ns = some_time(chance, now_ns),
		.scheduled_ns = some_time(chance, now_ns),
		.initialized_ns = some_time(chance, now_ns),
		.ready_ns = maybe(chance) ? some_time(chance, now_ns) : 0,
		.deleted_ns = below(chance, 4) ? 0 : some_time(chance, now_ns),
		.grace_s = below(chance, 60),
		.spec_grace_s = below(chance, 60),
		.memory_request_bytes = some_size(chance),
		.is_static = below(chance, 4) == 0,
		.arrived = maybe(chance),
		.ready_arrived = maybe(chance),
	};
	some_uid(chance, pod->pod_uid);
	snprintf(pod->pod, sizeof(pod->pod), "web-%c", below(chance, 4) ? pod->pod_uid[0] : '0');
	TEXT_COPY(pod->pod_namespace, "shop");
	if (below(chance, 4) == 0)
		SAY(pod->disruption, WORDS_REASONS);
	SAY(pod->phase, WORDS_WORDS);
	if (below(chance, 4) == 0)
		SAY(pod->reason, WORDS_REASONS);
	if (below(chance, 4) == 0)
		SAY(pod->message, WORDS_MESSAGES);
	SAY(pod->address, WORDS_ADDRESSES);
	SAY(pod->second_address, WORDS_ADDRESSES);
}

static struct probe_settings some_probe(struct chance *chance)
{
	if (below(chance, 3) == 0)
		return (struct probe_settings){0};
	return (struct probe_settings){1 + below(chance, 30), below(chance, 30),
				       1 + below(chance, 2), below(chance, 4)};
}

static void make_pod_container(struct chance *chance, struct event_pod_container *told)
{
	*told = (struct event_pod_container){
		.init = below(chance, 4) == 0,
		.ready = maybe(chance),
		.ready_arrived = maybe(chance),
		.has_probe = maybe(chance),
		.probe_period_s = below(chance, 30),
		.readiness = some_probe(chance),
		.startup = some_probe(chance),
		.has_liveness = maybe(chance),
		.has_pre_stop = maybe(chance),
		.restarts = below(chance, 5),
		.last_exit_code = (int)below(chance, 4) * 45,
		.exit_code = (int)below(chance, 4) * 45,
		.state = below(chance, POD_CONTAINER_STATE_COUNT),
	};
	some_container(chance, told->container_id);
	uid_of(told->container_id, told->pod_uid);
	if (maybe(chance))
		some_container(chance, told->last_container_id);
	SAY(told->name, WORDS_NAMES);
	SAY(told->image, WORDS_IMAGES);
	SAY(told->last_reason, WORDS_REASONS);
	SAY(told->reason, WORDS_REASONS);
	SAY(told->message, WORDS_MESSAGES);
}

static void make_trouble(struct chance *chance, struct event_pod_trouble *told, uint64_t now_ns)
{
	*told = (struct event_pod_trouble){
		.of_stop = maybe(chance),
		.first_ns = some_time(chance, now_ns),
		.last_ns = now_ns,
		.count = below(chance, 5),
	};
	some_uid(chance, told->pod_uid);
	SAY(told->container, WORDS_NAMES);
	SAY(told->reason, WORDS_REASONS);
	SAY(told->message, WORDS_MESSAGES);
	SAY(told->component, WORDS_WORDS);
}

void random_pod(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_POD:
		make_pod(chance, &event->pod, now_ns);
		break;
	case EVENT_POD_CONTAINER:
		make_pod_container(chance, &event->pod_container);
		break;
	case EVENT_POD_GONE:
		some_uid(chance, event->pod_gone.pod_uid);
		break;
	case EVENT_POD_TROUBLE:
		make_trouble(chance, &event->pod_trouble, now_ns);
		break;
	default:
		SAY(event->address.address, WORDS_ADDRESSES);
		SAY(event->address.name, WORDS_NAMES);
	}
}

void random_boot(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_BOOT:
		event->boot = (struct event_boot){
			some_length(chance), some_length(chance), some_time(chance, now_ns),
			some_time(chance, now_ns), some_time(chance, now_ns)};
		break;
	case EVENT_UNIT:
		event->unit = (struct event_unit){
			.begin_ns = some_time(chance, now_ns),
			.active_ns = some_time(chance, now_ns),
			.end_ns = maybe(chance) ? some_time(chance, now_ns) : 0};
		SAY(event->unit.name, WORDS_UNITS);
		if (below(chance, 4) == 0)
			SAY(event->unit.result, WORDS_REASONS);
		break;
	case EVENT_UNIT_AFTER:
		SAY(event->unit_after.unit, WORDS_UNITS);
		SAY(event->unit_after.after, WORDS_UNITS);
		break;
	case EVENT_MILESTONE:
		event->milestone.what = below(chance, MILESTONE_COUNT);
		SAY(event->milestone.unit, WORDS_UNITS);
		SAY(event->milestone.told_by, WORDS_WORDS);
		break;
	default:
		event->last_boot =
			(struct event_last_boot){.end = below(chance, BOOT_END_COUNT),
						 .last_wall_ns = (int64_t)below(chance, 1000),
						 .down_ns = some_length(chance)};
		SAY(event->last_boot.evidence, WORDS_CAUSES);
	}
}

void random_death(struct chance *chance, struct event *event, uint64_t now_ns)
{
	(void)now_ns;
	switch (event->type) {
	case EVENT_MEMORY: {
		struct process victim = some_process(chance);

		event->memory = (struct event_memory){
			.step = below(chance, MEMORY_STEP_COUNT),
			.victim_pid = victim.pid,
			.victim_start_ns = victim.start_ns,
			.processes = below(chance, 9),
			.worker = below(chance, 4),
			.workers = below(chance, 5),
			.state = {.usage_bytes = some_size(chance),
				  .limit_bytes = some_size(chance),
				  .peak_bytes = some_size(chance),
				  .anon_bytes = some_size(chance),
				  .limit_hits = below(chance, 9),
				  .kills = below(chance, 9),
				  .stalled10 = below(chance, 1000)},
		};
		some_container(chance, event->memory.container_id);
		uid_of(event->memory.container_id, event->memory.pod_uid);
		SAY(event->memory.path, WORDS_CGROUPS);
		break;
	}
	case EVENT_NEIGHBOUR: {
		struct process victim = some_process(chance), other = some_process(chance);

		event->neighbour = (struct event_neighbour){
			.victim_pid = victim.pid,
			.victim_start_ns = victim.start_ns,
			.total = below(chance, 9),
			.who = {.pid = other.pid,
				.start_ns = other.start_ns,
				.rss_kb = some_size(chance),
				.points_kb = (int64_t)some_size(chance)},
		};
		some_container(chance, event->neighbour.container_id);
		SAY(event->neighbour.who.comm, WORDS_COMMS);
		break;
	}
	case EVENT_POD_MEMORY: {
		struct process victim = some_process(chance);

		event->pod_memory = (struct event_pod_memory){.victim_pid = victim.pid,
							      .victim_start_ns = victim.start_ns,
							      .usage_bytes = some_size(chance)};
		some_uid(chance, event->pod_memory.pod_uid);
		break;
	}
	case EVENT_START_FAILED:
		some_container(chance, event->start_failed.container_id);
		event->start_failed.failed.kind = below(chance, START_FAILURE_COUNT);
		SAY(event->start_failed.failed.what, WORDS_PROGRAMS);
		SAY(event->start_failed.failed.text, WORDS_CAUSES);
		break;
	case EVENT_LOG_TAIL:
		some_container(chance, event->log_tail.container_id);
		event->log_tail.tail.lines = 1;
		TEXT_COPY(event->log_tail.tail.text, "out of cheese\n");
		break;
	case EVENT_CORE:
		event->core.pid = some_process(chance).pid;
		some_container(chance, event->core.container_id);
		SAY(event->core.path, WORDS_PATHS);
		break;
	case EVENT_NODE:
		event->node = (struct event_node){maybe(chance) ? some_time(chance, now_ns) : 0,
						  below(chance, 4) == 0};
		break;
	default:
		event->host = (struct event_host){.fact = below(chance, HOST_FACT_COUNT),
						  .count = below(chance, 3)};
		SAY(event->host.resource, WORDS_DISKS);
		SAY(event->host.detail, WORDS_CAUSES);
		SAY(event->host.told_by, WORDS_WORDS);
		SAY(event->host.mount, WORDS_MOUNTS);
		if (below(chance, 3) == 0)
			some_container(chance, event->host.container_id);
	}
}
