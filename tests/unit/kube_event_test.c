// SPDX-License-Identifier: Apache-2.0
/* What becomes of each record as an Event of Kubernetes: golden JSON, hostile names, what is not told. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>

#include "base/text.h"
#include "sink/event/kube_name.h"
#include "unit/kube_event_fixture.h"

#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"

static struct record node_record(enum record_type type)
{
	struct record record = event_record(type);

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

static void a_pods_event_is_golden(void **state)
{
	struct record record = event_kill(false);
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
	assert_string_equal(entry.name, event_text(json_object_get(event, "metadata"), "name"));
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

	assert_string_equal(event_text(json_object_get(event, "metadata"), "namespace"),
			    "kube-system");
	assert_string_equal(regarding,
			    "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"name\":\"node-1\","
			    "\"uid\":\"node-1\"}");
	assert_null(json_object_get(event, "related"));
	assert_string_equal(event_text(event, "reason"), "ObservationGap");
	assert_string_equal(event_text(event, "note"),
			    "kernel: the ring was full for 2.00s, 312 lost");
	assert_string_equal(entry.object, "node");
	free(regarding);
	json_decref(event);
}

static void starts(void **state)
{
	struct record record = event_record(RECORD_START);

	(void)state;
	record.start.state = START_LISTENING;
	record.start.listen_port = 8080;
	record.start.pull_bytes = UINT64_C(4) << 30;
	add_phase(&record, PHASE_SANDBOX, 3 * S);
	add_phase(&record, PHASE_PULL, 61 * S);
	add_phase(&record, PHASE_APP, 24 * S);
	event_expect(
		record, "ContainerSlowStart", "Normal",
		"took 1min 28.0s to listen on port 8080: pull 1min 1.0s (4GiB), app 24.0s, sandbox "
		"3.00s");
	add_phase(&record, PHASE_PROBE, 5 * S);
	record.start.probe_period_s = 10;
	event_expect(
		record, "ContainerSlowStart", "Normal",
		"took 1min 33.0s to be ready, listening on port 8080: pull 1min 1.0s (4GiB), app "
		"24.0s, probe 5.00s (the probe asks every 10s), sandbox 3.00s");
	record.start.init_container = true;
	json_t *event = event_of(&record);

	assert_string_equal(event_text(json_object_get(event, "regarding"), "fieldPath"),
			    "spec.initContainers{app}");
	json_decref(event);
	record.start.state = START_FAILED;
	event_expect_none(record);
	record = event_record(RECORD_START);
	record.start.state = START_SILENT;
	add_phase(&record, PHASE_SANDBOX, 30 * S); /* not above the limit */
	event_expect_none(record);
}

static void a_pods_own_start_says_nothing_twice(void **state)
{
	struct record record = event_record(RECORD_START);

	(void)state;
	record.subject.container[0] = record.subject.container_id[0] = '\0';
	record.start.state = START_READY;
	add_phase(&record, PHASE_ADMIT, 40 * S);
	add_phase(&record, PHASE_SANDBOX, 2 * S);
	add_phase(&record, PHASE_APP, 28 * S);
	event_expect(record, "PodSlowStart", "Normal",
		     "took 1min 10.0s from its creation to ready: admit 40.0s, app 28.0s, sandbox "
		     "2.00s");
	add_phase(&record, PHASE_RUNTIME, S); /* now the container's own Event tells */
	event_expect_none(record);
}

static void kills(void **state)
{
	struct record record = event_kill(true);

	(void)state;
	record.oom.container_survived = SURVIVAL_NO;
	event_expect(
		record, "ContainerOOMKilled", "Warning",
		"init python3 (pid 71) killed for memory, container ended; container limit 512MiB, "
		"it held 500MiB anon; triggered by itself");
	record = event_kill(false);
	record.oom.scope = SCOPE_NODE;
	json_t *event = event_of(&record);

	assert_string_equal(event_text(event, "reason"), "NodeOOMKilled");
	assert_string_equal(event_text(json_object_get(event, "regarding"), "kind"), "Pod");
	json_decref(event);
	record.subject = (struct subject){0};
	event = event_of(&record);
	assert_string_equal(event_text(event, "reason"), "NodeOOMKilled");
	assert_string_equal(event_text(json_object_get(event, "regarding"), "kind"), "Node");
	assert_string_equal(
		event_text(event, "note"),
		"python3 (pid 71) killed for memory; the node ran out of memory, it held "
		"500MiB anon; triggered by itself");
	json_decref(event);
}

