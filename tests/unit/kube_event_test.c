// SPDX-License-Identifier: Apache-2.0
/* What becomes of each record as an Event of Kubernetes: golden JSON, hostile names, what is not told. */
#include "sink/kube_event.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>

#include "base/text.h"
#include "sink/kube_name.h"
#include "unit/store_fixture.h"

#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"
#define UID	   "0f0f0f0f-1111-2222-3333-444444444444"
#define WALL	   INT64_C(1795414320000000000) /* 2026-11-23T06:12:00Z */

static const struct kube_event_rules rules = {
	.node_name = "node-1",
	.slow_start_ns = 30 * S,
	.slow_pull_ns = 60 * S,
	.boot_id = BOOT,
	.first_since_ns = 5000 * S,
	.agent_since_ns = 9000 * S,
};

static struct record a_record(enum record_type type)
{
	struct record record = {.type = type,
				.final = true,
				.boot_ns = 10000 * S + 123456000,
				.wall_offset_ns = WALL - (int64_t)(10000 * S)};

	TEXT_COPY(record.key, "key");
	TEXT_COPY(record.subject.container_id, "c1");
	TEXT_COPY(record.subject.pod, "web-0");
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.pod_uid, UID);
	TEXT_COPY(record.subject.container, "app");
	return record;
}

static struct record node_record(enum record_type type)
{
	struct record record = a_record(type);

	record.subject = (struct subject){0};
	return record;
}

static void add_phase(struct record *record, enum phase phase, uint64_t ns)
{
	struct record_start *start = &record->start;
	uint64_t from_ns = start->phase_count ? start->span.to_ns : S;

	start->span = (struct span){S, from_ns + ns};
	start->phases[start->phase_count++] =
		(struct phase_span){.phase = phase, .span = {from_ns, from_ns + ns}};
}

static struct record a_death(enum exit_verdict verdict, int code, int number)
{
	struct record record = a_record(RECORD_EXIT);

	record.exit = (struct record_exit){.verdict = verdict,
					   .code = code,
					   .signal = number,
					   .started_ns = record.boot_ns - 12 * S,
					   .finished_ns = record.boot_ns,
					   .kernel_ns = record.boot_ns,
					   .deaths = 1};
	return record;
}

static struct record a_kill(bool init)
{
	struct record record = a_record(RECORD_OOM);

	record.oom = (struct record_oom){
		.scope = SCOPE_CONTAINER,
		.victim_total = 1,
		.victim_count = 1,
		.limit_bytes = 512 << 20,
		.invoker_pid = 71,
		.victims = {{.pid = 71, .init = init, .comm = "python3", .anon_kb = 500 << 10}},
	};
	return record;
}

/* The Event, or NULL if there is none. */
static json_t *event_in(const struct record *record, const char *boot_id, uint64_t now_ns,
			struct outbox_entry *entry)
{
	json_t *json;

	*entry = (struct outbox_entry){0};
	if (kube_event_describe(&rules, boot_id, record, now_ns, entry) != OUTBOX_TELL)
		return NULL;
	json = json_loads(entry->body, 0, NULL);
	assert_non_null(json);
	free(entry->body);
	return json;
}

static json_t *event_of(const struct record *record)
{
	struct outbox_entry entry;

	return event_in(record, BOOT, record->boot_ns, &entry);
}

static const char *text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name)) ?: "";
}

static void expect(struct record record, const char *reason, const char *type, const char *note)
{
	json_t *event = event_of(&record);

	assert_non_null(event);
	assert_string_equal(text(event, "reason"), reason);
	assert_string_equal(text(event, "note"), note);
	assert_string_equal(text(event, "type"), type);
	assert_true(*text(event, "action"));
	json_decref(event);
}

static void expect_none(struct record record)
{
	assert_null(event_of(&record));
}

