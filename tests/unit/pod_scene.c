// SPDX-License-Identifier: Apache-2.0
#include "unit/pod_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/json_shape.h"
#include "store/store.h"

#define MS     NS_PER_MS
#define SECOND NS_PER_SECOND
#define DAY_S  86400
/* 2026-11-23T06:12:10Z: the kernel's start */
#define WALL_OFFSET_NS (INT64_C(1795414330) * 1000000000)
#define BEGIN_MS       UINT64_C(1000000)

static struct span ms(uint64_t from, uint64_t to)
{
	return (struct span){(BEGIN_MS + from) * MS, (BEGIN_MS + to) * MS};
}

static struct record begin(enum record_type type, const char *container, uint64_t end_ms)
{
	struct record record = {
		.type = type,
		.final = true,
		.boot_ns = (BEGIN_MS + end_ms) * MS,
		.wall_offset_ns = WALL_OFFSET_NS,
		.subject = {.pod = "llama-cpp",
			    .pod_namespace = "ai-stack",
			    .pod_uid = "0badcafe-0000-4000-8000-000000000001",
			    .image = "localhost:5000/llama-cpp:1"},
	};

	TEXT_COPY(record.subject.container, container);
	snprintf(record.key, sizeof(record.key), "%d-%s-%u", (int)type, container,
		 (unsigned int)end_ms);
	if (*container)
		snprintf(record.subject.container_id, ID_SIZE, "c0ffee%s", container);
	return record;
}

/* The phases end at these moments; 0: the phase is not there. */
static void phases(struct record *record, uint64_t from, const uint64_t ends[static PHASE_COUNT])
{
	struct record_start *start = &record->start;
	uint64_t at = from;

	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++) {
		if (!ends[phase])
			continue;
		start->phases[start->phase_count++] =
			(struct phase_span){phase, ms(at, ends[phase]), false};
		at = ends[phase];
	}
	start->span = ms(from, at);
}

static struct record init_container(void)
{
	struct record record = begin(RECORD_START, "wait-for-aidb", 13800);
	struct record_start *start = &record.start;

	phases(&record, 0,
	       (uint64_t[PHASE_COUNT]){
		       [PHASE_SANDBOX] = 1100, [PHASE_RUNTIME] = 1200, [PHASE_APP] = 13800});
	start->state = START_EXITED;
	start->init_container = true;
	start->network = ms(50, 1050);
	start->plugin_count = 2;
	start->plugins[0] = (struct plugin_span){.name = "bridge", .span = ms(50, 1050)};
	start->plugins[1] = (struct plugin_span){
		.name = "host-local", .span = ms(100, 300), .code = 1, .nested = true};
	start->why.peer_count = 1;
	start->why.peers[0] = (struct peer_wait){
		.kind = PEER_WAIT_FAILED,
		.address = "10.43.0.12",
		.port = 5432,
		.error = ECONNREFUSED,
		.count = 14,
		.failed = 14,
		.span = ms(1300, 13700),
		.wait_ns = 12400 * MS,
		.name = "ai-stack/aidb",
	};
	return record;
}

static void why_server(struct start_why *why)
{
	why->stall_count = 2;
	why->stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_DISK] = 22100 * MS,
			  [STALL_CPU] = 1800 * MS,
			  [STALL_RUN_QUEUE] = 200 * MS}},
		.threads = {{[STALL_DISK] = 22100 * MS, [STALL_CPU] = 7200 * MS}},
		.thread_count = 8,
	};
	why->stalls[1] = (struct phase_stalls){
		.phase = PHASE_PROBE,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_SLEEP] = 5990 * MS, [STALL_CPU] = 10 * MS}},
		.thread_count = 8,
	};
	why->reads_measured = true;
	why->disk_bytes = UINT64_C(4100000000);
	why->file_count = 1;
	why->files[0] = (struct file_read){
		.path = "/models/llama-7b.gguf",
		.device = "vda",
		.bytes = UINT64_C(4100000000),
		.requests = 32000,
		.latency_ns = 22000 * MS,
		.size_bytes = UINT64_C(4100000000),
		.busy_ns = 21900 * MS,
		.span = ms(75500, 99000),
	};
	why->work_count = 1;
	why->work[0] = (struct work_step){.kind = WORK_RUNTIME,
					  .phase = PHASE_RUNTIME,
					  .name = "runc create",
					  .span = ms(75060, 75140)};
	why->probe_delay_ns = 6000 * MS;
	why->advice_rule = ADVICE_PULL;
	TEXT_COPY(why->advice, "pull 4.2 GB: pre-pull or mirror");
}

static struct record server(void)
{
	struct record record = begin(RECORD_START, "server", 105200);
	struct record_start *start = &record.start;

