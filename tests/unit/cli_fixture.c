// SPDX-License-Identifier: Apache-2.0
#include "unit/cli_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

/* 2026-11-23T06:00:00Z at 1000 s after boot */
#define WALL_OFFSET_NS (INT64_C(1795413600) * 1000000000 - INT64_C(1000) * 1000000000)
#define BOOT_ID	       "11111111-2222-3333-4444-555555555555"

void capture_begin(struct capture *capture)
{
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		capture->files[i] = memfd_create("capture", MFD_CLOEXEC);
		capture->before[i] = dup(i + 1);
		dup2(capture->files[i], i + 1);
	}
}

static char *read_file(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	if (text && pread(fd, text, (size_t)size, 0) != size)
		abort();
	close(fd);
	return text;
}

void capture_end(struct capture *capture)
{
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		dup2(capture->before[i], i + 1);
		close(capture->before[i]);
	}
	capture->out = read_file(capture->files[0]);
	capture->error = read_file(capture->files[1]);
}

void capture_done(struct capture *capture)
{
	free(capture->out);
	free(capture->error);
}

size_t capture_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; lines++) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return lines;
}

int capture_verb(struct capture *capture, verb_fn verb, const char *const *words)
{
	char *argv[32] = {NULL};
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	capture_begin(capture);
	int code = verb(argc, argv);

	capture_end(capture);
	return code;
}

void scene_open(struct scene *scene)
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * 86400 * NS_PER_SECOND};
	char why[256];

	strcpy(scene->dir, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	assert_int_equal(store_open(&scene->store, scene->dir, BOOT_ID, &limits, why), 0);
}

void scene_close(struct scene *scene)
{
	static const char *const names[] = {"nodewake.db", "nodewake.db-wal", "nodewake.db-shm",
					    "nodewake.lock"};
	char path[128];

	store_close(scene->store);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", scene->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(scene->dir), 0);
}

void scene_put(struct scene *scene, const struct record *record)
{
	assert_int_equal(store_put(scene->store, record), STORE_NEW);
}

static struct record make(enum record_type type, const char *pod, const char *name,
			  unsigned int second)
{
	struct record record = {
		.type = type,
		.final = true,
		.boot_ns = (1000 + second) * NS_PER_SECOND,
		.wall_offset_ns = WALL_OFFSET_NS,
	};

	snprintf(record.key, sizeof(record.key), "%.30s-%.30s-%u", pod, name, second);
	if (!*pod)
		return record;
	TEXT_COPY(record.subject.pod, pod);
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.container, name);
	TEXT_COPY(record.subject.image, "registry/app:1");
	snprintf(record.subject.pod_uid, POD_UID_SIZE, "uid-of-%.30s", pod);
	snprintf(record.subject.container_id, ID_SIZE, "c0ffee%010u%.30s%.30s", second, pod, name);
	return record;
}

/* sandbox 1 s (network 0.6 s: ptp 0.5 s), pull 2 s, runtime 100 ms, app 900 ms; ends at `second` */
struct record make_start(const char *pod, const char *name, unsigned int second)
{
	struct record record = make(RECORD_START, pod, name, second);
	uint64_t t = record.boot_ns - 4 * NS_PER_SECOND, ms = NS_PER_MS;

	record.start = (struct record_start){
		.state = START_LISTENING,
		.span = {t, t + 4000 * ms},
		.phase_count = 4,
		.phases = {{PHASE_SANDBOX, {t, t + 1000 * ms}, false},
			   {PHASE_PULL, {t + 1000 * ms, t + 3000 * ms}, false},
			   {PHASE_RUNTIME, {t + 3000 * ms, t + 3100 * ms}, false},
			   {PHASE_APP, {t + 3100 * ms, t + 4000 * ms}, false}},
		.network = {t + 100 * ms, t + 700 * ms},
		.plugin_count = 2,
		.plugins = {{.name = "ptp", .span = {t + 100 * ms, t + 600 * ms}},
			    {.name = "host-local",
			     .span = {t + 200 * ms, t + 300 * ms},
			     .nested = true}},
		.download = {t + 1000 * ms, t + 2000 * ms},
		.unpack = {t + 1500 * ms, t + 3000 * ms},
		.pull_bytes = 200000000,
		.listen_ns = t + 4000 * ms,
		.listen_port = 8080,
		.pid = 4242,
	};
	return record;
}

struct record make_exit(const char *pod, const char *name, unsigned int second)
{
	struct record record = make(RECORD_EXIT, pod, name, second);

	record.exit = (struct record_exit){
		.verdict = EXIT_ERROR,
		.code = 3,
		.started_ns = record.boot_ns - 10 * NS_PER_SECOND,
		.finished_ns = record.boot_ns,
		.pid = 4242,
		.comm = "app",
	};
	return record;
}

struct record make_oom(const char *pod, const char *name, unsigned int second)
{
	struct record record = make(RECORD_OOM, pod, name, second);

	record.oom = (struct record_oom){
		.scope = SCOPE_CONTAINER,
		.container_survived = SURVIVAL_YES,
		.victim_total = 1,
		.victim_count = 1,
		.victims = {{.pid = 8476, .comm = "python3", .anon_kb = 480 << 10}},
		.limit_bytes = 512 << 20,
		.usage_bytes = 512 << 20,
		.limit_path = "/kubepods/pod1/c1",
		.invoker_pid = 8476,
		.invoker_comm = "python3",
		.invoker_inside = true,
		.confirmed = true,
	};
	return record;
}

struct record make_pull(const char *image, unsigned int second)
{
	struct record record = make(RECORD_PULL, "", image, second);
	uint64_t t = record.boot_ns - 3 * NS_PER_SECOND;

	record.pull = (struct record_pull){
		.span = {t, record.boot_ns},
		.download = {t, t + 2 * NS_PER_SECOND},
		.unpack = {t + NS_PER_SECOND, record.boot_ns},
		.bytes = 200000000,
		.layers = 4,
		.layers_present = 1,
	};
	TEXT_COPY(record.pull.image, image);
	return record;
}

struct record make_gap(const char *cause, unsigned int second)
{
	struct record record = make(RECORD_GAP, "", cause, second);

	record.gap = (struct record_gap){
		.source = "kernel",
		.span = {record.boot_ns - NS_PER_SECOND, record.boot_ns},
		.count = 7,
	};
	TEXT_COPY(record.gap.cause, cause);
	return record;
}
