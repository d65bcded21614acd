// SPDX-License-Identifier: Apache-2.0
#include "unit/boot_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"

#define MS     NS_PER_MS
#define SECOND INT64_C(1000000000)
/* 2026-11-23T06:12:10Z: the kernel's start of the boot that is looked at */
#define LATEST_S INT64_C(1795414330)

#define HOSTILE \
	"</script><img src=x onerror=\"alert(1)\">'&\033[2J\r\n\xc2\x9b\xff\u202e`;$(x)]]>-->"

const char *boot_flavour_name(enum boot_flavour flavour)
{
	static const char *const names[] = {
		[BOOT_SLOW] = "slow",	[BOOT_BROKEN] = "broken", [BOOT_LATE] = "late",
		[BOOT_WAKES] = "wakes", [BOOT_WOKEN] = "woken",	  [BOOT_HOSTILE] = "hostile",
	};

	return names[flavour];
}

void boot_scene_id(unsigned int n, char ret[static BOOT_ID_SIZE])
{
	snprintf(ret, BOOT_ID_SIZE, "%08x-2222-4333-8444-555555555555", 0xb0070000u + n);
}

/* --- one boot --------------------------------------------------------------------------------- */

struct making {
	struct store *store;
	int64_t wall_offset_ns;
	bool hostile, reconstructed;
	unsigned int starts; /* made so far: keys */
};

static struct span ms(uint64_t from, uint64_t to)
{
	return (struct span){from * MS + 1, to * MS + 1};
}

static void copy(const struct making *making, char *to, size_t size, const char *from)
{
	text_copy(to, size, making->hostile ? HOSTILE : from);
}
#define COPY(array, from) copy(making, array, sizeof(array), from)

static struct record begin(const struct making *making, enum record_type type, uint64_t boot_ns)
{
	return (struct record){
		.type = type,
		.final = true,
		.boot_ns = boot_ns,
		.wall_offset_ns = making->wall_offset_ns,
	};
}

static void put(const struct making *making, const struct record *record)
{
	enum store_put_result result = store_put(making->store, record);

	assert_true(result <= STORE_KNOWN);
}

static void unit(struct making *making, const char *name, uint64_t from, uint64_t to,
		 const char *after, const char *result)
{
	struct record record = begin(making, RECORD_UNIT, to * MS + 1);

	TEXT_COPY(record.key, name);
	COPY(record.unit.name, name);
	COPY(record.unit.after, after);
	if (*result)
		COPY(record.unit.result, result);
	record.unit.span = ms(from, to);
	put(making, &record);
}

/* Phases end at these moments; 0: the phase is not there. */
static void start(struct making *making, const char *pod, const char *container, uint64_t from,
		  const uint64_t ends[static PHASE_COUNT], enum start_state state)
{
	uint64_t at = from;
	struct record record = begin(making, RECORD_START, 0);
	struct record_start *it = &record.start;

	snprintf(record.key, sizeof(record.key), "start-%u", making->starts++);
	COPY(record.subject.pod, pod);
	COPY(record.subject.pod_namespace, "ai-stack");
	COPY(record.subject.container, container);
	COPY(record.subject.image, "localhost:5000/app:1");
	snprintf(record.subject.container_id, ID_SIZE, "c0ffee%.40s%.20s", pod, container);
	snprintf(record.subject.pod_uid, POD_UID_SIZE, "uid-%.30s", pod);
	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++) {
		if (!ends[phase])
			continue;
		it->phases[it->phase_count++] =
			(struct phase_span){phase, ms(at, ends[phase]), making->reconstructed};
		at = ends[phase];
	}
	it->state = state;
	it->span = ms(from, at);
	it->listen_port = state == START_LISTENING ? 8080 : 0;
	if (ends[PHASE_SANDBOX]) {
		it->network = ms(from + 100, from + 700);
		it->plugin_count = 1;
		it->plugins[0].span = it->network;
		COPY(it->plugins[0].name, "bridge");
	}
	record.boot_ns = at * MS + 1;
	put(making, &record);
}

static void pull(struct making *making, const char *image, uint64_t from, uint64_t to,
		 uint64_t bytes)
{
	struct record record = begin(making, RECORD_PULL, to * MS + 1);

	snprintf(record.key, sizeof(record.key), "pull-%.80s", image);
	COPY(record.pull.image, image);
	record.pull.span = ms(from, to);
	record.pull.download = ms(from, to - (to - from) / 10);
	record.pull.unpack = ms(from + (to - from) / 10, to);
	record.pull.bytes = bytes;
	record.pull.layers = 5;
	put(making, &record);
}

