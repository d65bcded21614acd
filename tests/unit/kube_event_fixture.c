// SPDX-License-Identifier: Apache-2.0
#include "unit/kube_event_fixture.h"

#include "base/text.h"

const struct kube_event_rules event_rules = {
	.node_name = "node-1",
	.slow_start_ns = 30 * S,
	.slow_pull_ns = 60 * S,
	.boot_id = BOOT,
	.first_since_ns = 5000 * S,
	.agent_since_ns = 9000 * S,
};

struct record event_record(enum record_type type)
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

struct record event_death(enum exit_verdict verdict, int code, int number)
{
	struct record record = event_record(RECORD_EXIT);

	record.exit = (struct record_exit){.verdict = verdict,
					   .code = code,
					   .signal = number,
					   .started_ns = record.boot_ns - 12 * S,
					   .finished_ns = record.boot_ns,
					   .kernel_ns = record.boot_ns,
					   .deaths = 1};
	return record;
}

struct record event_kill(bool init)
{
	struct record record = event_record(RECORD_OOM);

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

json_t *event_in(const struct record *record, const char *boot_id, uint64_t now_ns,
		 struct outbox_entry *entry)
{
	json_t *json;

	*entry = (struct outbox_entry){0};
	if (kube_event_describe(&event_rules, boot_id, record, now_ns, entry) != OUTBOX_TELL)
		return NULL;
	json = json_loads(entry->body, 0, NULL);
	assert_non_null(json);
	free(entry->body);
	return json;
}

json_t *event_of(const struct record *record)
{
	struct outbox_entry entry;

	return event_in(record, BOOT, record->boot_ns, &entry);
}

const char *event_text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name)) ?: "";
}

void event_expect(struct record record, const char *reason, const char *type, const char *note)
{
	json_t *event = event_of(&record);

	assert_non_null(event);
	assert_string_equal(event_text(event, "reason"), reason);
	assert_string_equal(event_text(event, "note"), note);
	assert_string_equal(event_text(event, "type"), type);
	assert_true(*event_text(event, "action"));
	json_decref(event);
}

void event_expect_none(struct record record)
{
	assert_null(event_of(&record));
}
