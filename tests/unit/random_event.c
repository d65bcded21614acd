// SPDX-License-Identifier: Apache-2.0
#include "unit/random_event.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "unit/track_fixture.h"

#define PODS	   3
#define CONTAINERS 4 /* of each pod; the first is the sandbox */

static const char *const images[] = {
	"registry.example/shop/web:1", "localhost:5000/db:2", "docker.io/library/redis:7",
	"sha256:1111111111111111111111111111111111111111111111111111111111111111", ""};
static const char *const digests[] = {
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", ""};
static const char *const names[] = {"app", "side", "init", ""};
static const char *const addresses[] = {"10.43.0.12", "10.42.0.7", "127.0.0.1", "fd00::1", ""};
static const char *const programs[] = {"/app", "/bin/sh", "/pause", "worker", "python3", ""};
static const char *const comms[] = {"app",	"worker",	"runc", "kubelet",
				    "earlyoom", "systemd-oomd", ""};
static const char *const verbs[] = {"create", "start", "kill", "delete", "exec", "ADD", "DEL", ""};
static const char *const reasons[] = {"Completed",
				      "Error",
				      "OOMKilled",
				      "StartError",
				      "Unknown",
				      "ContainerCreating",
				      "ImagePullBackOff",
				      "ErrImagePull",
				      "CrashLoopBackOff",
				      "Evicted",
				      "NodeShutdown",
				      "DeadlineExceeded",
				      "Preempting",
				      "TerminationByKubelet",
				      "EvictionByEvictionAPI",
				      "DeletionByTaintManager",
				      "PreemptionByScheduler",
				      "Killing",
				      "Unhealthy",
				      "FailedMount",
				      "FailedScheduling",
				      "FailedCreatePodSandBox",
				      "FailedPostStartHook",
				      "FailedPreStopHook",
				      "ExceededGracePeriod",
				      "BackOff",
				      ""};
static const char *const messages[] = {
	"Liveness probe failed: HTTP probe failed with statuscode: 500",
	"Startup probe failed: dial tcp 10.42.0.7:80: connect: connection refused",
	"Readiness probe failed: no",
	"Container app failed liveness probe, will be restarted",
	"Container app failed startup probe, will be restarted",
	"Container app failed preStop hook",
	"back-off 2m40s restarting failed container=app pod=web-0_shop(x)",
	"failed to pull and unpack image \"localhost:5000/db:2\": dial tcp 127.0.0.1:5000: "
	"connect: connection refused",
	"Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: "
	"timed out",
	"MountVolume.SetUp failed for volume \"data\" : hostPath type check failed",
	"The node was low on resource: memory.",
	"0/1 nodes are available: 1 Insufficient memory.",
	"exec: \"/srever\": stat /srever: no such file or directory: unknown",
	"error mounting \"/x\" to rootfs at \"/y\": not a directory: unknown",
	"Stopping container app",
	""};
static const char *const units[] = {"containerd.service",
				    "k3s.service",
				    "kubelet.service",
				    "a.service",
				    "b.mount",
				    "network-online.target",
				    ""};
static const char *const causes[] = {"connection lost", "the agent was not running",
				     "kernel ring full", "probe not attached"};
static const char *const words[] = {
	"Pending", "Running", "Succeeded", "Failed", "kubelet", "default-scheduler",
	"journal", "log",     "api",	   "socket", ""};
static const char *const paths[] = {"/models/llama.gguf", "/data/db", "/usr/lib/libx.so", ""};
static const char *const cgroups[] = {"/kubepods/burstable/pod0f0f0f0f-1111-2222-3333-444444444444",
				      "/system.slice", "/kubepods/burstable", "/", ""};
static const char *const mounts[] = {"/", "/var/lib/containerd",
				     "/var/lib/kubelet/pods/0f0f0f0f-1111-2222-3333-444444444444/x",
				     "/data", ""};
static const char *const disks[] = {"sda", "nvme0n1", "sdb1", ""};

/* xorshift64: https://www.jstatsoft.org/article/view/v008i14 */
static uint64_t next(struct chance *chance)
{
	chance->state ^= chance->state << 13;
	chance->state ^= chance->state >> 7;
	chance->state ^= chance->state << 17;
	return chance->state;
}

uint32_t below(struct chance *chance, uint32_t limit)
{
	return (uint32_t)(next(chance) % limit);
}

static bool maybe(struct chance *chance)
{
	return below(chance, 2);
}

#define SAY(to, list) TEXT_COPY(to, (list)[below(chance, sizeof(list) / sizeof(*(list)))])

/* Mostly of the last seconds, now and then not known, of long ago, or a little ahead. */
static uint64_t some_time(struct chance *chance, uint64_t now_ns)
{
	switch (below(chance, 12)) {
	case 0:
		return 0;
	case 1:
		return now_ns > 600 * S ? now_ns - next(chance) % (600 * S) : 1;
	case 2:
		return now_ns + below(chance, 50) * MS;
	default:
		return now_ns - next(chance) % (5 * S);
	}
}

static uint64_t length(struct chance *chance)
{
	return maybe(chance) ? next(chance) % (3 * S) : next(chance) % (20 * MS);
}

static uint64_t size(struct chance *chance)
{
	return below(chance, 5) ? next(chance) % (1ull << (10 + below(chance, 22))) : 0;
}

static void some_container(struct chance *chance, char ret[static ID_SIZE])
{
	uint32_t pod = below(chance, PODS), n = below(chance, CONTAINERS);

	if (below(chance, 20) == 0)
		*ret = '\0';
	else
		snprintf(ret, ID_SIZE, "%c%u%062u", n ? 'c' : '5', pod, n);
}

static void sandbox_of(const char *id, char ret[static ID_SIZE])
{
	snprintf(ret, ID_SIZE, "5%c%062u", id[0] ? id[1] : '0', 0);
}

static void uid_of(const char *id, char ret[static POD_UID_SIZE])
{
	snprintf(ret, POD_UID_SIZE, "%cf0f0f0f-1111-2222-3333-444444444444", id[0] ? id[1] : '0');
}

static void some_uid(struct chance *chance, char ret[static POD_UID_SIZE])
{
	char id[ID_SIZE];

	some_container(chance, id);
	uid_of(id, ret);
}

static struct process some_process(struct chance *chance)
{
	uint32_t pid = 100 + below(chance, 12);

	return (struct process){pid, below(chance, 6) ? pid * 1000ull : 0};
}

static struct signal_seen some_signal(struct chance *chance, uint64_t now_ns)
{
	static const int signals[] = {0, SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGINT};
	struct signal_seen seen = {
		.boot_ns = some_time(chance, now_ns),
		.signal = signals[below(chance, 7)],
		.code = (int)below(chance, 3),
		.ignored = below(chance, 5) == 0,
		.from_kernel = maybe(chance),
		.address = size(chance),
		.sender = some_process(chance),
		.sender_cgroup_id = below(chance, 8),
	};

	SAY(seen.sender_comm, comms);
	return seen;
}

static void make_process(struct chance *chance, struct event *event, uint64_t now_ns)
{
	static const int signals[] = {0, 0, SIGTERM, SIGKILL, SIGSEGV, SIGABRT};

	if (event->type == EVENT_EXEC) {
		struct event_exec *exec = &event->exec;

		exec->who = some_process(chance);
		exec->parent_pid = 100 + below(chance, 12);
		exec->role = below(chance, ROLE_COUNT);
		exec->cgroup_id = below(chance, 8);
		some_container(chance, exec->container_id);
		SAY(exec->comm, comms);
		SAY(exec->file, programs);
		SAY(exec->verb, verbs);
		SAY(exec->pod, names);
		return;
	}
	struct event_exit *exit = &event->exit;

	exit->who = some_process(chance);
	exit->role = below(chance, ROLE_COUNT);
	exit->cgroup_id = below(chance, 8);
	some_container(chance, exit->container_id);
	SAY(exit->comm, comms);
	exit->signal = signals[below(chance, 6)];
	exit->code = exit->signal ? 0 : (int)below(chance, 4);
	exit->parent_pid = 100 + below(chance, 12);
	exit->core_dumped = below(chance, 4) == 0;
	exit->oom_victim = exit->signal == SIGKILL && maybe(chance);
	exit->last[0] = some_signal(chance, now_ns);
	exit->last[1] = some_signal(chance, now_ns);
	exit->namespace_pid = below(chance, 3);
	exit->count = below(chance, 4);
	SAY(exit->parent_comm, comms);
	SAY(exit->file, comms);
}

static void make_oom(struct chance *chance, struct event_oom *oom)
{
	*oom = (struct event_oom){
		.victim = some_process(chance),
		.namespace_pid = below(chance, 3),
		.oom_score_adj = (int)below(chance, 2000) - 1000,
		.cgroup_id = below(chance, 8),
		.anon_kb = size(chance),
		.file_kb = size(chance),
		.shmem_kb = size(chance),
		.group_kill = below(chance, 4) == 0,
		.by_limit = below(chance, 4),
		.limit_cgroup_id = below(chance, 8),
		.limit_bytes = size(chance),
		.usage_bytes = size(chance),
		.invoker = some_process(chance),
		.invoker_cgroup_id = below(chance, 8),
	};
	some_container(chance, oom->container_id);
	SAY(oom->comm, comms);
	SAY(oom->parent_comm, comms);
	SAY(oom->invoker_comm, comms);
	SAY(oom->cgroup_path, cgroups);
	SAY(oom->limit_path, cgroups);
	if (below(chance, 4) == 0)
		TEXT_COPY(oom->killer, "earlyoom");
	if (below(chance, 4) == 0)
		TEXT_COPY(oom->limit_path, oom->container_id);
}

static struct stall_times some_times(struct chance *chance)
{
	struct stall_times times;

	for (int i = 0; i < STALL_COUNT; i++)
		times.ns[i] = maybe(chance) ? length(chance) : 0;
	return times;
}

static void make_why(struct chance *chance, struct event *event, uint64_t now_ns)
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
		SAY(event->stall.reason, causes);
		break;
	case EVENT_FILE_READ:
		event->file_read = (struct event_file_read){
			.cgroup_id = below(chance, 8),
			.file = {.outside = maybe(chance),
				 .bytes = size(chance),
				 .size_bytes = size(chance),
				 .requests = below(chance, 100),
				 .latency_ns = length(chance),
				 .busy_ns = length(chance),
				 .span = {some_time(chance, now_ns), now_ns}},
			.disk_bytes = size(chance),
			.read_bytes = size(chance),
		};
		some_container(chance, event->file_read.container_id);
		SAY(event->file_read.file.path, paths);
		SAY(event->file_read.file.device, disks);
		break;
	case EVENT_DNS:
		event->dns = (struct event_dns){
			.cgroup_id = below(chance, 8),
			.port = 53,
			.code = (int)below(chance, 5) - 1,
			.began_ns = some_time(chance, now_ns),
			.count = below(chance, 3),
			.wait_ns = length(chance),
			.longest_ns = length(chance),
		};
		some_container(chance, event->dns.container_id);
		SAY(event->dns.address, addresses);
		SAY(event->dns.query, names);
		break;
	case EVENT_WORK:
		event->work = (struct event_work){.kind = 1 + below(chance, WORK_KIND_COUNT - 1),
						  .began_ns = some_time(chance, now_ns)};
		some_container(chance, event->work.container_id);
		uid_of(event->work.container_id, event->work.pod_uid);
		if (below(chance, 3) == 0)
			TEXT_COPY(event->work.container_id, "");
		SAY(event->work.name, names);
		break;
	default:
		event->pressure = (struct event_pressure){
			.counted = below(chance, 4),
			.times = {next(chance) % now_ns, next(chance) % now_ns,
				  next(chance) % now_ns, next(chance) % now_ns,
				  next(chance) % now_ns},
			.memory_total_bytes = 1u << 30,
			.memory_available_bytes = size(chance),
			.disk_count = below(chance, 3),
		};
		if (maybe(chance))
			some_uid(chance, event->pressure.pod_uid);
		for (uint32_t i = 0; i < event->pressure.disk_count; i++) {
			SAY(event->pressure.disks[i].name, disks);
			event->pressure.disks[i].requests = below(chance, 1000);
			event->pressure.disks[i].busy_ns = next(chance) % now_ns;
			event->pressure.disks[i].queue_ns = next(chance) % now_ns;
		}
	}
}