static void wait_for(struct making *making, const char *pod, const char *container,
		     const char *reason, const char *message, uint64_t from, uint64_t to)
{
	struct record record = begin(making, RECORD_WAIT, (to ? to : from) * MS + 1);

	snprintf(record.key, sizeof(record.key), "wait-%.40s-%.40s", pod, container);
	COPY(record.subject.pod, pod);
	COPY(record.subject.pod_namespace, "ai-stack");
	COPY(record.subject.container, container);
	COPY(record.wait.reason, reason);
	COPY(record.wait.message, message);
	record.wait.span = ms(from, to);
	if (!to)
		record.wait.span.to_ns = 0;
	record.wait.over = to;
	record.wait.count = 4;
	put(making, &record);
}

/* The boot record's own parts, each from where the one before ended. */
struct drawing {
	struct making *making;
	struct record_boot *boot;
	uint64_t phase_at, step_at;
};

static void phase(struct drawing *drawing, enum boot_phase which, uint64_t to, const char *name)
{
	const struct making *making = drawing->making;
	struct boot_phase_span *span = &drawing->boot->phases[drawing->boot->phase_count++];

	*span = (struct boot_phase_span){
		.phase = which,
		.span = ms(drawing->phase_at, to),
		.reconstructed = drawing->making->reconstructed && which > BOOT_PHASE_USERSPACE,
	};
	if (*name)
		COPY(span->unit, name);
	drawing->phase_at = to;
}

static void step(struct drawing *drawing, enum boot_step_kind kind, uint64_t to, const char *pod,
		 const char *name, enum phase of, const char *detail)
{
	const struct making *making = drawing->making;
	struct boot_step *it = &drawing->boot->steps[drawing->boot->step_count++];

	*it = (struct boot_step){
		.kind = kind,
		.span = ms(drawing->step_at, to),
		.phase = of,
		.reconstructed = drawing->making->reconstructed && kind == BOOT_STEP_POD,
	};
	if (*name)
		COPY(it->name, name);
	if (*pod)
		COPY(it->pod, pod);
	if (*detail)
		COPY(it->detail, detail);
	drawing->step_at = to;
}

static void missing(struct drawing *drawing, const char *pod, const char *container,
		    const char *reason, const char *detail)
{
	const struct making *making = drawing->making;
	struct boot_missing *it = &drawing->boot->missing[drawing->boot->missing_count++];

	COPY(it->pod, pod);
	COPY(it->container, container);
	COPY(it->reason, reason);
	COPY(it->detail, detail);
	drawing->boot->missing_total++;
}

/* Units of every boot here; userspace ends at `until` ms. */
static void units(struct making *making, uint64_t until)
{
	unit(making, "systemd-journald.service", 2400, 2700, "", "");
	unit(making, "systemd-udevd.service", 2750, 3300, "systemd-journald.service", "");
	unit(making, "dev-vda1.device", 2400, 3900, "", "");
	unit(making, "var-lib-rancher.mount", 3950, 4300, "dev-vda1.device", "");
	unit(making, "systemd-networkd.service", 3900, 4400, "systemd-udevd.service", "");
	unit(making, "systemd-networkd-wait-online.service", 4400, until - 100,
	     "systemd-networkd.service", "");
	unit(making, "chrony.service", 4500, 4800, "systemd-networkd.service", "");
	unit(making, "smartd.service", 4600, 4750, "", "exit-code");
	unit(making, "k3s.service", until, until + 21500, "network-online.target", "");
}

/* firmware 5 s, loader 1.1 s, kernel 2.3 s, userspace to `online`, k3s 21.5 s, node 1 s, pods to `end` (ms) */
static void whole(struct making *making, struct drawing *drawing, struct record *record,
		  uint64_t online, uint64_t end)
{
	*record = begin(making, RECORD_BOOT, end * MS + 1);

	TEXT_COPY(record->key, "boot");
	record->boot.span = ms(0, end);
	record->boot.firmware_ns = 5000 * MS;
	record->boot.loader_ns = 1100 * MS;
	record->boot.measured = !making->reconstructed;
	record->boot.pods_expected = record->boot.pods_ready = 9;
	record->boot.state = BOOT_READY;
	*drawing = (struct drawing){.making = making, .boot = &record->boot};
	record->boot.phases[0] =
		(struct boot_phase_span){.phase = BOOT_PHASE_FIRMWARE, .span = {0, 5000 * MS}};
	record->boot.phases[1] =
		(struct boot_phase_span){.phase = BOOT_PHASE_LOADER, .span = {0, 1100 * MS}};
	record->boot.phase_count = 2;
	phase(drawing, BOOT_PHASE_KERNEL, 2300, "");
	phase(drawing, BOOT_PHASE_USERSPACE, online, "");
	phase(drawing, BOOT_PHASE_RUNTIME, online + 21500, "k3s.service");
	phase(drawing, BOOT_PHASE_NODE, online + 22500, "");
	phase(drawing, BOOT_PHASE_PODS, end, "");
	step(drawing, BOOT_STEP_MILESTONE, 2300, "", "kernel", PHASE_NONE, "");
	step(drawing, BOOT_STEP_UNIT, 4400, "", "systemd-networkd.service", PHASE_NONE, "");
	step(drawing, BOOT_STEP_UNIT, online, "", "systemd-networkd-wait-online.service",
	     PHASE_NONE, "");
	step(drawing, BOOT_STEP_UNIT, online + 21500, "", "k3s.service", PHASE_NONE, "");
	step(drawing, BOOT_STEP_MILESTONE, online + 22500, "", "node ready", PHASE_NONE, "");
}

