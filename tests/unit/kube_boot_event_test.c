// SPDX-License-Identifier: Apache-2.0
/* What Kubernetes is told of a boot: one Event on the Node, with its cause, once, also late. */
#include <errno.h>
#include <jansson.h>

#include "base/log.h"
#include "base/text.h"
#include "sink/event/kube_event_sink.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"
#define EVENTS	   "/apis/events.k8s.io/v1/namespaces/kube-system/events"
#define WALL	   INT64_C(1795414320000000000) /* 2026-11-23T06:12:00Z: when the kernel began */
#define MS	   NS_PER_MS

static struct boot_history earlier;

static const struct kube_event_rules rules = {
	.node_name = "node-1",
	.boot_id = BOOT,
	.first_since_ns = 300 * S, /* the boot was over before there was an agent */
	.agent_since_ns = 300 * S,
	.earlier = &earlier,
};

static void add_step(struct record_boot *boot, enum boot_step_kind kind, const char *pod,
		     const char *name, enum phase phase, uint64_t ns, const char *detail)
{
	struct boot_step *step = &boot->steps[boot->step_count++];
	uint64_t from_ns = boot->step_count > 1 ? step[-1].span.to_ns : 1;

	*step = (struct boot_step){.kind = kind, .span = {from_ns, from_ns + ns}, .phase = phase};
	TEXT_COPY(step->pod, pod);
	TEXT_COPY(step->name, name);
	TEXT_COPY(step->detail, detail);
}

static struct record a_boot(void)
{
	struct record record = {.type = RECORD_BOOT,
				.final = true,
				.boot_ns = 130 * S + 500 * MS,
				.wall_offset_ns = WALL};
	struct record_boot *boot = &record.boot;

	TEXT_COPY(record.key, "boot");
	boot->state = BOOT_READY;
	boot->measured = true;
	boot->span = (struct span){1, 130 * S + 500 * MS};
	boot->firmware_ns = 6 * S;
	boot->pods_expected = boot->pods_ready = 9;
	boot->phase_count = 4;
	boot->phases[0] =
		(struct boot_phase_span){.phase = BOOT_PHASE_FIRMWARE, .span = {0, 6 * S}};
	boot->phases[1] =
		(struct boot_phase_span){.phase = BOOT_PHASE_KERNEL, .span = {1, 2 * S + 1}};
	boot->phases[2] = (struct boot_phase_span){
		.phase = BOOT_PHASE_RUNTIME, .span = {2 * S + 1, 44 * S}, .unit = "k3s.service"};
	boot->phases[3] = (struct boot_phase_span){.phase = BOOT_PHASE_PODS,
						   .span = {44 * S, 130 * S + 500 * MS}};
	add_step(boot, BOOT_STEP_MILESTONE, "", "kernel", PHASE_NONE, 2 * S, "");
	add_step(boot, BOOT_STEP_UNIT, "", "systemd-networkd-wait-online.service", PHASE_NONE,
		 20 * S, "");
	add_step(boot, BOOT_STEP_PEER, "ai-stack/aidb", "aidb", PHASE_NONE, 9 * S,
		 "14 refused connections to 10.0.0.1:5432");
	add_step(boot, BOOT_STEP_POD, "ai-stack/llama-cpp", "llama", PHASE_PULL, 61 * S,
		 "4.2 GB at 69 MB/s");
	add_step(boot, BOOT_STEP_POD, "ai-stack/llama-cpp", "llama", PHASE_APP, 24 * S, "");
	add_step(boot, BOOT_STEP_IDLE, "", "", PHASE_NONE, 14 * S + 500 * MS, "");
	return record;
}

static void know_boots(uint64_t total_ns)
{
	struct record record = a_boot();

	earlier = (struct boot_history){0};
	record.boot.firmware_ns = 0;
	record.boot.span.to_ns = total_ns + 1;
	record.boot.phases[3].span.to_ns = 60 * S;
	for (int i = 0; i < 3; i++)
		boot_history_add(&earlier, &record.boot);
}

static json_t *event_of(const struct record *record, const char *boot_id,
			struct outbox_entry *entry)
{
	*entry = (struct outbox_entry){0};
	if (kube_event_describe(&rules, boot_id, record, 1000 * S, entry) != OUTBOX_TELL)
		return NULL;
	json_t *json = json_loads(entry->body, 0, NULL);

	assert_non_null(json);
	free(entry->body);
	return json;
}

static const char *text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name)) ?: "";
}

