/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/boot_fixture.h"

#define WAIT_ONLINE "systemd-networkd-wait-online.service"

void script_open(struct script *script)
{
	*script = (struct script){.events = calloc(SCRIPT_MAX, sizeof(*script->events))};
	assert_non_null(script->events);
}

void script_close(struct script *script)
{
	free(script->events);
}

void script_add(struct script *script, struct event event)
{
	assert_true(script->count < SCRIPT_MAX);
	script->events[script->count++] = event;
}

static int by_time(const void *a, const void *b)
{
	const struct event *const *first = a, *const *second = b;
	uint64_t x = (*first)->boot_ns, y = (*second)->boot_ns;

	return x != y ? (x > y) - (x < y) : (*first > *second) - (*first < *second);
}

void script_play(struct script *script, struct fixture *fixture, uint64_t until_ns)
{
	const struct event **order = calloc(script->count, sizeof(*order));

	assert_non_null(order);
	for (size_t i = 0; i < script->count; i++)
		order[i] = &script->events[i];
	qsort(order, script->count, sizeof(*order), by_time);
	for (size_t i = 0; i < script->count && order[i]->boot_ns <= until_ns; i++) {
		pass(fixture, order[i]->boot_ns);
		feed(fixture, *order[i]);
	}
	free(order);
	pass(fixture, until_ns);
}

struct event ev_boot(uint64_t at)
{
	return (struct event){.type = EVENT_BOOT, .boot_ns = at, .boot.userspace_ns = 2 * S};
}

struct event ev_unit(const char *name, uint64_t begin, uint64_t active, uint64_t end)
{
	struct event event = {.type = EVENT_UNIT,
			      .boot_ns = end	  ? end
					 : active ? active
						  : begin,
			      .unit = {.begin_ns = begin, .active_ns = active, .end_ns = end}};

	TEXT_COPY(event.unit.name, name);
	return event;
}

struct event ev_after(const char *unit, const char *after, uint64_t at)
{
	struct event event = {.type = EVENT_UNIT_AFTER, .boot_ns = at};

	TEXT_COPY(event.unit_after.unit, unit);
	TEXT_COPY(event.unit_after.after, after);
	return event;
}

struct event ev_milestone(enum milestone what, const char *unit, uint64_t at)
{
	struct event event = {.type = EVENT_MILESTONE, .boot_ns = at, .milestone.what = what};

	TEXT_COPY(event.milestone.unit, unit);
	return event;
}

static void add_units(struct script *s, const struct node_plan *plan)
{
	uint64_t online = 2500 * MS + (plan->wait_online_ns ? plan->wait_online_ns : 300 * MS);
	uint64_t oneshot = plan->oneshot_ns ? 2500 * MS + plan->oneshot_ns : 0;
	uint64_t containerd = (oneshot > online ? oneshot : online) + 10 * MS;

	script_add(s, ev_unit("systemd-networkd.service", 2300 * MS, 2500 * MS, 0));
	script_add(s, ev_unit(WAIT_ONLINE, 2500 * MS, online, 0));
	script_add(s, ev_unit("network-online.target", online, online, 0));
	script_add(s, ev_after(WAIT_ONLINE, "systemd-networkd.service", 2500 * MS));
	script_add(s, ev_after("network-online.target", WAIT_ONLINE, 2500 * MS));
	if (oneshot) { /* not RemainAfterExit: it is never active */
		script_add(s, ev_unit("slow-disk.service", 2500 * MS, 0, oneshot));
		script_add(s, ev_after("containerd.service", "slow-disk.service", 2500 * MS));
	}
	script_add(s, ev_after("containerd.service", "network-online.target", 2500 * MS));
	script_add(s, ev_after("kubelet.service", "containerd.service", 2500 * MS));
	script_add(s, ev_unit("containerd.service", containerd, containerd + 800 * MS, 0));
	script_add(s, ev_unit("kubelet.service", containerd + 820 * MS, containerd + 820 * MS, 0));
	script_add(s, ev_milestone(MILESTONE_RUNTIME_STARTED, "containerd.service",
				   containerd + 20 * MS));
	script_add(s, ev_milestone(MILESTONE_RUNTIME_READY, "", containerd + 790 * MS));
	script_add(s, ev_milestone(MILESTONE_KUBELET_STARTED, "kubelet.service",
				   containerd + 830 * MS));
	s->runtime_ns = containerd + 800 * MS;
}