/* The same pods as ever; what is given in ms is what differs. */
static void usual_boot(struct making *making, unsigned int n)
{
	uint64_t online = 7300 + 150 * (n % 4), end = online + 22500 + 14000 + 700 * (n % 5);
	struct drawing drawing;
	struct record record;

	whole(making, &drawing, &record, online, end);

	units(making, online);
	start(making, "postgres-0", "postgres", online + 22500,
	      (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = online + 23500, [PHASE_APP] = end - 4000},
	      START_LISTENING);
	start(making, "aidb", "server", online + 22600,
	      (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = online + 23700, [PHASE_APP] = end},
	      START_LISTENING);
	start(making, "llama-cpp", "server", online + 22700,
	      (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = online + 23900,
				      [PHASE_INIT] = end - 9000,
				      [PHASE_APP] = end - 1000},
	      START_LISTENING);
	step(&drawing, BOOT_STEP_POD, end - 4000, "ai-stack/postgres-0", "postgres", PHASE_APP, "");
	step(&drawing, BOOT_STEP_POD, end, "ai-stack/aidb", "server", PHASE_APP, "");
	record.boot.last_end = BOOT_END_CLEAN;
	record.boot.down_ns = (20000 + 500 * (n % 3)) * MS;
	put(making, &record);
}

static void three_pods(struct making *making)
{
	start(making, "postgres-0", "postgres", 39000,
	      (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = 40100,
				      [PHASE_CREATE] = 40150,
				      [PHASE_RUNTIME] = 40240,
				      [PHASE_APP] = 49900},
	      START_LISTENING);
	start(making, "aidb", "server", 39100,
	      (uint64_t[PHASE_COUNT]){
		      [PHASE_SANDBOX] = 40400, [PHASE_RUNTIME] = 40500, [PHASE_APP] = 53000},
	      START_LISTENING);
	start(making, "llama-cpp", "wait-for-aidb", 39200,
	      (uint64_t[PHASE_COUNT]){
		      [PHASE_SANDBOX] = 40300, [PHASE_RUNTIME] = 40390, [PHASE_APP] = 53000},
	      START_EXITED);
}

static void llama(struct making *making)
{
	start(making, "llama-cpp", "server", 39200,
	      (uint64_t[PHASE_COUNT]){[PHASE_SANDBOX] = 40300,
				      [PHASE_INIT] = 53000,
				      [PHASE_PULL] = 114000,
				      [PHASE_CREATE] = 114040,
				      [PHASE_RUNTIME] = 114150,
				      [PHASE_APP] = 122100,
				      [PHASE_PROBE] = 125300},
	      START_LISTENING);
	pull(making, "localhost:5000/llama-cpp:1", 53000, 114000, UINT64_C(4200000000));
	wait_for(making, "llama-cpp", "server", "ImagePullBackOff",
		 "failed to pull localhost:5000/llama-cpp:1: connection refused", 41000, 53000);
}

static void steps_of_pods(struct drawing *drawing)
{
	step(drawing, BOOT_STEP_POD, 40100, "ai-stack/postgres-0", "postgres", PHASE_SANDBOX, "");
	step(drawing, BOOT_STEP_POD, 49900, "ai-stack/postgres-0", "postgres", PHASE_APP, "");
	step(drawing, BOOT_STEP_PEER, 51200, "ai-stack/aidb", "server", PHASE_APP,
	     "14 refused connections to 10.42.0.7:5432");
	step(drawing, BOOT_STEP_POD, 53000, "ai-stack/aidb", "server", PHASE_APP, "");
}