static void expect(const struct record *record, const char *reason, const char *type,
		   const char *note)
{
	struct outbox_entry entry;
	json_auto_t *event = event_of(record, BOOT, &entry);
	const json_t *regarding = json_object_get(event, "regarding");

	assert_non_null(event);
	assert_string_equal(text(event, "note"), note);
	assert_string_equal(text(event, "reason"), reason);
	assert_string_equal(text(event, "type"), type);
	assert_string_equal(text(event, "action"), "Booting");
	assert_string_equal(text(event, "eventTime"), "2026-11-23T06:14:10.500000Z");
	assert_string_equal(text(json_object_get(event, "metadata"), "namespace"), "kube-system");
	assert_string_equal(text(regarding, "kind"), "Node");
	assert_string_equal(text(regarding, "name"), "node-1");
	assert_null(json_object_get(event, "related"));
	assert_string_equal(entry.object, "node");
	assert_false(kube_event_urgent(reason));
}

static void a_usual_boot_is_normal(void **state)
{
	struct record record = a_boot();

	(void)state;
	earlier = (struct boot_history){0};
	expect(&record, "NodeBootCompleted", "Normal",
	       "ready 2min 16.5s after power-on; pods 1min 26.5s, k3s 42.0s, firmware 6.00s, "
	       "kernel "
	       "2.00s; it waited longest for ai-stack/llama-cpp/llama pull 1min 1.0s (4.2 GB at 69 "
	       "MB/s), ai-stack/llama-cpp/llama app 24.0s, systemd-networkd-wait-online.service "
	       "20.0s, nothing that was seen 14.5s, ai-stack/aidb/aidb 9.00s (14 refused "
	       "connections "
	       "to 10.0.0.1:5432)");
	know_boots(130 * S);
	record.boot.step_count = 0;
	expect(&record, "NodeBootCompleted", "Normal",
	       "ready 2min 16.5s after power-on (median 2min 10.0s of 3 boots); pods 1min 26.5s, "
	       "k3s "
	       "42.0s, firmware 6.00s, kernel 2.00s");
}

static void a_slow_boot_is_a_warning(void **state)
{
	struct record record = a_boot();

	(void)state;
	know_boots(58 * S);
	record.boot.step_count = 2;
	record.boot.measured = false;
	record.boot.firmware_ns = 0;
	expect(&record, "NodeBootSlow", "Warning",
	       "ready 2min 10.5s after kernel start, slower than usual (median 58.0s of 3 boots): "
	       "pods took 1min 10.5s more; pods 1min 26.5s, k3s 42.0s, firmware 6.00s, kernel "
	       "2.00s; "
	       "it waited longest for systemd-networkd-wait-online.service 20.0s, kernel 2.00s "
	       "[reconstructed]");
}

static void what_did_not_recover_is_named(void **state)
{
	struct record record = a_boot();
	struct record_boot *boot = &record.boot;

	(void)state;
	earlier = (struct boot_history){0};
	boot->state = BOOT_NOT_RECOVERED;
	boot->step_count = boot->phase_count = 0;
	boot->missing_total = 3;
	boot->missing_count = 2;
	TEXT_COPY(boot->missing[0].pod, "ai-stack/aidb");
	TEXT_COPY(boot->missing[0].reason, "CrashLoopBackOff");
	TEXT_COPY(boot->missing[0].detail, "exit code 3");
	TEXT_COPY(boot->missing[1].pod, "shop/db");
	expect(&record, "NodeBootSlow", "Warning",
	       "not recovered after 2min 10.5s; 3 of 9 pods missing: ai-stack/aidb "
	       "CrashLoopBackOff "
	       "(exit code 3), shop/db, 1 more");
	boot->state = BOOT_WAKING;
	struct outbox_entry entry;

	assert_null(event_of(&record, BOOT, &entry));
}

static void the_note_is_bounded_and_safe(void **state)
{
	struct record record = a_boot();
	struct record_boot *boot = &record.boot;
	struct outbox_entry entry;

	(void)state;
	boot->state = BOOT_NOT_RECOVERED;
	boot->missing_total = boot->missing_count = BOOT_MISSING_MAX;
	for (int i = 0; i < BOOT_MISSING_MAX; i++) {
		memset(boot->missing[i].pod, 'a' + i, POD_PATH_SIZE - 1);
		memset(boot->missing[i].detail, '\x1b', CAUSE_SIZE - 1);
	}
	json_auto_t *event = event_of(&record, BOOT, &entry);

	assert_non_null(event);
	assert_int_equal(strlen(text(event, "note")), KUBE_EVENT_NOTE_SIZE - 1);
	for (const char *at = text(event, "note"); *at; at++)
		assert_true(*at >= 0x20 && *at < 0x7f);
}