static void make_container(struct chance *chance, struct event_container *container,
			   uint64_t now_ns)
{
	*container = (struct event_container){
		.attempt = below(chance, 3),
		.state = below(chance, CONTAINER_STATE_COUNT),
		.pid = 100 + below(chance, 12),
		.cgroup_id = below(chance, 8),
		.created_ns = some_time(chance, now_ns),
		.started_ns = some_time(chance, now_ns),
		.finished_ns = maybe(chance) ? some_time(chance, now_ns) : 0,
		.exit_code = (int)below(chance, 4) * 45,
	};
	some_container(chance, container->container_id);
	if (below(chance, 8))
		sandbox_of(container->container_id, container->sandbox_id);
	uid_of(container->container_id, container->pod_uid);
	snprintf(container->pod, sizeof(container->pod), "web-%c", container->pod_uid[0]);
	TEXT_COPY(container->pod_namespace, "shop");
	SAY(container->name, names);
	SAY(container->image, images);
	SAY(container->image_id, digests);
	SAY(container->reason, reasons);
	SAY(container->message, messages);
}

static void make_image(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_SNAPSHOT:
		event->snapshot.step = below(chance, SNAPSHOT_STEP_COUNT);
		if (below(chance, 3) == 0)
			some_container(chance, event->snapshot.container_id);
		SAY(event->snapshot.chain, digests);
		SAY(event->snapshot.parent, digests);
		break;
	case EVENT_INGEST:
		event->ingest = (struct event_ingest){
			.kind = below(chance, INGEST_KIND_COUNT),
			.offset = size(chance),
			.total = size(chance),
			.started_ns = some_time(chance, now_ns),
			.gone = below(chance, 3) == 0,
			.aborted = below(chance, 4) == 0,
			.peer_port = 443,
		};
		event->boot_ns = now_ns; /* when it was looked at */
		if (event->ingest.started_ns > now_ns)
			event->ingest.started_ns = now_ns;
		SAY(event->ingest.digest, digests);
		SAY(event->ingest.peer, addresses);
		break;
	case EVENT_LAYER:
		event->layer = (struct event_layer){
			.index = below(chance, 3),
			.count = 3,
			.bytes = size(chance),
			.committed_ns = some_time(chance, now_ns),
			.unpacked_bytes = size(chance),
			.unpacked_files = below(chance, 100),
		};
		SAY(event->layer.image, images);
		SAY(event->layer.digest, digests);
		SAY(event->layer.chain, digests);
		break;
	default:
		event->image = (struct event_image){.step = below(chance, IMAGE_STEP_COUNT),
						    .resolved_ns = some_time(chance, now_ns)};
		TEXT_COPY(event->image.name, images[below(chance, 4)]); /* never without */
		SAY(event->image.digest, digests);
		SAY(event->image.image_id, digests);
		SAY(event->image.registry, names);
	}
}

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
		.memory_request_bytes = size(chance),
		.is_static = below(chance, 4) == 0,
		.arrived = maybe(chance),
		.ready_arrived = maybe(chance),
	};
	some_uid(chance, pod->pod_uid);
	snprintf(pod->pod, sizeof(pod->pod), "web-%c", below(chance, 4) ? pod->pod_uid[0] : '0');
	TEXT_COPY(pod->pod_namespace, "shop");
	if (below(chance, 4) == 0)
		SAY(pod->disruption, reasons);
	SAY(pod->phase, words);
	if (below(chance, 4) == 0)
		SAY(pod->reason, reasons);
	if (below(chance, 4) == 0)
		SAY(pod->message, messages);
	SAY(pod->address, addresses);
	SAY(pod->second_address, addresses);
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
	SAY(told->name, names);
	SAY(told->image, images);
	SAY(told->last_reason, reasons);
	SAY(told->reason, reasons);
	SAY(told->message, messages);
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
	SAY(told->container, names);
	SAY(told->reason, reasons);
	SAY(told->message, messages);
	SAY(told->component, words);
}