static void slow_boot(struct making *making)
{
	struct drawing drawing;
	struct record record;

	whole(making, &drawing, &record, 16500, 125300);

	units(making, 16500);
	three_pods(making);
	llama(making);
	steps_of_pods(&drawing);
	step(&drawing, BOOT_STEP_POD, 114000, "ai-stack/llama-cpp", "server", PHASE_PULL,
	     "4.2 GB at 69 MB/s");
	step(&drawing, BOOT_STEP_POD, 122100, "ai-stack/llama-cpp", "server", PHASE_APP, "");
	step(&drawing, BOOT_STEP_POD, 125300, "ai-stack/llama-cpp", "server", PHASE_PROBE,
	     "the probe asks every 10 s");
	record.boot.steps_left_out = 2;
	record.boot.last_end = BOOT_END_POWER_LOSS;
	record.boot.last_wall_ns = making->wall_offset_ns - 47100 * (int64_t)MS;
	record.boot.down_ns = 41000 * MS;
	TEXT_COPY(record.boot.last_evidence, "journal ends without a shutdown");
	if (making->hostile)
		TEXT_COPY(record.boot.last_evidence, HOSTILE);
	put(making, &record);
}

static void broken_boot(struct making *making)
{
	struct drawing drawing;
	struct record record;

	whole(making, &drawing, &record, 16500, 600000);

	units(making, 16500);
	three_pods(making);
	wait_for(making, "llama-cpp", "server", "ImagePullBackOff", "connection refused", 53000, 0);
	wait_for(making, "ralph", "app", "CrashLoopBackOff", "back-off 5m0s restarting", 52000, 0);
	steps_of_pods(&drawing);
	step(&drawing, BOOT_STEP_IDLE, 600000, "", "", PHASE_NONE, "");
	missing(&drawing, "ai-stack/llama-cpp", "server", "ImagePullBackOff",
		"localhost:5000/llama-cpp:1: connection refused");
	missing(&drawing, "ai-stack/ralph", "app", "CrashLoopBackOff", "exit code 3");
	missing(&drawing, "ai-stack/batch", "", "Pending",
		"0/1 nodes are available: 1 Too many pods");
	record.boot.pods_ready = 6;
	record.boot.state = BOOT_NOT_RECOVERED;
	record.boot.last_end = BOOT_END_PANIC;
	record.boot.down_ns = 9000 * MS;
	TEXT_COPY(record.boot.last_evidence, "pstore has a panic");
	put(making, &record);
}

static void waking_boot(struct making *making)
{
	struct drawing drawing;
	struct record record;

	whole(making, &drawing, &record, 16500, 53000);

	units(making, 16500);
	three_pods(making);
	steps_of_pods(&drawing);
	missing(&drawing, "ai-stack/llama-cpp", "server", "ImagePullBackOff", "connection refused");
	record.final = false;
	record.boot.state = BOOT_WAKING;
	record.boot.pods_ready = 8;
	put(making, &record);
}

/* --- a store of them -------------------------------------------------------------------------- */

static void one_boot(const char *dir, const char *boot_id, struct making making,
		     void (*make)(struct making *making))
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * 86400 * NS_PER_SECOND};
	char why[256];

	assert_int_equal(store_open(&making.store, dir, boot_id, &limits, why), 0);
	make(&making);
	store_close(making.store);
}

static void earlier(const char *dir, unsigned int count)
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * 86400 * NS_PER_SECOND};
	char id[BOOT_ID_SIZE], why[256];

	for (unsigned int n = 0; n < count; n++) {
		struct making making = {
			.wall_offset_ns = (LATEST_S - 86400 * (int64_t)(count - n)) * SECOND,
		};

		boot_scene_id(n, id);
		assert_int_equal(store_open(&making.store, dir, id, &limits, why), 0);
		usual_boot(&making, n);
		store_close(making.store);
	}
}

void boot_scene_fill(const char *dir, enum boot_flavour flavour)
{
	struct making making = {
		.wall_offset_ns = LATEST_S * SECOND,
		.hostile = flavour == BOOT_HOSTILE,
		.reconstructed = flavour == BOOT_LATE,
	};
	unsigned int before = flavour == BOOT_BROKEN ? 2 : flavour == BOOT_LATE ? 0 : 9;
	char id[BOOT_ID_SIZE];

	boot_scene_id(before, id);
	if (flavour != BOOT_WOKEN)
		earlier(dir, before);
	if (flavour == BOOT_WAKES || flavour == BOOT_WOKEN) {
		assert_int_equal(clock_boot_id(id), 0);
		making.wall_offset_ns = clock_wall_offset_ns();
	}
	one_boot(dir, id, making,
		 flavour == BOOT_BROKEN	 ? broken_boot
		 : flavour == BOOT_WAKES ? waking_boot
					 : slow_boot);
}