static void each_boot_has_its_own(void **state)
{
	struct record record = a_boot();
	struct outbox_entry one, two;

	(void)state;
	json_decref(event_of(&record, BOOT, &one));
	json_decref(event_of(&record, OTHER_BOOT, &two)); /* of before a reboot, told late */
	assert_string_not_equal(one.name, two.name);
	assert_string_not_equal(one.series, two.series); /* never a repeat */
	json_decref(event_of(&record, BOOT, &two));
	assert_string_equal(one.name, two.name);
	/* a node that has been up for long gets its first agent */
	struct kube_event_rules later = rules;

	later.first_since_ns = later.agent_since_ns = 4000 * S;
	assert_int_equal(kube_event_describe(&later, BOOT, &record, 4000 * S, &one),
			 OUTBOX_NOTHING);
	later.agent_since_ns = 3700 * S;
	assert_int_equal(kube_event_describe(&later, BOOT, &record, 4000 * S, &one), OUTBOX_TELL);
	free(one.body);
}

static void begin_sink(struct kube_event_sink **sink, sd_event *loop, struct store *store)
{
	const struct kube_event_sink_options options = {
		.store = store,
		.kube = fake_open(),
		.node_name = "node-1",
		.boot_id = BOOT,
		.retry_most_ns = S / 10,
	};

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(kube_event_sink_new(sink, loop, &options), 0);
}

/* Early forms are not told, the last one is: after an outage and a restart, once, with the time of the boot's end. */
static void told_once_and_late(void **state)
{
	struct record record = a_boot(), before = a_boot();
	struct kube_event_sink *sink;
	struct folder folder;
	struct store *store;
	char boot_id[16];
	sd_event *loop;

	(void)state;
	folder_make(&folder);
	assert_true(sd_event_new(&loop) >= 0);
	for (int i = 0; i < 3; i++) {
		snprintf(boot_id, sizeof(boot_id), "boot-%d", i);
		before.boot.span.to_ns = S;
		assert_int_equal(store_open(&store, folder.dir, boot_id, NULL, folder.why), 0);
		store_put(store, &before);
		store_close(store);
	}
	store = folder_open(&folder, NULL);
	begin_sink(&sink, loop, store);
	record.boot_ns = clock_boot_ns();
	record.boot.span.to_ns = record.boot_ns;
	record.boot.state = BOOT_WAKING;
	record.final = false;
	assert_int_equal(store_put(store, &record), STORE_NEW);
	kube_event_sink_wake(sink);
	fake_run(loop, 30);
	assert_int_equal(fake.count, 0);
	record.final = true;
	record.boot.state = BOOT_READY;
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	kube_event_sink_wake(sink);
	assert_true(fake_run_until(loop, 1));
	fake_answer(0, -ECONNREFUSED, "", "", 0, NULL);
	kube_event_sink_free(sink);

	begin_sink(&sink, loop, store);
	assert_true(fake_run_until(loop, 1));
	assert_int_equal(fake.calls[0].verb, KUBE_POST);
	assert_string_equal(fake.calls[0].path, EVENTS);
	json_auto_t *event = json_loads(fake.calls[0].body, 0, NULL);
	char time[WALL_TEXT_SIZE];

	clock_wall_text((int64_t)record.boot_ns + record.wall_offset_ns, 6, time);
	assert_string_equal(text(event, "eventTime"), time);
	assert_string_equal(text(event, "reason"),
			    "NodeBootSlow"); /* the store says what is usual */
	fake_answer(0, 201, "", "", 0, NULL);
	/* told again by the tracker, with more detail */
	record.boot.pods_expected++;
	assert_int_equal(store_put(store, &record), STORE_REPLACED);
	kube_event_sink_wake(sink);
	fake_run(loop, 1200);
	assert_int_equal(fake.count, 1);
	kube_event_sink_free(sink);
	fake_close();
	store_close(store);
	sd_event_unref(loop);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_boot_is_normal),
		cmocka_unit_test(a_slow_boot_is_a_warning),
		cmocka_unit_test(what_did_not_recover_is_named),
		cmocka_unit_test(the_note_is_bounded_and_safe),
		cmocka_unit_test(each_boot_has_its_own),
		cmocka_unit_test(told_once_and_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
