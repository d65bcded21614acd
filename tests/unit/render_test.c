// SPDX-License-Identifier: Apache-2.0
/* Each record as one sentence; nothing that came from outside reaches a terminal raw. */
#include "model/sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/json_shape.h"
#include "unit/sentence_fixture.h"

static void whole_lines(void **state)
{
	struct record oom = make_oom("aidb", "app", 20 * 60 + 14), gap = make_gap("ring full", 1);
	struct record pull = make_pull("r/app:1", 1);

	(void)state;
	expect_line(&oom,
		    "06:20:14Z oom   shop/aidb/app                    child python3 (pid 8476) "
		    "killed for memory, container survived; container limit 512MiB, it held "
		    "480MiB anon; triggered by itself\n");
	expect_line(&gap, "06:00:01Z gap   kernel                           ring full for 1.00s, 7 "
			  "lost\n");
	expect_line(&pull,
		    "06:00:01Z pull  r/app:1                          pulled 191MiB in 3.00s: "
		    "download 2.00s at 100 MB/s, unpack 2.00s, 3 of 4 layers\n");
}

static void a_pull_that_was_logged(void **state)
{
	struct record pull = make_pull("r/app:1", 1);

	(void)state;
	pull.pull = (struct record_pull){.reconstructed = true, .span = pull.pull.span};
	TEXT_COPY(pull.pull.image, "r/app:1");
	expect_line(&pull, "06:00:01Z pull  r/app:1                          pulled in 3.00s "
			   "[reconstructed]\n");
}

static void starts(void **state)
{
	struct record record = make_start("web", "app", 1);
	struct record_start *start = &record.start;

	(void)state;
	expect_words(&record, "listening on port 8080 after 4.00s: sandbox 1.00s (network 600ms), "
			      "pull 2.00s (191MiB), runtime 100ms, app 900ms; pull: download "
			      "1.00s, 191MiB at 200 MB/s");
	start->phase_count = 1;
	start->state = START_EXITED;
	start->init_container = true;
	expect_words(&record, "executed after 4.00s, ended (init container): sandbox 1.00s "
			      "(network 600ms)");
	start->init_container = false;
	start->state = START_FAILED;
	start->phases[0].reconstructed = true;
	expect_words(&record, "failed to start after 4.00s: sandbox 1.00s (network 600ms) "
			      "[reconstructed]");
	start->phase_count = 0;
	start->state = START_SILENT;
	expect_words(&record, "executed after 4.00s, runs without listening");
	start->state = START_RUNNING;
	expect_words(&record, "executed after 4.00s");
}

/* Below a second, or where nothing inside the phase explains it, there is nothing to add. */
static void the_cause_of_a_start(void **state)
{
	struct record record = make_start("web", "app", 1);
	struct record_start *start = &record.start;

	(void)state;
	start->phase_count = 1;
	start->phases[0] = (struct phase_span){PHASE_APP, start->span, false};
	expect_words(&record, "listening on port 8080 after 4.00s: app 4.00s");
	start->why.stall_count = 1;
	start->why.stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_DISK] = 3 * NS_PER_SECOND, [STALL_CPU] = NS_PER_SECOND}},
	};
	start->why.file_count = 1;
	start->why.files[0] = (struct file_read){
		.path = "/models/\033[2J%n",
		.bytes = 300 * 1000000,
		.span = {start->span.from_ns, start->span.from_ns + 3 * NS_PER_SECOND},
	};
	expect_words(&record, "listening on port 8080 after 4.00s: app 4.00s; app: disk 3.00s, "
			      "read \\x1b[2J%n 286MiB at 100 MB/s");
}

static void boots(void **state)
{
	struct record record = make_exit("", "", 1);
	struct record_boot *boot = &record.boot;

	(void)state;
	record.type = RECORD_BOOT;
	record.boot = (struct record_boot){
		.state = BOOT_READY,
		.measured = true,
		.span = {1, 40 * NS_PER_SECOND + 1},
		.firmware_ns = 6 * NS_PER_SECOND,
		.phase_count = 3,
		.phases = {{.phase = BOOT_PHASE_FIRMWARE, .span = {0, 6 * NS_PER_SECOND}},
			   {.phase = BOOT_PHASE_RUNTIME,
			    .span = {1, 30 * NS_PER_SECOND + 1},
			    .unit = "k3s-agent.service"},
			   {.phase = BOOT_PHASE_NODE,
			    .span = {30 * NS_PER_SECOND + 1, 40 * NS_PER_SECOND + 1}}},
		.pods_expected = 1,
		.pods_ready = 1,
	};
	expect_line(&record,
		    "06:00:01Z boot  node                             ready after 46.0s, 1 of 1 "
		    "pod ready: firmware 6.00s, k3s-agent 30.0s, node ready 10.0s\n");
	boot->measured = false;
	boot->phase_count = 0;
	boot->last_end = BOOT_END_POWER_LOSS;
	boot->down_ns = 95 * NS_PER_SECOND;
	expect_words(&record,
		     "ready after 46.0s, 1 of 1 pod ready; before it power loss, reset or hang, "
		     "down for 1min 35.0s [reconstructed]");
	boot->measured = true;
	boot->last_end = BOOT_END_UNKNOWN;
	boot->down_ns = 0;
	boot->state = BOOT_WAKING;
	boot->pods_expected = 9;
	expect_words(&record, "waking for 46.0s, 1 of 9 pods ready");
	boot->state = BOOT_NOT_RECOVERED;
	boot->last_end = BOOT_END_CLEAN;
	boot->missing_count = boot->missing_total = 5;
	for (int i = 0; i < 5; i++) {
		snprintf(boot->missing[i].pod, POD_PATH_SIZE, "shop/web-%d", i);
		TEXT_COPY(boot->missing[i].reason, i ? "" : "CrashLoopBackOff");
	}
	expect_words(&record,
		     "not recovered after 46.0s, 1 of 9 pods ready; missing shop/web-0 "
		     "(CrashLoopBackOff), shop/web-1, shop/web-2 and 2 more; before it clean "
		     "shutdown");
}