static void a_pods_event_is_golden(void **state)
{
	struct record record = a_kill(false);
	struct outbox_entry entry;

	(void)state;
	json_t *event = event_in(&record, BOOT, record.boot_ns, &entry);
	char *dumped = json_dumps(event, JSON_INDENT(1));

	assert_string_equal(
		dumped,
		"{\n \"apiVersion\": \"events.k8s.io/v1\",\n \"kind\": \"Event\",\n"
		" \"metadata\": {\n  \"name\": \"web-0.cc1933f3b2d8ef28\",\n"
		"  \"namespace\": \"shop\"\n },\n"
		" \"eventTime\": \"2026-11-23T06:12:00.123456Z\",\n"
		" \"reportingController\": \"nodewake.io/agent\",\n"
		" \"reportingInstance\": \"node-1\",\n \"action\": \"Killing\",\n"
		" \"reason\": \"ProcessOOMKilled\",\n"
		" \"regarding\": {\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\",\n"
		"  \"namespace\": \"shop\",\n  \"name\": \"web-0\",\n  \"uid\": \"" UID "\",\n"
		"  \"fieldPath\": \"spec.containers{app}\"\n },\n"
		" \"related\": {\n  \"kind\": \"Node\",\n  \"apiVersion\": \"v1\",\n"
		"  \"name\": \"node-1\",\n  \"uid\": \"node-1\"\n },\n"
		" \"type\": \"Warning\",\n"
		" \"note\": \"child python3 (pid 71) killed for memory; container limit 512MiB, "
		"it held 500MiB anon; triggered by itself\"\n}");
	assert_string_equal(entry.object, UID);
	assert_string_equal(entry.name, text(json_object_get(event, "metadata"), "name"));
	free(dumped);
	json_decref(event);
}

static void a_nodes_event_is_golden(void **state)
{
	struct record record = node_record(RECORD_GAP);
	struct outbox_entry entry;

	(void)state;
	record.gap = (struct record_gap){.span = {S, 3 * S}, .count = 312};
	TEXT_COPY(record.gap.source, "kernel");
	TEXT_COPY(record.gap.cause, "the ring was full");
	json_t *event = event_in(&record, BOOT, record.boot_ns, &entry);
	char *regarding = json_dumps(json_object_get(event, "regarding"), JSON_COMPACT);

	assert_string_equal(text(json_object_get(event, "metadata"), "namespace"), "kube-system");
	assert_string_equal(regarding,
			    "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"name\":\"node-1\","
			    "\"uid\":\"node-1\"}");
	assert_null(json_object_get(event, "related"));
	assert_string_equal(text(event, "reason"), "ObservationGap");
	assert_string_equal(text(event, "note"), "kernel: the ring was full for 2.00s, 312 lost");
	assert_string_equal(entry.object, "node");
	free(regarding);
	json_decref(event);
}

static void starts(void **state)
{
	struct record record = a_record(RECORD_START);

	(void)state;
	record.start.state = START_LISTENING;
	record.start.listen_port = 8080;
	record.start.pull_bytes = UINT64_C(4) << 30;
	add_phase(&record, PHASE_SANDBOX, 3 * S);
	add_phase(&record, PHASE_PULL, 61 * S);
	add_phase(&record, PHASE_APP, 24 * S);
	expect(record, "ContainerSlowStart", "Normal",
	       "took 1min 28.0s to listen on port 8080: pull 1min 1.0s (4GiB), app 24.0s, sandbox "
	       "3.00s");
	add_phase(&record, PHASE_PROBE, 5 * S);
	record.start.probe_period_s = 10;
	expect(record, "ContainerSlowStart", "Normal",
	       "took 1min 33.0s to be ready, listening on port 8080: pull 1min 1.0s (4GiB), app "
	       "24.0s, probe 5.00s (the probe asks every 10s), sandbox 3.00s");
	record.start.init_container = true;
	json_t *event = event_of(&record);

	assert_string_equal(text(json_object_get(event, "regarding"), "fieldPath"),
			    "spec.initContainers{app}");
	json_decref(event);
	record.start.state = START_FAILED;
	expect_none(record);
	record = a_record(RECORD_START);
	record.start.state = START_SILENT;
	add_phase(&record, PHASE_SANDBOX, 30 * S); /* not above the limit */
	expect_none(record);
}

static void a_pods_own_start_says_nothing_twice(void **state)
{
	struct record record = a_record(RECORD_START);

	(void)state;
	record.subject.container[0] = record.subject.container_id[0] = '\0';
	record.start.state = START_READY;
	add_phase(&record, PHASE_ADMIT, 40 * S);
	add_phase(&record, PHASE_SANDBOX, 2 * S);
	add_phase(&record, PHASE_APP, 28 * S);
	expect(record, "PodSlowStart", "Normal",
	       "took 1min 10.0s from its creation to ready: admit 40.0s, app 28.0s, sandbox 2.00s");
	add_phase(&record, PHASE_RUNTIME, S); /* now the container's own Event tells */
	expect_none(record);
}

