/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/track_fixture.h"

static void keep(void *context, const struct record *record)
{
	struct fixture *fixture = context;

	assert_true(fixture->count < TOLD_MAX);
	fixture->told[fixture->count++] = *record;
}

void fixture_open(struct fixture *fixture, const struct tracker_settings *settings)
{
	static const struct tracker_settings defaults;

	fixture->told = calloc(TOLD_MAX, sizeof(*fixture->told));
	fixture->count = 0;
	assert_non_null(fixture->told);
	assert_int_equal(
		tracker_new(&fixture->tracker, settings ? settings : &defaults, keep, fixture), 0);
}

void fixture_close(struct fixture *fixture)
{
	tracker_free(fixture->tracker);
	free(fixture->told);
}

const struct record *fixture_find(const struct fixture *fixture, enum record_type type,
				  const char *key)
{
	for (size_t i = fixture->count; i > 0; i--)
		if (fixture->told[i - 1].type == type && strcmp(fixture->told[i - 1].key, key) == 0)
			return &fixture->told[i - 1];
	return NULL;
}

static int first_of_key(const struct fixture *fixture, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (fixture->told[j].type == fixture->told[i].type &&
		    strcmp(fixture->told[j].key, fixture->told[i].key) == 0)
			return 0;
	return 1;
}

const struct record *fixture_last(const struct fixture *fixture, enum record_type type, size_t n)
{
	for (size_t i = 0; i < fixture->count; i++)
		if (fixture->told[i].type == type && first_of_key(fixture, i) && n-- == 0)
			return fixture_find(fixture, type, fixture->told[i].key);
	return NULL;
}

size_t fixture_count(const struct fixture *fixture, enum record_type type)
{
	size_t count = 0;

	while (fixture_last(fixture, type, count))
		count++;
	return count;
}

struct event ev_source(enum source_kind source, enum source_step step, const char *cause,
		       uint64_t at)
{
	struct event event = {
		.type = EVENT_SOURCE, .boot_ns = at, .source = {source, step, "", 0, 0}};

	TEXT_COPY(event.source.cause, cause);
	return event;
}

struct event ev_up(enum source_kind source, uint64_t at)
{
	return ev_source(source, SOURCE_UP, "", at);
}

struct event ev_cgroup(const char *id, uint64_t cgroup_id, uint64_t at)
{
	struct event event = {
		.type = EVENT_CGROUP_NEW, .boot_ns = at, .cgroup.cgroup_id = cgroup_id};

	TEXT_COPY(event.cgroup.container_id, id);
	TEXT_COPY(event.cgroup.pod_uid, POD_UID);
	return event;
}

struct event ev_exec(enum process_role role, const char *id, uint32_t pid, const char *file,
		     const char *verb, uint64_t at)
{
	struct event event = {
		.type = EVENT_EXEC,
		.boot_ns = at,
		.exec = {.who = {pid, at - MS}, .role = role},
	};

	TEXT_COPY(event.exec.container_id, id);
	TEXT_COPY(event.exec.file, file);
	TEXT_COPY(event.exec.verb, verb);
	return event;
}

struct event ev_exit(enum process_role role, const char *id, uint32_t pid, int code, int signal,
		     uint64_t at)
{
	struct event event = {
		.type = EVENT_EXIT,
		.boot_ns = at,
		.exit = {.who = {pid, 0}, .role = role, .code = code, .signal = signal},
	};

	TEXT_COPY(event.exit.container_id, id);
	return event;
}

struct event ev_listen(const char *id, uint16_t port, uint64_t at)
{
	struct event event = {.type = EVENT_LISTEN, .boot_ns = at, .listen.port = port};

	TEXT_COPY(event.listen.container_id, id);
	TEXT_COPY(event.listen.address, "0.0.0.0");
	return event;
}

static void name_it(struct event_container *container, const char *id, const char *sandbox,
		    const char *name)
{
	TEXT_COPY(container->container_id, id);
	TEXT_COPY(container->sandbox_id, sandbox);
	TEXT_COPY(container->pod, "web-0");
	TEXT_COPY(container->pod_namespace, "shop");
	TEXT_COPY(container->pod_uid, POD_UID);
	TEXT_COPY(container->name, name);
	TEXT_COPY(container->image, "localhost/web:1");
}

struct event ev_identity(const char *id, const char *sandbox, const char *name, uint64_t at)
{
	struct event event = {.type = EVENT_CONTAINER, .boot_ns = at, .container.created_ns = at};

	name_it(&event.container, id, sandbox, name);
	return event;
}

struct event ev_status(const char *id, const char *sandbox, const char *name,
		       enum container_state state, uint64_t created, uint64_t started,
		       uint64_t finished, int code, const char *reason)
{
	struct event event = {
		.type = EVENT_CONTAINER,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = finished  ? finished
			   : started ? started
				     : created,
		.container = {.state = state,
			      .created_ns = created,
			      .started_ns = started,
			      .finished_ns = finished,
			      .exit_code = code},
	};

	name_it(&event.container, id, sandbox, name);
	TEXT_COPY(event.container.reason, reason);
	return event;
}