void script_node(struct script *s, const struct node_plan *plan)
{
	uint64_t watched = plan->watched_ns ? plan->watched_ns : 2450 * MS;
	struct event boot = {
		.type = EVENT_BOOT,
		.boot_ns = watched,
		.boot = {.firmware_ns = 3 * S,
			 .loader_ns = 1 * S,
			 .initrd_ns = 1200 * MS,
			 .userspace_ns = 2 * S},
	};

	s->kubernetes = plan->kubernetes;
	script_add(s, ev_milestone(MILESTONE_AGENT_STARTED, "nodewake.service", watched));
	script_add(s, ev_up(SOURCE_KERNEL, watched));
	script_add(s, boot);
	add_units(s, plan);
	script_add(s, ev_up(SOURCE_CONTAINERD, watched > s->runtime_ns ? watched : s->runtime_ns));
	s->begin_ns = s->runtime_ns + 300 * MS;
	if (!plan->kubernetes)
		return;
	script_add(s, ev_milestone(MILESTONE_API_READY, "", s->runtime_ns + 1 * S));
	script_add(s, ev_up(SOURCE_KUBERNETES, s->runtime_ns + 1100 * MS));
	script_add(s, ev_milestone(MILESTONE_NODE_READY, "", s->runtime_ns + 2 * S));
	s->begin_ns = s->runtime_ns + 2500 * MS;
}

void pod_uid(const struct pod_plan *plan, char *text)
{
	snprintf(text, POD_UID_SIZE, "%08x-1111-2222-3333-444444444444", plan->n);
}

void sandbox_id(const struct pod_plan *plan, char *text)
{
	snprintf(text, ID_SIZE, "5a%062u", plan->n);
}

void container_id(const struct pod_plan *plan, char *text)
{
	snprintf(text, ID_SIZE, "c1%062u", plan->n);
}

static struct event ev_named(const struct pod_plan *plan, const char *id, const char *sandbox,
			     const char *name, uint64_t at)
{
	struct event event = ev_identity(id, sandbox, name, at);

	TEXT_COPY(event.container.pod, plan->name);
	pod_uid(plan, event.container.pod_uid);
	if (plan->pull_ns)
		snprintf(event.container.image, IMAGE_SIZE, "registry.local/big%u:1", plan->n);
	return event;
}

static struct event ev_pods_cgroup(const struct pod_plan *plan, const char *id, uint64_t cgroup_id,
				   uint64_t at)
{
	struct event event = ev_cgroup(id, cgroup_id, at);

	pod_uid(plan, event.cgroup.pod_uid);
	return event;
}

struct event ev_pod_is(const struct pod_plan *plan, const char *phase, uint64_t ready, uint64_t at)
{
	struct event event = {
		.type = EVENT_POD,
		.boot_ns = at,
		.pod = {.created_ns = plan->fresh ? at : 0,
			.scheduled_ns = 1,
			.ready_ns = ready,
			.ready_arrived = ready > 1},
	};

	pod_uid(plan, event.pod.pod_uid);
	TEXT_COPY(event.pod.pod, plan->name);
	TEXT_COPY(event.pod.pod_namespace, "shop");
	TEXT_COPY(event.pod.phase, phase);
	return event;
}

struct event ev_container_is(const struct pod_plan *plan, enum pod_container_state state,
			     const char *reason, const char *message, bool ready, uint64_t at)
{
	struct event event = {
		.type = EVENT_POD_CONTAINER,
		.boot_ns = at,
		.pod_container = {.state = state,
				  .ready = ready,
				  .ready_arrived = ready,
				  .has_probe = plan->probe_period_s != 0,
				  .probe_period_s = plan->probe_period_s},
	};

	pod_uid(plan, event.pod_container.pod_uid);
	container_id(plan, event.pod_container.container_id);
	TEXT_COPY(event.pod_container.name, "app");
	TEXT_COPY(event.pod_container.image, "localhost:5000/app:1");
	TEXT_COPY(event.pod_container.reason, reason);
	TEXT_COPY(event.pod_container.message, message);
	return event;
}

struct event ev_refused(const struct pod_plan *plan, const char *address, uint16_t port,
			uint64_t at)
{
	struct event event = {
		.type = EVENT_CONNECT_FAILED,
		.boot_ns = at,
		.connect_failed = {.error = 111, .port = port, .began_ns = at - MS, .count = 1},
	};

	container_id(plan, event.connect_failed.container_id);
	TEXT_COPY(event.connect_failed.address, address);
	return event;
}

void script_old_pod(struct script *s, const struct pod_plan *plan)
{
	char id[ID_SIZE];
	struct event event;

	snprintf(id, sizeof(id), "0d%062u", plan->n);
	event = ev_named(plan, id, id, "", s->runtime_ns + 10 * MS);
	event.flags = EVENT_RECONSTRUCTED;
	event.container.created_ns = 0;
	script_add(s, event);
	if (s->kubernetes) /* what the API server has of it is from before the boot */
		script_add(s, ev_pod_is(plan, "Running", 1, s->runtime_ns + 1050 * MS));
}