static void make_boot(struct chance *chance, struct event *event, uint64_t now_ns)
{
	switch (event->type) {
	case EVENT_BOOT:
		event->boot = (struct event_boot){
			length(chance), length(chance), some_time(chance, now_ns),
			some_time(chance, now_ns), some_time(chance, now_ns)};
		break;
	case EVENT_UNIT:
		event->unit = (struct event_unit){
			.begin_ns = some_time(chance, now_ns),
			.active_ns = some_time(chance, now_ns),
			.end_ns = maybe(chance) ? some_time(chance, now_ns) : 0};
		SAY(event->unit.name, units);
		if (below(chance, 4) == 0)
			SAY(event->unit.result, reasons);
		break;
	case EVENT_UNIT_AFTER:
		SAY(event->unit_after.unit, units);
		SAY(event->unit_after.after, units);
		break;
	case EVENT_MILESTONE:
		event->milestone.what = below(chance, MILESTONE_COUNT);
		SAY(event->milestone.unit, units);
		SAY(event->milestone.told_by, words);
		break;
	default:
		event->last_boot =
			(struct event_last_boot){.end = below(chance, BOOT_END_COUNT),
						 .last_wall_ns = (int64_t)below(chance, 1000),
						 .down_ns = length(chance)};
		SAY(event->last_boot.evidence, causes);
	}
}