static void kills(void **state)
{
	struct record record = a_kill(true);

	(void)state;
	record.oom.container_survived = SURVIVAL_NO;
	expect(record, "ContainerOOMKilled", "Warning",
	       "init python3 (pid 71) killed for memory, container ended; container limit 512MiB, "
	       "it held 500MiB anon; triggered by itself");
	record = a_kill(false);
	record.oom.scope = SCOPE_NODE;
	json_t *event = event_of(&record);

	assert_string_equal(text(event, "reason"), "NodeOOMKilled");
	assert_string_equal(text(json_object_get(event, "regarding"), "kind"), "Pod");
	json_decref(event);
	record.subject = (struct subject){0};
	event = event_of(&record);
	assert_string_equal(text(event, "reason"), "NodeOOMKilled");
	assert_string_equal(text(json_object_get(event, "regarding"), "kind"), "Node");
	assert_string_equal(
		text(event, "note"),
		"python3 (pid 71) killed for memory; the node ran out of memory, it held "
		"500MiB anon; triggered by itself");
	json_decref(event);
}

static void a_kill_waits_for_its_pod(void **state)
{
	struct record record = a_kill(false);
	struct outbox_entry entry = {0};

	(void)state;
	record.final = false;
	TEXT_COPY(record.subject.pod, "");
	assert_int_equal(kube_event_describe(&rules, BOOT, &record, record.boot_ns + S, &entry),
			 OUTBOX_LATER);
	/* no final form came: it is told without */
	assert_int_equal(kube_event_describe(&rules, BOOT, &record, record.boot_ns + 6 * S, &entry),
			 OUTBOX_TELL);
	assert_non_null(strstr(entry.body, "container c1: child python3"));
	free(entry.body);
	record.final = true;
	assert_int_equal(kube_event_describe(&rules, BOOT, &record, record.boot_ns, &entry),
			 OUTBOX_TELL);
	free(entry.body);
}

static void deaths(void **state)
{
	struct record record;

	(void)state;
	expect(a_death(EXIT_ERROR, 3, 0), "ContainerCrashed", "Warning",
	       "ended with exit code 3 after 12.0s");
	expect(a_death(EXIT_CRASHED, 139, SIGSEGV), "ContainerCrashed", "Warning",
	       "crashed: SIGSEGV after 12.0s");
	expect(a_death(EXIT_SIGNALED, 143, SIGTERM), "ContainerCrashed", "Warning",
	       "ended by SIGTERM, sender not seen after 12.0s");
	record = a_death(EXIT_KILLED, 137, SIGKILL);
	record.exit.sender_pid = 9;
	TEXT_COPY(record.exit.sender_comm, "sh");
	expect(record, "ContainerCrashed", "Warning",
	       "killed from outside with SIGKILL by sh (pid 9) after 12.0s");
	record.exit.verdict = EXIT_SELF_KILLED;
	expect(record, "ContainerCrashed", "Warning",
	       "killed from inside with SIGKILL by sh (pid 9) after 12.0s");
	record = a_death(EXIT_START_FAILED, 128, 0);
	TEXT_COPY(record.exit.message, "exec: \"/nowhere\": no such file");
	expect(record, "ContainerExecFailed", "Warning",
	       "never started: exec: \"/nowhere\": no such file");
	record = a_death(EXIT_ERROR, 1, 0);
	record.exit.looping = true;
	record.exit.deaths = 14;
	expect(record, "CrashLooping", "Warning",
	       "ended with exit code 1 after 12.0s; crash loop, death 14 in a row");
	record = a_death(EXIT_ERROR, 127, 0);
	record.exit.failed = (struct failed_start){FAILURE_LIBRARY, "libx.so.1", ""};
	expect(record, "ContainerExecFailed", "Warning",
	       "ended with exit code 127 after 12.0s: a shared library is missing: libx.so.1. "
	       "Advice: put the library into the image: libx.so.1");
	record = a_death(EXIT_STOPPED, 137, SIGKILL);
	record.exit.stop.cause = STOP_LIVENESS;
	expect_none(record); /* the kubelet tells it */
	record.exit.looping = true;
	record.exit.deaths = 5;
	expect(record, "CrashLooping", "Warning",
	       "stopped, its liveness probe failed: SIGKILL, exit code 137 after 12.0s; crash "
	       "loop, "
	       "death 5 in a row. Advice: add a startup probe: the liveness probe failed before it "
	       "ever listened");
	expect_none(a_death(EXIT_COMPLETED, 0, 0));
	expect_none(a_death(EXIT_STOPPED, 137, SIGKILL));
	expect_none(a_death(EXIT_LOST, 255, 0));
	expect_none(a_death(EXIT_OOM_KILLED, 137, SIGKILL)); /* the kill was told */
	record = a_death(EXIT_OOM_KILLED, 137, SIGKILL);
	record.exit.kernel_ns = 0; /* nobody watched the kernel */
	expect(record, "ContainerOOMKilled", "Warning", "killed for memory after 12.0s");
	record = a_death(EXIT_ERROR, 3, 0);
	record.subject.pod[0] = '\0';
	expect_none(record);
}