struct event ev_task(const char *id, enum task_step step, uint32_t pid, uint32_t status,
		     uint64_t at)
{
	struct event event = {
		.type = EVENT_TASK,
		.boot_ns = at,
		.task = {.step = step, .pid = pid, .exit_status = status},
	};

	TEXT_COPY(event.task.container_id, id);
	if (step == TASK_EXIT)
		event.task.exited_ns = at;
	return event;
}

struct event ev_rootfs(const char *id, uint64_t at)
{
	struct event event = {
		.type = EVENT_SNAPSHOT, .boot_ns = at, .snapshot.step = SNAPSHOT_PREPARE};

	TEXT_COPY(event.snapshot.container_id, id);
	return event;
}

struct event ev_oom(const char *id, uint32_t pid, uint32_t invoker, uint64_t at)
{
	struct event event = {
		.type = EVENT_OOM,
		.boot_ns = at,
		.oom = {.victim = {pid, 7},
			.invoker = {invoker, 7},
			.by_limit = true,
			.cgroup_id = 42,
			.limit_cgroup_id = 42,
			.invoker_cgroup_id = 42,
			.anon_kb = 1000,
			.limit_bytes = 1 << 20},
	};

	TEXT_COPY(event.oom.container_id, id);
	TEXT_COPY(event.oom.comm, "worker");
	snprintf(event.oom.limit_path, sizeof(event.oom.limit_path), "/kubepods/pod" POD_UID "/%s",
		 id);
	return event;
}

struct event ev_gone(const char *id, uint64_t at)
{
	struct event event = {.type = EVENT_CONTAINER_GONE, .boot_ns = at};

	TEXT_COPY(event.container_gone.container_id, id);
	return event;
}

struct event ev_call(enum cri_method method, const char *id, uint64_t began, uint64_t at)
{
	struct event event = {
		.type = EVENT_CRI_CALL,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = at,
		.cri_call = {.method = method, .began_ns = began},
	};

	TEXT_COPY(event.cri_call.container_id, id);
	return event;
}

struct event ev_pulled(const char *image, const char *image_id, uint64_t began, uint64_t at)
{
	struct event event = ev_call(CRI_PULL_IMAGE, "", began, at);

	TEXT_COPY(event.cri_call.image, image);
	TEXT_COPY(event.cri_call.image_id, image_id);
	return event;
}

void feed(struct fixture *fixture, struct event event)
{
	feed_late(fixture, event, event.boot_ns);
}

void feed_late(struct fixture *fixture, struct event event, uint64_t seen_ns)
{
	tracker_event(fixture->tracker, &event, seen_ns);
}

void pass(struct fixture *fixture, uint64_t until_ns)
{
	uint64_t due_ns;

	while ((due_ns = tracker_next_tick_ns(fixture->tracker)) <= until_ns)
		tracker_tick(fixture->tracker, due_ns);
	tracker_tick(fixture->tracker, until_ns);
}

size_t pod_start(struct event *events, uint64_t t)
{
	size_t n = 0;

	events[n++] = ev_exec(ROLE_CNI, SANDBOX, 10, "/opt/cni/bin/bridge", "ADD", t);
	events[n++] = ev_exit(ROLE_CNI, "", 10, 0, 0, t + 40 * MS);
	events[n++] = ev_rootfs(SANDBOX, t + 50 * MS);
	events[n++] = ev_identity(SANDBOX, SANDBOX, "", t + 60 * MS);
	events[n++] = ev_cgroup(SANDBOX, 41, t + 80 * MS);
	events[n++] = ev_exec(ROLE_ENTRYPOINT, SANDBOX, 20, "/pause", "", t + 120 * MS);
	events[n++] = ev_task(SANDBOX, TASK_START, 20, 0, t + 121 * MS);
	events[n++] = ev_rootfs(WEB, t + 200 * MS);
	events[n++] = ev_identity(WEB, SANDBOX, "web", t + 230 * MS);
	events[n++] = ev_exec(ROLE_RUNTIME, WEB, 30, "/usr/sbin/runc", "create", t + 240 * MS);
	events[n++] = ev_cgroup(WEB, 42, t + 250 * MS);
	events[n++] = ev_exit(ROLE_RUNTIME, "", 30, 0, 0, t + 280 * MS);
	events[n++] = ev_exec(ROLE_ENTRYPOINT, WEB, 31, "/srv", "", t + 300 * MS);
	events[n++] = ev_task(WEB, TASK_START, 31, 0, t + 290 * MS); /* it may come earlier */
	events[n++] = ev_listen(WEB, 8080, t + 700 * MS);
	return n;
}