static void make_death(struct chance *chance, struct event *event, uint64_t now_ns)
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
			.state = {.usage_bytes = size(chance),
				  .limit_bytes = size(chance),
				  .peak_bytes = size(chance),
				  .anon_bytes = size(chance),
				  .limit_hits = below(chance, 9),
				  .kills = below(chance, 9),
				  .stalled10 = below(chance, 1000)},
		};
		some_container(chance, event->memory.container_id);
		uid_of(event->memory.container_id, event->memory.pod_uid);
		SAY(event->memory.path, cgroups);
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
				.rss_kb = size(chance),
				.points_kb = (int64_t)size(chance)},
		};
		some_container(chance, event->neighbour.container_id);
		SAY(event->neighbour.who.comm, comms);
		break;
	}
	case EVENT_POD_MEMORY: {
		struct process victim = some_process(chance);

		event->pod_memory = (struct event_pod_memory){.victim_pid = victim.pid,
							      .victim_start_ns = victim.start_ns,
							      .usage_bytes = size(chance)};
		some_uid(chance, event->pod_memory.pod_uid);
		break;
	}
	case EVENT_START_FAILED:
		some_container(chance, event->start_failed.container_id);
		event->start_failed.failed.kind = below(chance, START_FAILURE_COUNT);
		SAY(event->start_failed.failed.what, programs);
		SAY(event->start_failed.failed.text, causes);
		break;
	case EVENT_LOG_TAIL:
		some_container(chance, event->log_tail.container_id);
		event->log_tail.tail.lines = 1;
		TEXT_COPY(event->log_tail.tail.text, "out of cheese\n");
		break;
	case EVENT_CORE:
		event->core.pid = some_process(chance).pid;
		some_container(chance, event->core.container_id);
		SAY(event->core.path, paths);
		break;
	case EVENT_NODE:
		event->node = (struct event_node){maybe(chance) ? some_time(chance, now_ns) : 0,
						  below(chance, 4) == 0};
		break;
	default:
		event->host = (struct event_host){.fact = below(chance, HOST_FACT_COUNT),
						  .count = below(chance, 3)};
		SAY(event->host.resource, disks);
		SAY(event->host.detail, causes);
		SAY(event->host.told_by, words);
		SAY(event->host.mount, mounts);
		if (below(chance, 3) == 0)
			some_container(chance, event->host.container_id);
	}
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
		.wait_ns = length(chance),
		.longest_ns = length(chance),
	};
	some_container(chance, told->container_id);
	SAY(told->address, addresses);
}