/* One alone may be what the program is for; a loop that Kubernetes doesn't see is told. */
static void children(void **state)
{
	struct record record = a_record(RECORD_CHILD);
	struct outbox_entry entry = {0};

	(void)state;
	record.final = false;
	record.child = (struct record_child){
		.verdict = EXIT_CRASHED,
		.comm = "worker",
		.pid = 31,
		.signal = SIGSEGV,
		.count = 2,
	};
	assert_int_equal(kube_event_describe(&rules, BOOT, &record, record.boot_ns, &entry),
			 OUTBOX_NOT_YET);
	record.child.count = 3;
	record.child.looping = true;
	record.child.container_survived = SURVIVAL_YES;
	expect(record, "WorkerCrashing", "Warning",
	       "worker (pid 31) crashed: SIGSEGV, 3x: the container goes on. Advice: let a "
	       "liveness "
	       "probe need a worker: the pod stays Running while they die");
	assert_true(kube_event_urgent("WorkerCrashing"));
	record.type = RECORD_HOST;
	record.host = (struct record_host){.fact = HOST_DISK_FULL};
	expect_none(record); /* evidence is no news of its own */
}

static void pulls_and_waits(void **state)
{
	struct record record = node_record(RECORD_PULL);

	(void)state;
	record.pull = (struct record_pull){
		.span = {S, 62 * S}, .download = {S, 40 * S}, .bytes = 78 << 20, .layers = 3};
	TEXT_COPY(record.pull.image, "docker.io/big:1");
	expect(record, "ImagePullSlow", "Normal",
	       "docker.io/big:1: pulled 78MiB in 1min 1.0s: download 39.0s at 2.1 MB/s, 3 of 3 "
	       "layers");
	record.pull.span.to_ns = 61 * S;
	expect_none(record);
	record = a_record(RECORD_WAIT);
	record.final = false;
	record.wait.span.from_ns = 9500 * S;
	TEXT_COPY(record.wait.reason, "ErrImagePull");
	TEXT_COPY(record.wait.message,
		  "rpc error: code = NotFound desc = failed to pull \"x:1\": not found");
	expect(record, "ImagePullFailed", "Warning",
	       "the image can't be pulled: failed to pull \"x:1\": not found");
	record.wait.span.from_ns = 4000 * S; /* it waited before there was an agent */
	expect_none(record);
	record.wait.span.from_ns = 9500 * S;
	TEXT_COPY(record.wait.reason, "CrashLoopBackOff");
	expect_none(record);
	record = node_record(RECORD_GAP);
	TEXT_COPY(record.gap.source, "agent");
	record.gap.span = (struct span){S, 60 * S};
	expect_none(record); /* a restart */
	record.gap.span.to_ns = 62 * S;
	expect(record, "ObservationGap", "Warning", "agent:  for 1min 1.0s");
}

static void what_was_there_before_is_not_told(void **state)
{
	struct record record = a_death(EXIT_ERROR, 3, 0);
	struct outbox_entry entry;

	(void)state;
	record.exit.reconstructed = true;
	record.boot_ns = 4999 * S; /* before the first agent */
	expect_none(record);
	record.boot_ns = 5200 * S; /* after it, but more than an hour before this one */
	expect_none(record);
	record.boot_ns = 5500 * S;
	expect(record, "ContainerCrashed", "Warning",
	       "ended with exit code 3 after 12.0s [reconstructed]");
	record.boot_ns = 9500 * S;
	assert_null(event_in(&record, OTHER_BOOT, record.boot_ns, &entry));
	record.exit.reconstructed = false; /* it was watched, and not told yet */
	json_decref(event_in(&record, OTHER_BOOT, record.boot_ns, &entry));
	record.boot_ns = 4999 * S;
	json_t *event = event_of(&record);

	assert_non_null(event);
	json_decref(event);
}