/* One layer, downloaded from t on and unpacked at the end; is there at t + pull_ns. */
static void add_pull(struct script *s, const struct pod_plan *plan, uint64_t t)
{
	uint64_t end = t + plan->pull_ns;
	struct event ingest = {
		.type = EVENT_INGEST,
		.boot_ns = t + 100 * MS,
		.ingest = {.kind = INGEST_LAYER, .offset = 1, .started_ns = t + 10 * MS},
	};
	struct event unpack = {.type = EVENT_SNAPSHOT,
			       .boot_ns = end - 90 * MS,
			       .snapshot.step = SNAPSHOT_PREPARE};
	struct event layer = {
		.type = EVENT_LAYER,
		.boot_ns = end - 10 * MS,
		.layer = {.count = 1, .bytes = plan->pull_bytes, .committed_ns = end - 100 * MS},
	};
	struct event image = {.type = EVENT_IMAGE,
			      .boot_ns = end,
			      .image = {.step = IMAGE_CREATE, .resolved_ns = t}};

	snprintf(ingest.ingest.digest, DIGEST_SIZE, "sha256:b%063u", plan->n);
	snprintf(unpack.snapshot.chain, DIGEST_SIZE, "sha256:c%063u", plan->n);
	snprintf(image.image.digest, DIGEST_SIZE, "sha256:d%063u", plan->n);
	snprintf(image.image.name, IMAGE_SIZE, "registry.local/big%u:1", plan->n);
	TEXT_COPY(layer.layer.digest, ingest.ingest.digest);
	TEXT_COPY(layer.layer.chain, unpack.snapshot.chain);
	TEXT_COPY(layer.layer.image, image.image.name);
	script_add(s, ingest);
	script_add(s, unpack);
	unpack.snapshot.step = SNAPSHOT_COMMIT;
	unpack.boot_ns = end - 20 * MS;
	script_add(s, unpack);
	script_add(s, layer);
	script_add(s, image);
}

static uint64_t add_sandbox(struct script *s, const struct pod_plan *plan, uint64_t t)
{
	uint64_t network = plan->network_ns ? plan->network_ns : 40 * MS;
	uint32_t pid = 1000 + plan->n * 10;
	char id[ID_SIZE];

	sandbox_id(plan, id);
	script_add(s, ev_exec(ROLE_CNI, id, pid, "/opt/cni/bin/slow-cni", "ADD", t));
	script_add(s, ev_exit(ROLE_CNI, "", pid, 0, 0, t + network));
	t += network;
	script_add(s, ev_rootfs(id, t + 10 * MS));
	script_add(s, ev_named(plan, id, id, "", t + 20 * MS));
	script_add(s, ev_pods_cgroup(plan, id, 500 + plan->n * 2, t + 40 * MS));
	script_add(s, ev_exec(ROLE_ENTRYPOINT, id, pid + 1, "/pause", "", t + 80 * MS));
	script_add(s, ev_task(id, TASK_START, pid + 1, 0, t + 81 * MS));
	return t + 80 * MS;
}

static uint64_t add_container(struct script *s, const struct pod_plan *plan, uint64_t t)
{
	uint32_t pid = 1000 + plan->n * 10;
	char id[ID_SIZE], sandbox[ID_SIZE];

	sandbox_id(plan, sandbox);
	container_id(plan, id);
	script_add(s, ev_rootfs(id, t));
	script_add(s, ev_named(plan, id, sandbox, "app", t + 20 * MS));
	script_add(s, ev_exec(ROLE_RUNTIME, id, pid + 2, "/usr/sbin/runc", "create", t + 30 * MS));
	script_add(s, ev_pods_cgroup(plan, id, 501 + plan->n * 2, t + 40 * MS));
	script_add(s, ev_exit(ROLE_RUNTIME, "", pid + 2, 0, 0, t + 60 * MS));
	script_add(s, ev_exec(ROLE_ENTRYPOINT, id, pid + 3, "/srv", "", t + 80 * MS));
	script_add(s, ev_task(id, TASK_START, pid + 3, 0, t + 81 * MS));
	return t + 80 * MS;
}