static void units(void **state)
{
	struct record record = make_exit("", "", 1);

	(void)state;
	record.type = RECORD_UNIT;
	record.unit = (struct record_unit){
		.name = "k3s.service",
		.span = {NS_PER_SECOND, 22 * NS_PER_SECOND},
		.after = "network-online.target",
	};
	expect_line(&record,
		    "06:00:01Z unit  k3s.service                      started in 21.0s, after "
		    "network-online.target\n");
	TEXT_COPY(record.unit.result, "exit-code");
	expect_words(&record, "failed (exit-code) after 21.0s, after network-online.target");
	record.unit = (struct record_unit){.name = "k3s.service", .span = {NS_PER_SECOND, 0}};
	expect_words(&record, "is starting");
}

/* --- what came from outside ------------------------------------------------------------------- */

#define HOSTILE "\033[2J\r\n\t\xc2\x9b\xff\u202e%n"

static void make_hostile(const struct json_shape *shape, char *data)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct json_field *field = &shape->fields[i];
		size_t elements = field->array_max ? field->array_max : 1;

		for (size_t k = 0; k < elements; k++) {
			char *at = data + field->offset + k * field->size;

			if (field->kind == JSON_KIND_TEXT)
				text_copy(at, field->size, HOSTILE);
			else if (field->shape)
				make_hostile(field->shape, at);
		}
	}
}

static void expect_harmless(const struct record *record)
{
	char *text = line_of(record, false);
	size_t length = strlen(text);

	assert_int_equal(text[length - 1], '\n');
	for (size_t i = 0; i + 1 < length; i++) {
		assert_true((unsigned char)text[i] >= 0x20);
		assert_int_not_equal((unsigned char)text[i], 0x7f);
		assert_int_not_equal((unsigned char)text[i], 0xff);
		assert_int_not_equal((unsigned char)text[i], 0x9b);
	}
	assert_null(strstr(text, "\u202e"));
	assert_non_null(strstr(text, "\\x1b[2J"));
	free(text);
}

static void nothing_hostile_is_printed_raw(void **state)
{
	(void)state;
	for (enum record_type type = RECORD_START; type < RECORD_TYPE_COUNT; type++)
		for (int verdict = 0; verdict <= EXIT_VERDICT_COUNT; verdict++)
			for (int named = 0; named < 2; named++) {
				struct record record = {.type = type, .final = true};

				make_hostile(&json_record_head, (char *)&record);
				make_hostile(json_record_bodies[type], (char *)&record.start);
				if (!named)
					*record.subject.pod = '\0';
				if (type == RECORD_EXIT)
					record.exit.verdict = (enum exit_verdict)verdict;
				if (type == RECORD_EXIT)
					record.exit.sender_pid = 1;
				if (type == RECORD_OOM) {
					record.oom.scope = (enum limit_scope)verdict;
					record.oom.invoker_pid = 1;
				}
				if (type == RECORD_BOOT) {
					record.boot.state = (enum boot_state)verdict;
					record.boot.last_end = (enum boot_end)verdict;
					record.boot.missing_count = record.boot.missing_total = 9;
				}
				expect_harmless(&record);
			}
}

static void colour_only_when_asked(void **state)
{
	struct record record = make_exit("web", "app", 1);
	char *plain = line_of(&record, false), *coloured = line_of(&record, true);
	FILE *file = tmpfile();

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strchr(coloured, '\033'));
	assert_false(sentence_colour(file)); /* no terminal */
	fclose(file);
	free(plain);
	free(coloured);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_lines),
		cmocka_unit_test(a_pull_that_was_logged),
		cmocka_unit_test(starts),
		cmocka_unit_test(the_cause_of_a_start),
		cmocka_unit_test(boots),
		cmocka_unit_test(units),
		cmocka_unit_test(nothing_hostile_is_printed_raw),
		cmocka_unit_test(colour_only_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