static void names_are_the_records(void **state)
{
	struct record record = a_death(EXIT_ERROR, 3, 0), other = record;
	struct outbox_entry one, two;

	(void)state;
	json_decref(event_in(&record, BOOT, record.boot_ns, &one));
	json_decref(event_in(&record, BOOT, record.boot_ns + S, &two));
	assert_string_equal(one.name, two.name);
	json_decref(event_in(&record, OTHER_BOOT, record.boot_ns, &two));
	assert_string_not_equal(one.name, two.name);
	TEXT_COPY(other.key, "key2");
	json_decref(event_in(&other, BOOT, record.boot_ns, &two));
	assert_string_not_equal(one.name, two.name);
	assert_string_equal(one.series, two.series);
	other.exit.code = 4;
	json_decref(event_in(&other, BOOT, record.boot_ns, &two));
	assert_string_not_equal(one.series, two.series);
	memset(record.subject.pod, 'a', POD_SIZE - 1); /* the longest, with a dot where it is cut */
	record.subject.pod[235] = '.';
	json_decref(event_in(&record, BOOT, record.boot_ns, &one));
	assert_true(kube_name_valid(one.name));
	assert_int_equal(strlen(one.name), 235 + 17);
}

static void hostile_texts(void **state)
{
	static const char *const pods[] = {"../../nodes/x", "A",   "a..b", "-a",
					   "a/b",	    "a?b", "a\xff"};
	struct record record = a_death(EXIT_START_FAILED, 128, 0);
	struct outbox_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(*pods); i++) {
		TEXT_COPY(record.subject.pod, pods[i]);
		expect_none(record);
	}
	TEXT_COPY(record.subject.pod, "web");
	TEXT_COPY(record.subject.pod_namespace, "shop/../x");
	expect_none(record);
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.container, "a}{\x1b");
	TEXT_COPY(record.exit.message, "\x1b[31mred\n\xff\xe2\x80\xae");
	json_t *event = event_in(&record, BOOT, record.boot_ns, &entry);

	assert_non_null(event);
	assert_null(json_object_get(json_object_get(event, "regarding"), "fieldPath"));
	assert_string_equal(text(event, "note"),
			    "never started: \\x1b[31mred\\x0a\\xff\\xe2\\x80\\xae");
	json_decref(event);
	/* each byte takes four: cut within 1 kB */
	memset(record.exit.message, 1, MESSAGE_SIZE - 1);
	event = event_in(&record, BOOT, record.boot_ns, &entry);
	assert_int_equal(strlen(text(event, "note")), KUBE_EVENT_NOTE_SIZE - 1);
	json_decref(event);
	/* and not within a character */
	TEXT_COPY(record.exit.message, "");
	for (int i = 0; i < 170; i++)
		strcat(record.exit.message, "\xe2\x82\xac");
	TEXT_COPY(record.subject.container, "app");
	event = event_in(&record, BOOT, record.boot_ns, &entry);
	assert_non_null(event);
	json_decref(event);
}

static void deaths_go_first(void **state)
{
	(void)state;
	assert_true(kube_event_urgent("ProcessOOMKilled"));
	assert_true(kube_event_urgent("CrashLooping"));
	assert_false(kube_event_urgent("ContainerSlowStart"));
	assert_false(kube_event_urgent("ObservationGap"));
	assert_false(kube_event_urgent("OfAnotherVersion"));
}

static void node_names(void **state)
{
	char name[KUBE_NAME_SIZE] = "";

	(void)state;
	assert_int_equal(kube_name_of_node("node-1.lan", name), 0);
	assert_string_equal(name, "node-1.lan");
	assert_int_equal(kube_name_of_node("Node", name), -EINVAL);
	assert_int_equal(kube_name_of_node("a?force=true", name), -EINVAL);
	assert_true(kube_name_valid_label("default"));
	assert_false(kube_name_valid_label("a.b"));
	assert_false(kube_name_valid_label(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pods_event_is_golden),
		cmocka_unit_test(a_nodes_event_is_golden),
		cmocka_unit_test(starts),
		cmocka_unit_test(a_pods_own_start_says_nothing_twice),
		cmocka_unit_test(kills),
		cmocka_unit_test(a_kill_waits_for_its_pod),
		cmocka_unit_test(deaths),
		cmocka_unit_test(children),
		cmocka_unit_test(pulls_and_waits),
		cmocka_unit_test(what_was_there_before_is_not_told),
		cmocka_unit_test(names_are_the_records),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(deaths_go_first),
		cmocka_unit_test(node_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