	phases(&record, 0,
	       (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = 1100,
				       [PHASE_INIT] = 13800,
				       [PHASE_PULL] = 74900,
				       [PHASE_CREATE] = 75000,
				       [PHASE_RUNTIME] = 75100,
				       [PHASE_APP] = 99200,
				       [PHASE_PROBE] = 105200});
	start->state = START_LISTENING;
	start->listen_port = 8080;
	start->probe_period_s = 10;
	start->download = ms(13900, 70000);
	start->unpack = ms(20000, 74800);
	start->pull_bytes = UINT64_C(4200000000);
	start->pull.layer_count = 2;
	start->pull.layers[0] = (struct pull_layer){
		.digest = "sha256:cdc26e2661760123456789",
		.origin = LAYER_FETCHED,
		.bytes = UINT64_C(4100000000),
		.unpacked_bytes = UINT64_C(8000000000),
		.unpacked_files = 12,
		.download = ms(13900, 70000),
		.unpack = ms(70000, 74800),
	};
	start->pull.layers[1] = (struct pull_layer){
		.digest = "sha256:5a1f0b0c00000123456789",
		.origin = LAYER_FETCHED,
		.bytes = UINT64_C(100000000),
		.download = ms(13900, 20000),
		.unpack = ms(20000, 20500),
	};
	why_server(&start->why);
	return record;
}

static struct record metrics(uint32_t attempt, uint64_t from)
{
	struct record record = begin(RECORD_START, "metrics", from + 3100);
	struct record_start *start = &record.start;

	phases(&record, from,
	       (uint64_t[PHASE_COUNT]){[PHASE_RUNTIME] = from + 100, [PHASE_APP] = from + 3100});
	record.subject.attempt = attempt;
	start->state = START_LISTENING;
	start->listen_port = 9090;
	start->why.stall_count = 1;
	start->why.stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_PARTIAL,
		.reason = "9 threads found no room",
		.wall = {{[STALL_CPU] = 2100 * MS, [STALL_THROTTLED] = 900 * MS}},
		.thread_count = 33,
	};
	return record;
}

static void attack(const struct json_shape *shape, char *data)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		size_t elements = field->array_max ? field->array_max : 1;

		for (size_t k = 0; k < elements; k++) {
			char *at = data + field->offset + k * field->size;

			if (field->kind == JSON_KIND_TEXT && *at)
				text_copy(at, field->size, POD_SCENE_HOSTILE);
			else if (field->shape)
				attack(field->shape, at);
		}
	}
}

size_t pod_scene_make(struct record ret[static POD_SCENE_MAX], bool hostile)
{
	uint64_t later = 2 * DAY_S * UINT64_C(1000);
	size_t count = 0;

	ret[count++] = init_container();
	ret[count++] = metrics(0, 75200);
	ret[count++] = server();
	ret[count] = begin(RECORD_START, "", 105200);
	phases(&ret[count], 0,
	       (uint64_t[PHASE_COUNT]){
		       [PHASE_SCHEDULE] = 20, [PHASE_ADMIT] = 40, [PHASE_APP] = 105200});
	ret[count++].start.state = START_READY;
	ret[count] = begin(RECORD_WAIT, "metrics", later - 1000);
	ret[count++].wait = (struct record_wait){
		.reason = "CrashLoopBackOff",
		.message = "back-off 20s restarting",
		.span = ms(later - 21000, later - 1000),
		.count = 1,
		.over = true,
	};
	ret[count] = begin(RECORD_EXIT, "metrics", later - 21000);
	ret[count++].exit = (struct record_exit){
		.verdict = EXIT_CRASHED,
		.signal = SIGSEGV,
		.finished_ns = (BEGIN_MS + later - 21000) * MS,
		.comm = "metrics",
	};
	ret[count++] = metrics(3, later);
	for (size_t i = 0; hostile && i < count; i++) {
		attack(&json_record_head, (char *)&ret[i]);
		snprintf(ret[i].key, sizeof(ret[i].key), "key-%zu", i);
		/* a container stays another */
		if (*ret[i].subject.container)
			ret[i].subject.container[0] = (char)('a' + i % 3);
		attack(json_record_bodies[ret[i].type], (char *)&ret[i].start);
	}
	return count;
}

void pod_scene_fill(const char *dir, bool hostile)
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * DAY_S * SECOND};
	struct record records[POD_SCENE_MAX];
	struct store *store;
	char why[256];
	size_t count = pod_scene_make(records, hostile);

	assert_int_equal(
		store_open(&store, dir, "b0070000-2222-4333-8444-555555555555", &limits, why), 0);
	for (size_t i = 0; i < count; i++) {
		/* the name that explain is asked for */
		if (hostile)
			TEXT_COPY(records[i].subject.pod, "llama-cpp");
		assert_int_equal(store_put(store, &records[i]), STORE_NEW);
	}
	store_close(store);
}
