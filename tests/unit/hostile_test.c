// SPDX-License-Identifier: Apache-2.0
/* Hostile names of processes, pods and files, and hostile lines of logs: one test for each way out. */
#include "unit/hostile.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "model/json.h"
#include "model/sentence.h"
#include "sink/event/kube_event.h"
#include "sink/metrics/metrics.h"
#include "sink/node/node_summary.h"

#define WORDS 14 /* the longest list of words, and one */
#define HERE  "--state-dir", scene.dir

static struct scene scene;

/* Each type with each word; calls it with a key of its own. */
static void each_record(void (*call)(void *context, const struct record *record), void *context)
{
	static struct record record;

	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++)
		for (uint32_t word = 0; word < WORDS; word++) {
			hostile_make(&record, type, word);
			snprintf(record.key, sizeof(record.key), "%u'\033[1m", word);
			call(context, &record);
		}
}

static void put(void *context, const struct record *record)
{
	(void)context;
	scene_put(&scene, record);
}

static int setup(void **state)
{
	(void)state;
	scene_open(&scene);
	each_record(put, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	return 0;
}

/* What the verb prints, to be freed. */
static char *printed(verb_fn verb, const char *const *words)
{
	struct capture capture;

	assert_int_equal(capture_verb(&capture, verb, words), CLI_OK);
	assert_true(strlen(capture.out) > 100);
	free(capture.error);
	return capture.out;
}

#define PRINTED(verb, ...) printed(verb, (const char *const[]){__VA_ARGS__, HERE, NULL})

static void expect_printable(char *text)
{
	hostile_expect_printable(text);
	free(text);
}

/* --- the command line ------------------------------------------------------------------------- */

static void watch_line(void *context, const struct record *record)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)context;
	sentence_line(out, record, false);
	fclose(out);
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(strchr(text, '\n') - text, size - 1); /* one line */
	expect_printable(text);
}

static void watch(void **state)
{
	(void)state;
	each_record(watch_line, NULL);
}

static void histories(void **state)
{
	(void)state;
	expect_printable(PRINTED(cli_starts, "starts"));
	expect_printable(PRINTED(cli_ooms, "ooms"));
	expect_printable(PRINTED(cli_exits, "exits", "--children"));
	expect_printable(PRINTED(cli_pulls, "pulls"));
	expect_printable(PRINTED(cli_gaps, "gaps"));
	expect_printable(PRINTED(cli_waits, "waits"));
}

static void groups(void **state)
{
	static const char *const by[] = {"pod", "container", "image", "verdict"};

	(void)state;
	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		expect_printable(PRINTED(cli_ooms, "ooms", "--by", by[i]));
		expect_printable(PRINTED(cli_exits, "exits", "--children", "--by", by[i]));
		char *text = PRINTED(cli_exits, "exits", "--by", by[i], "-o", "json");

		*strchr(text, '\n') = '\0';
		hostile_expect_json(text);
		free(text);
	}
}

static void why(void **state)
{
	(void)state;
	expect_printable(PRINTED(cli_why, "why", HOSTILE_POD, "--all"));
}

static void explain_as_text(void **state)
{
	(void)state;
	expect_printable(PRINTED(cli_explain, "explain", HOSTILE_POD));
}

static void explain_as_pictures(void **state)
{
	static const char *const forms[] = {"svg", "html"};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *page = PRINTED(cli_explain, "explain", HOSTILE_POD, "-o", forms[i]);

		hostile_expect_no_markup(page);
		free(page);
	}
}

static void lists_as_json(void **state)
{
	char *texts[] = {PRINTED(cli_explain, "explain", HOSTILE_POD, "-o", "json"),
			 PRINTED(cli_explain, "explain", HOSTILE_POD, "-o", "trace"),
			 PRINTED(cli_why, "why", HOSTILE_POD, "--all", "-o", "json")};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		hostile_expect_json(texts[i]);
		free(texts[i]);
	}
}

/* As the local socket gives them, and the history. */
static void one_record_as_json(void *context, const struct record *record)
{
	json_t *json = record_to_json(record);
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_t *again = json_loads(text, 0, NULL);

	(void)context;
	assert_null(strchr(text, '\n'));
	assert_true(json_equal(json, again));
	hostile_expect_json(text);
	free(text);
	json_decref(json);
	json_decref(again);
}