static void make_call(struct chance *chance, struct event_cri_call *call, uint64_t now_ns)
{
	*call = (struct event_cri_call){.method = below(chance, CRI_METHOD_COUNT),
					.began_ns = some_time(chance, now_ns),
					.failed = below(chance, 4) == 0};
	some_container(chance, call->container_id);
	SAY(call->image, images);
	SAY(call->image_id, digests);
}

static void make_source(struct chance *chance, struct event_source *source, uint64_t now_ns)
{
	*source = (struct event_source){
		.source = 1 + below(chance, SOURCE_KIND_COUNT - 1),
		.step = below(chance, SOURCE_STEP_COUNT),
		.count = below(chance, 9),
		.since_ns = now_ns - length(chance),
	};
	if (below(chance, 3)) /* they deliver, most of the time */
		source->step = SOURCE_UP;
	SAY(source->cause, causes);
}

struct event random_event(struct chance *chance, uint64_t now_ns)
{
	struct event event = {
		.type = 1 + below(chance, EVENT_TYPE_COUNT - 1),
		.flags = below(chance, 10) ? 0 : EVENT_RECONSTRUCTED,
		.boot_ns = some_time(chance, now_ns),
	};

	switch (event.type) {
	case EVENT_CGROUP_NEW:
	case EVENT_CGROUP_GONE:
		event.cgroup.cgroup_id = below(chance, 8);
		some_container(chance, event.cgroup.container_id);
		uid_of(event.cgroup.container_id, event.cgroup.pod_uid);
		SAY(event.cgroup.path, cgroups);
		break;
	case EVENT_EXEC:
	case EVENT_EXIT:
		make_process(chance, &event, now_ns);
		break;
	case EVENT_LISTEN:
		event.listen = (struct event_listen){.who = some_process(chance),
						     .cgroup_id = below(chance, 8),
						     .port = (uint16_t)(80 + below(chance, 3))};
		some_container(chance, event.listen.container_id);
		SAY(event.listen.address, addresses);
		break;
	case EVENT_OOM:
		make_oom(chance, &event.oom);
		break;
	case EVENT_STALL:
	case EVENT_FILE_READ:
	case EVENT_DNS:
	case EVENT_WORK:
	case EVENT_PRESSURE:
		make_why(chance, &event, now_ns);
		break;
	case EVENT_CONTAINER:
		make_container(chance, &event.container, now_ns);
		break;
	case EVENT_CONTAINER_GONE:
		some_container(chance, event.container_gone.container_id);
		break;
	case EVENT_TASK:
		event.task = (struct event_task){.step = below(chance, TASK_STEP_COUNT),
						 .pid = some_process(chance).pid,
						 .exit_status = below(chance, 4) * 45,
						 .exited_ns = some_time(chance, now_ns)};
		some_container(chance, event.task.container_id);
		break;
	case EVENT_SNAPSHOT:
	case EVENT_INGEST:
	case EVENT_LAYER:
	case EVENT_IMAGE:
		make_image(chance, &event, now_ns);
		break;
	case EVENT_POD:
		make_pod(chance, &event.pod, now_ns);
		break;
	case EVENT_POD_CONTAINER:
		make_pod_container(chance, &event.pod_container);
		break;
	case EVENT_POD_GONE:
		some_uid(chance, event.pod_gone.pod_uid);
		break;
	case EVENT_POD_TROUBLE:
		make_trouble(chance, &event.pod_trouble, now_ns);
		break;
	case EVENT_ADDRESS:
		SAY(event.address.address, addresses);
		SAY(event.address.name, names);
		break;
	case EVENT_BOOT:
	case EVENT_UNIT:
	case EVENT_UNIT_AFTER:
	case EVENT_MILESTONE:
	case EVENT_LAST_BOOT:
		make_boot(chance, &event, now_ns);
		break;
	case EVENT_CONNECT_SLOW:
	case EVENT_CONNECT_FAILED:
		make_connect(chance, &event.connect_failed, now_ns);
		break;
	case EVENT_CRI_CALL:
		make_call(chance, &event.cri_call, now_ns);
		break;
	case EVENT_SOURCE:
		event.boot_ns = now_ns; /* the agent's own */
		make_source(chance, &event.source, now_ns);
		break;
	default:
		make_death(chance, &event, now_ns);
	}
	return event;
}