uint64_t script_pod(struct script *s, const struct pod_plan *plan, uint64_t begin_ns)
{
	uint64_t t = add_sandbox(s, plan, begin_ns);
	char id[ID_SIZE];

	container_id(plan, id);
	if (!plan->fresh)
		script_old_pod(s, plan);
	if (plan->pull_ns)
		add_pull(s, plan, t + 10 * MS);
	t = add_container(s, plan, t + plan->pull_ns + 20 * MS);
	if (s->kubernetes) {
		script_add(s, ev_container_is(plan, POD_CONTAINER_RUNNING, "", "", false,
					      t + 50 * MS));
		script_add(s, ev_pod_is(plan, "Running", 0, t + 50 * MS));
	}
	t += plan->app_ns ? plan->app_ns : 200 * MS;
	script_add(s, ev_listen(id, 8080, t));
	if (!s->kubernetes)
		return t;
	t += plan->probe_ns ? plan->probe_ns : 100 * MS;
	script_add(s, ev_container_is(plan, POD_CONTAINER_RUNNING, "", "", true, t));
	script_add(s, ev_pod_is(plan, "Running", t, t));
	return t;
}

static void assert_chain(const struct span *before, const struct span *span, uint64_t from)
{
	assert_int_equal(span->from_ns, before ? before->to_ns : from);
	assert_true(span->to_ns > span->from_ns);
}

static uint64_t length(const struct boot_step *step)
{
	return step->span.to_ns - step->span.from_ns;
}

/* Short time without a name that fits into a neighbour (2 % in all: 1 % fits in any case). */
static bool is_left_over(const struct record_boot *boot, uint32_t i)
{
	const struct boot_step *step = &boot->steps[i];
	bool before = i > 0 && length(step) <= length(step - 1) / 100;
	bool after = i + 1 < boot->step_count && length(step) <= length(step + 1) / 100;

	return step->kind == BOOT_STEP_IDLE && length(step) < 10 * MS && (before || after);
}

void assert_boot_is_whole(const struct record_boot *boot)
{
	const struct span *before = NULL;

	assert_true(boot->phase_count <= BOOT_PHASES_MAX && boot->step_count <= BOOT_STEPS_MAX);
	assert_int_equal(boot->span.from_ns, 1);
	for (uint32_t i = 0; i < boot->phase_count; i++) {
		if (boot->phases[i].phase <= BOOT_PHASE_LOADER)
			continue;
		if (i > 0)
			assert_true(boot->phases[i].phase > boot->phases[i - 1].phase);
		assert_chain(before, &boot->phases[i].span, 1);
		before = &boot->phases[i].span;
	}
	assert_non_null(before);
	assert_int_equal(before->to_ns, boot->span.to_ns);
	before = NULL;
	for (uint32_t i = 0; i < boot->step_count; i++) {
		assert_chain(before, &boot->steps[i].span, 1);
		before = &boot->steps[i].span;
		assert_true(!is_left_over(boot, i));
	}
	assert_non_null(before);
	assert_int_equal(before->to_ns, boot->span.to_ns);
}

const struct record *boot_told(const struct fixture *fixture)
{
	const struct record *record = fixture_find(fixture, RECORD_BOOT, "boot");

	assert_non_null(record);
	assert_boot_is_whole(&record->boot);
	return record;
}

const struct boot_step *assert_step(const struct record *record, unsigned int rank,
				    enum boot_step_kind kind, const char *name, enum phase phase,
				    uint64_t ns)
{
	const struct record_boot *boot = &record->boot;

	for (uint32_t i = 0; i < boot->step_count; i++) {
		const struct boot_step *step = &boot->steps[i];
		unsigned int longer = 0;

		for (uint32_t k = 0; k < boot->step_count; k++)
			longer += length(&boot->steps[k]) > length(step) ||
				  (length(&boot->steps[k]) == length(step) && k < i);
		if (longer != rank)
			continue;
		if (step->kind != kind || strcmp(step->name, name) != 0 || step->phase != phase ||
		    length(step) < ns - ns / 20 || length(step) > ns + ns / 20)
			fail_msg("step of rank %u: kind %d name %s phase %d, %.3f s", rank,
				 (int)step->kind, step->name, (int)step->phase,
				 (double)length(step) / 1e9);
		return step;
	}
	fail_msg("no step of rank %u", rank);
	return NULL;
}

void assert_boot_phase(const struct record *record, enum boot_phase phase, uint64_t from,
		       uint64_t to)
{
	for (uint32_t i = 0; i < record->boot.phase_count; i++) {
		const struct boot_phase_span *span = &record->boot.phases[i];

		if (span->phase != phase)
			continue;
		assert_int_equal(span->span.from_ns, from);
		assert_int_equal(span->span.to_ns, to);
		return;
	}
	fail_msg("no phase %d", (int)phase);
}

void world_open(struct world *world, const struct node_plan *plan)
{
	fixture_open(&world->fixture, NULL);
	script_open(&world->script);
	script_node(&world->script, plan);
}

const struct record *world_play(struct world *world, uint64_t until_ns)
{
	script_play(&world->script, &world->fixture, until_ns);
	return boot_told(&world->fixture);
}

void world_close(struct world *world)
{
	script_close(&world->script);
	fixture_close(&world->fixture);
}