static void a_kill_waits_for_its_pod(void **state)
{
	struct record record = event_kill(false);
	struct outbox_entry entry = {0};

	(void)state;
	record.final = false;
	TEXT_COPY(record.subject.pod, "");
	assert_int_equal(
		kube_event_describe(&event_rules, BOOT, &record, record.boot_ns + S, &entry),
		OUTBOX_LATER);
	/* no final form came: it is told without */
	assert_int_equal(
		kube_event_describe(&event_rules, BOOT, &record, record.boot_ns + 6 * S, &entry),
		OUTBOX_TELL);
	assert_non_null(strstr(entry.body, "container c1: child python3"));
	free(entry.body);
	record.final = true;
	assert_int_equal(kube_event_describe(&event_rules, BOOT, &record, record.boot_ns, &entry),
			 OUTBOX_TELL);
	free(entry.body);
}

static void pulls_and_waits(void **state)
{
	struct record record = node_record(RECORD_PULL);

	(void)state;
	record.pull = (struct record_pull){
		.span = {S, 62 * S}, .download = {S, 40 * S}, .bytes = 78 << 20, .layers = 3};
	TEXT_COPY(record.pull.image, "docker.io/big:1");
	event_expect(
		record, "ImagePullSlow", "Normal",
		"docker.io/big:1: pulled 78MiB in 1min 1.0s: download 39.0s at 2.1 MB/s, 3 of 3 "
		"layers");
	record.pull.span.to_ns = 61 * S;
	event_expect_none(record);
	record = event_record(RECORD_WAIT);
	record.final = false;
	record.wait.span.from_ns = 9500 * S;
	TEXT_COPY(record.wait.reason, "ErrImagePull");
	TEXT_COPY(record.wait.message,
		  "rpc error: code = NotFound desc = failed to pull \"x:1\": not found");
	event_expect(record, "ImagePullFailed", "Warning",
		     "the image can't be pulled: failed to pull \"x:1\": not found");
	record.wait.span.from_ns = 4000 * S; /* it waited before there was an agent */
	event_expect_none(record);
	record.wait.span.from_ns = 9500 * S;
	TEXT_COPY(record.wait.reason, "CrashLoopBackOff");
	event_expect_none(record);
	record = node_record(RECORD_GAP);
	TEXT_COPY(record.gap.source, "agent");
	record.gap.span = (struct span){S, 60 * S};
	event_expect_none(record); /* a restart */
	record.gap.span.to_ns = 62 * S;
	event_expect(record, "ObservationGap", "Warning", "agent:  for 1min 1.0s");
}

static void what_was_there_before_is_not_told(void **state)
{
	struct record record = event_death(EXIT_ERROR, 3, 0);
	struct outbox_entry entry;

	(void)state;
	record.exit.reconstructed = true;
	record.boot_ns = 4999 * S; /* before the first agent */
	event_expect_none(record);
	record.boot_ns = 5200 * S; /* after it, but more than an hour before this one */
	event_expect_none(record);
	record.boot_ns = 5500 * S;
	event_expect(record, "ContainerCrashed", "Warning",
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
	struct record record = event_death(EXIT_ERROR, 3, 0), other = record;
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
	struct record record = event_death(EXIT_START_FAILED, 128, 0);
	struct outbox_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(*pods); i++) {
		TEXT_COPY(record.subject.pod, pods[i]);
		event_expect_none(record);
	}
	TEXT_COPY(record.subject.pod, "web");
	TEXT_COPY(record.subject.pod_namespace, "shop/../x");
	event_expect_none(record);
	TEXT_COPY(record.subject.pod_namespace, "shop");
	TEXT_COPY(record.subject.container, "a}{\x1b");
	TEXT_COPY(record.exit.message, "\x1b[31mred\n\xff\xe2\x80\xae");
	json_t *event = event_in(&record, BOOT, record.boot_ns, &entry);

	assert_non_null(event);
	assert_null(json_object_get(json_object_get(event, "regarding"), "fieldPath"));
	assert_string_equal(event_text(event, "note"),
			    "never started: \\x1b[31mred\\x0a\\xff\\xe2\\x80\\xae");
	json_decref(event);
	/* each byte takes four: cut within 1 kB */
	memset(record.exit.message, 1, MESSAGE_SIZE - 1);
	event = event_in(&record, BOOT, record.boot_ns, &entry);
	assert_int_equal(strlen(event_text(event, "note")), KUBE_EVENT_NOTE_SIZE - 1);
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
		cmocka_unit_test(pulls_and_waits),
		cmocka_unit_test(what_was_there_before_is_not_told),
		cmocka_unit_test(names_are_the_records),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(deaths_go_first),
		cmocka_unit_test(node_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