static void records_as_json(void **state)
{
	(void)state;
	each_record(one_record_as_json, NULL);
}

/* --- Kubernetes and Prometheus ------------------------------------------------------------------ */

static const struct boot_history earlier;

static const struct kube_event_rules rules = {
	.earlier = &earlier,
	.node_name = "node-1",
	.boot_id = "11111111-2222-3333-4444-555555555555",
	.share_log_lines = true,
};

/* A pod of such a name is none of Kubernetes'; its container and what runs in it may be. */
static void event(void *context, const struct record *record)
{
	struct record told = *record;
	struct outbox_entry entry = {0};

	TEXT_COPY(told.subject.pod, "web-0");
	TEXT_COPY(told.subject.pod_namespace, "shop");
	if (kube_event_describe(&rules, rules.boot_id, &told, 1, &entry) != OUTBOX_TELL)
		return;
	json_auto_t *json = json_loads(entry.body, 0, NULL);
	json_t *regarding = json_object_get(json, "regarding");

	++*(unsigned int *)context;
	assert_non_null(json);
	hostile_expect_printable(json_string_value(json_object_get(json, "note")));
	hostile_expect_printable(entry.name);
	assert_null(json_object_get(regarding, "fieldPath")); /* that container is nobody's */
	free(entry.body);
}

static void no_event_of_a_hostile_pod(void *context, const struct record *record)
{
	struct outbox_entry entry = {0};

	(void)context;
	if (kube_event_describe(&rules, rules.boot_id, record, 1, &entry) == OUTBOX_TELL)
		assert_string_equal(entry.object, "node"); /* told of the node, not of the pod */
	free(entry.body);
}

static void events(void **state)
{
	unsigned int told = 0;

	(void)state;
	each_record(event, &told);
	assert_true(told > WORDS);
	each_record(no_event_of_a_hostile_pod, NULL);
}

static void note(void *context, const struct record *record)
{
	node_summary_record(context, record);
	for (enum summary_line line = 0; line < SUMMARY_LINE_COUNT; line++) {
		char text[SUMMARY_LINE_SIZE];

		node_summary_line(context, line, (int64_t)record->boot_ns + record->wall_offset_ns,
				  text);
		assert_null(strchr(text, '\n'));
		hostile_expect_printable(text);
	}
}

static void annotations(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", 0);

	(void)state;
	each_record(note, summary);
	node_summary_free(summary);
}

static void count(void *context, const struct record *record)
{
	metrics_record(context, record, RECORD_UNKNOWN);
}

static void metrics(void **state)
{
	static const struct metrics_figures none;
	struct metrics *all;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(metrics_new(&all), 0);
	each_record(count, all);
	assert_int_equal(metrics_render(all, &none, 1, &text, &size), 0);
	assert_null(strstr(text, "web")); /* no name of a pod */
	for (const char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(*line == '#' || strncmp(line, "nodewake_", 9) == 0 ||
			    strncmp(line, "process_", 8) == 0);
	free(text);
	metrics_free(all);
}

/* --- the store -------------------------------------------------------------------------------- */

static int find(void *context, const char *boot_id, const struct record *record)
{
	(void)boot_id;
	++*(unsigned int *)context;
	assert_string_equal(record->subject.pod, HOSTILE_POD);
	return 0;
}

static void sqlite(void **state)
{
	struct store_query query = {.pod = HOSTILE_POD};
	unsigned int found = 0;
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *statement;

	(void)state;
	assert_int_equal(store_query(scene.store, &query, find, &found), 0);
	assert_int_equal(found, WORDS * (RECORD_TYPE_COUNT - 1));
	query.container = "' OR 1=1 --";
	found = 0;
	assert_int_equal(store_query(scene.store, &query, find, &found), 0);
	assert_int_equal(found, 0);
	snprintf(path, sizeof(path), "%s/nodewake.db", scene.dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch),	   cmocka_unit_test(histories),
		cmocka_unit_test(groups),	   cmocka_unit_test(why),
		cmocka_unit_test(explain_as_text), cmocka_unit_test(explain_as_pictures),
		cmocka_unit_test(lists_as_json),   cmocka_unit_test(records_as_json),
		cmocka_unit_test(events),	   cmocka_unit_test(annotations),
		cmocka_unit_test(metrics),	   cmocka_unit_test(sqlite),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
