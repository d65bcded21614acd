// SPDX-License-Identifier: Apache-2.0
/* The annotations' lines, word for word; ageing; never longer than kubectl shows. */
#include "sink/node/node_summary.h"

#include <signal.h>

#include "base/text.h"
#include "unit/store_fixture.h"

#define WALL   INT64_C(1795414320000000000) /* 2026-11-23T06:12:00Z */
#define AT(s)  (WALL + (int64_t)(s) * (int64_t)S)
#define OFFSET (WALL - (int64_t)(10000 * S))
#define HOUR   3600

static int number; /* makes keys differ */

static struct record a_record(enum record_type type, const char *pod, int at_s)
{
	struct record record = {.type = type,
				.final = true,
				.boot_ns = (uint64_t)(AT(at_s) - OFFSET),
				.wall_offset_ns = OFFSET};

	snprintf(record.key, sizeof(record.key), "k%d", number++);
	TEXT_COPY(record.subject.container_id, "c1");
	TEXT_COPY(record.subject.pod, pod);
	TEXT_COPY(record.subject.pod_namespace, "ai-stack");
	TEXT_COPY(record.subject.pod_uid, pod);
	TEXT_COPY(record.subject.container, "main");
	return record;
}

static struct record a_start(const char *pod, int at_s, unsigned int pull_s, unsigned int app_s)
{
	struct record record = a_record(RECORD_START, pod, at_s);
	uint64_t pull_ns = S + pull_s * S, app_ns = pull_ns + app_s * S;

	record.start = (struct record_start){
		.state = START_LISTENING,
		.span = {S, app_ns + 7 * S},
		.phase_count = 4,
		.phases = {{PHASE_PULL, {S, pull_ns}, false},
			   {PHASE_APP, {pull_ns, app_ns}, false},
			   {PHASE_PROBE, {app_ns, app_ns + 6 * S}, false},
			   {PHASE_CREATE, {app_ns + 6 * S, app_ns + 7 * S}, false}},
	};
	return record;
}

static struct record a_kill(const char *pod, int at_s)
{
	struct record record = a_record(RECORD_OOM, pod, at_s);

	record.oom = (struct record_oom){.scope = SCOPE_CONTAINER,
					 .container_survived = SURVIVAL_YES,
					 .victim_total = 1,
					 .victim_count = 1,
					 .limit_bytes = 512 << 20,
					 .victims = {{.comm = "python3"}}};
	return record;
}

static struct record a_death(const char *pod, int at_s, enum exit_verdict verdict, int code,
			     int signal, unsigned int deaths)
{
	struct record record = a_record(RECORD_EXIT, pod, at_s);

	record.exit = (struct record_exit){.verdict = verdict,
					   .code = code,
					   .signal = signal,
					   .deaths = deaths,
					   .looping = deaths >= 3};
	return record;
}

static void take(struct node_summary *summary, struct record record)
{
	node_summary_record(summary, &record);
}

static const char *line(const struct node_summary *summary, enum summary_line which, int at_s)
{
	static char text[SUMMARY_LINE_SIZE];

	node_summary_line(summary, which, AT(at_s), text);
	assert_true(strlen(text) < SUMMARY_LINE_SIZE);
	return text;
}

static void nothing_happened(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));

	(void)state;
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 1), "none in 24h");
	assert_string_equal(line(summary, SUMMARY_OOM_KILLS, 1), "none in 24h");
	assert_string_equal(line(summary, SUMMARY_CRASHES, 1), "none in 24h");
	assert_string_equal(line(summary, SUMMARY_AGENT, 1),
			    "v0.1.0 watching since 06:12Z, nothing missed");
	/* the time alone would mislead; that is all that changes by itself */
	assert_int_equal(node_summary_next_wall_ns(summary, AT(1)), AT(24 * HOUR));
	assert_string_equal(line(summary, SUMMARY_AGENT, 24 * HOUR),
			    "v0.1.0 watching since 2026-11-23 06:12Z, nothing missed");
	assert_true(node_summary_next_wall_ns(summary, AT(24 * HOUR)) == INT64_MAX);
	node_summary_free(summary);
}

static void the_words_of_the_design(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));

	(void)state;
	take(summary, a_start("web", 60, 3, 1));
	take(summary, a_start("llama-cpp", 120, 57, 30));
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 600),
			    "ai-stack/llama-cpp 94s at 06:14Z: pull 57s, app 30s, probe 6.0s");
	take(summary, a_kill("aidb", 300));
	take(summary, a_kill("aidb", 400));
	take(summary, a_kill("aidb", 480));
	assert_string_equal(
		line(summary, SUMMARY_OOM_KILLS, 600),
		"3 in 24h, last 06:20Z ai-stack/aidb python3 (child, container survived), "
		"container limit 512Mi");
	take(summary, a_death("qdrant", 500, EXIT_CRASHED, 139, SIGSEGV, 3));
	take(summary, a_death("ralph", 510, EXIT_ERROR, 1, 0, 14));
	assert_string_equal(line(summary, SUMMARY_CRASHES, 600),
			    "2 looping: ai-stack/ralph exit 1 14x, ai-stack/qdrant SIGSEGV 3x");
	node_summary_free(summary);
}

static void kills_in_words(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record = a_kill("aidb", 60);

	(void)state;
	record.final = false;
	record.oom.container_survived = SURVIVAL_UNKNOWN;
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_OOM_KILLS, 61),
		"1 in 24h, last 06:13Z ai-stack/aidb python3 (child), container limit 512Mi");
	record.final = true; /* the same, better known: counts once */
	record.oom.container_survived = SURVIVAL_NO;
	record.oom.victims[0].init = true;
	record.oom.scope = SCOPE_POD;
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_OOM_KILLS, 61),
		"1 in 24h, last 06:13Z ai-stack/aidb python3 (init, container ended), pod "
		"limit 512Mi");
	record = a_kill("", 70);
	record.subject = (struct subject){0};
	record.oom.scope = SCOPE_NODE;
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_OOM_KILLS, 71),
		"2 in 24h, last 06:13Z host process python3, the node was out of memory");
	record = a_kill("", 80);
	record.subject = (struct subject){0};
	record.oom.scope = SCOPE_CGROUP;
	record.oom.limit_bytes = UINT64_C(3) << 29;
	TEXT_COPY(record.oom.limit_path, "/system.slice/postgresql.service");
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_OOM_KILLS, 81),
		"3 in 24h, last 06:13Z host process python3, limit of postgresql.service "
		"1.5Gi");
	node_summary_free(summary);
}

static void crashes_in_words(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record;

	(void)state;
	take(summary, a_death("a", 10, EXIT_COMPLETED, 0, 0, 0));
	take(summary, a_death("a", 11, EXIT_STOPPED, 137, SIGKILL, 1));
	take(summary, a_death("a", 12, EXIT_OOM_KILLED, 137, SIGKILL, 1)); /* has its own line */
	record = a_death("a", 13, EXIT_ERROR, 3, 0, 1);
	record.final = false;
	take(summary, record);
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20), "none in 24h");
	record.final = true;
	take(summary, record);
	take(summary, record);
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20),
			    "1 in 24h, last 06:12Z ai-stack/a exit 3");
	take(summary, a_death("b", 14, EXIT_START_FAILED, 128, 0, 1));
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20),
			    "2 in 24h, last 06:12Z ai-stack/b never started");
	take(summary, a_death("c", 15, EXIT_SIGNALED, 143, SIGTERM, 3));
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20),
			    "1 looping: ai-stack/c SIGTERM 3x; last other 06:12Z ai-stack/b never "
			    "started");
	/* two containers of one pod: the pod's name is not enough */
	record = a_death("c", 16, EXIT_OOM_KILLED, 137, SIGKILL, 5);
	TEXT_COPY(record.subject.container, "side");
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_CRASHES, 20),
		"2 looping: ai-stack/c/side out of memory 5x, ai-stack/c/main SIGTERM 3x; "
		"last other 06:12Z ai-stack/b never started");
	/* it came out of it */
	record.exit.looping = false;
	record.exit.verdict = EXIT_COMPLETED;
	record.boot_ns += S;
	take(summary, record);
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20),
			    "1 looping: ai-stack/c SIGTERM 3x; last other 06:12Z ai-stack/b never "
			    "started");
	/* quiet for 20 min: it is over */
	assert_int_equal(node_summary_next_wall_ns(summary, AT(20)), AT(15 + 1200));
	assert_string_equal(line(summary, SUMMARY_CRASHES, 15 + 1200),
			    "3 in 24h, last 06:12Z ai-stack/b never started");
	node_summary_free(summary);
}

static void what_grows_old_leaves(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(-100 * HOUR));

	(void)state;
	take(summary, a_start("slowest", 0, 57, 30));
	take(summary, a_start("beaten", HOUR, 3, 1));
	take(summary, a_start("second", 2 * HOUR, 20, 3));
	take(summary, a_kill("one", 0));
	take(summary, a_kill("two", 6 * HOUR));
	assert_int_equal(node_summary_next_wall_ns(summary, AT(7 * HOUR)), AT(24 * HOUR));
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 24 * HOUR),
			    "ai-stack/second 30s at 08:12Z: pull 20s, probe 6.0s, app 3.0s");
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 26 * HOUR), "none in 24h");
	/* counts leave within half an hour */
	assert_int_equal(line(summary, SUMMARY_OOM_KILLS, 24 * HOUR + 1800)[0], '1');
	assert_string_equal(line(summary, SUMMARY_OOM_KILLS, 30 * HOUR), "1 in 24h");
	assert_string_equal(line(summary, SUMMARY_OOM_KILLS, 31 * HOUR), "none in 24h");
	assert_true(node_summary_next_wall_ns(summary, AT(31 * HOUR)) == INT64_MAX);
	node_summary_free(summary);
}

/* As they come from the store: longest or newest first. */
static void the_order_does_not_matter(void **state)
{
	struct node_summary *one = node_summary_new("0.1.0", AT(0));
	struct node_summary *two = node_summary_new("0.1.0", AT(0));
	struct record records[40];
	char expected[SUMMARY_LINE_SIZE];

	(void)state;
	for (int i = 0; i < 40; i++)
		records[i] = i % 2 ? a_start("s", i * 100, 1 + (unsigned int)i * 7 % 31, 2)
				   : a_death("d", i * 100, EXIT_ERROR, i, 0, (unsigned int)i / 2);
	for (int i = 0; i < 40; i++) {
		take(one, records[i]);
		take(two, records[39 - i]);
	}
	for (enum summary_line which = 0; which < SUMMARY_LINE_COUNT; which++) {
		strcpy(expected, line(one, which, 4000));
		assert_string_equal(line(two, which, 4000), expected);
	}
	node_summary_free(one);
	node_summary_free(two);
}

static void gaps(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record = a_record(RECORD_GAP, "", 60);

	(void)state;
	record.subject = (struct subject){0};
	TEXT_COPY(record.gap.source, "containerd");
	TEXT_COPY(record.gap.cause, "it does not answer");
	record.final = false;
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_AGENT, 61),
		"v0.1.0 watching since 06:12Z, 1 gap in 24h, last 06:13Z containerd: it "
		"does not answer");
	/* as long as it goes on, however long */
	assert_non_null(strstr(line(summary, SUMMARY_AGENT, 100 * HOUR), "it does not answer"));
	record.final = true;
	record.gap.span = (struct span){S, 3 * S};
	take(summary, record);
	record.key[0] = 'x';
	record.gap.count = 312;
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_AGENT, 61),
		"v0.1.0 watching since 06:12Z, 2 gaps in 24h, last 06:13Z containerd: it "
		"does not answer for 2.0s, 312 lost");
	node_summary_free(summary);
}

static void the_boot(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record = a_record(RECORD_BOOT, "", 70);
	struct boot_history earlier = {.count = 3, .total_ns = {20 * S, 20 * S, 21 * S}};

	(void)state;
	assert_string_equal(line(summary, SUMMARY_BOOT, 1), ""); /* there is none to tell of */
	record.final = false;
	record.wall_offset_ns = AT(-100); /* the kernel began then */
	record.boot = (struct record_boot){
		.state = BOOT_WAKING, .pods_expected = 9, .pods_ready = 7, .measured = true};
	take(summary, record);
	assert_string_equal(line(summary, SUMMARY_BOOT, 0), "waking for 90s: 7 of 9 pods ready");
	assert_int_equal(node_summary_next_wall_ns(summary, AT(0)), AT(20));
	/* the clock was wrong by a year: it was set meanwhile */
	node_summary_clock(summary, AT(-130));
	assert_string_equal(line(summary, SUMMARY_BOOT, 0), "waking for 2m: 7 of 9 pods ready");
	assert_int_equal(node_summary_next_wall_ns(summary, AT(0)), AT(20));
	record.final = true;
	record.boot.state = BOOT_READY;
	record.boot.span = (struct span){1, 1 + 170 * S};
	take(summary, record);
	node_summary_earlier(summary, &earlier);
	assert_string_equal(line(summary, SUMMARY_BOOT, 1000 * HOUR),
			    "ready 2m50s after kernel start (usual 20s)");
	assert_int_equal(node_summary_next_wall_ns(summary, AT(80)), AT(24 * HOUR));
	node_summary_free(summary);
}

/* Why a phase took so long stands with it; it gives way where the line is full. */
static void the_cause_of_the_slowest(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record = a_start("llama-cpp", 120, 57, 30);
	struct start_why *why = &record.start.why;
	char pod[101];

	(void)state;
	why->stall_count = 1;
	why->stalls[0] = (struct phase_stalls){
		.phase = PHASE_APP,
		.grade = STALLS_MEASURED,
		.wall = {{[STALL_DISK] = 22 * S, [STALL_CPU] = 8 * S}},
	};
	take(summary, record);
	assert_string_equal(
		line(summary, SUMMARY_SLOWEST_START, 600),
		"ai-stack/llama-cpp 94s at 06:14Z: pull 57s, app 30s (disk 22s), probe 6.0s");

	/* the longest words there can be */
	memset(pod, 'p', sizeof(pod) - 1);
	pod[sizeof(pod) - 1] = '\0';
	TEXT_COPY(record.subject.pod, pod);
	record.start.span.to_ns += S;
	record.start.phases[0].phase = PHASE_SANDBOX;
	record.start.phases[0].reconstructed = true;
	record.start.plugin_count = 1;
	record.start.plugins[0].span = record.start.phases[0].span;
	memset(record.start.plugins[0].name, 'c', sizeof(record.start.plugins[0].name) - 1);
	why->stalls[0].wall.ns[STALL_DISK] = 0;
	why->peer_count = 1;
	why->peers[0] = (struct peer_wait){
		.kind = PEER_WAIT_FAILED,
		.span = record.start.phases[1].span,
		.name = "\033[31m%n</x>",
	};
	why->stalls[0].wall.ns[STALL_NETWORK] = 22 * S;
	take(summary, record);
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 600),
			    "ai-stack/pppppppppppppppp..pppppppppppppppppppppppp 95s at 06:14Z: "
			    "sandbox 57s, app 30s (\\x1b[31m%n</x> 22s), probe 6.0s "
			    "[reconstructed]");
	node_summary_free(summary);
}

static void lines_are_bounded(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	char pod[POD_SIZE];

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(pod, 'a' + i % 26, sizeof(pod) - 1);
		pod[sizeof(pod) - 1] = '\0';
		snprintf(pod + 200, 50, "-%d\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\x1b[31m", i);
		struct record gap = a_record(RECORD_GAP, pod, i);

		memset(gap.gap.cause, 'c', sizeof(gap.gap.cause) - 1);
		TEXT_COPY(gap.gap.source, "kernel");
		take(summary, gap);
		take(summary, a_start(pod, i, 100 + (unsigned int)i, 100000));
		take(summary, a_kill(pod, i));
		struct record death = a_death(pod, i, EXIT_ERROR, i, 0, (unsigned int)i);

		snprintf(death.subject.pod_uid, sizeof(death.subject.pod_uid), "uid-%d", i);
		take(summary, death);
		for (enum summary_line which = 0; which < SUMMARY_LINE_COUNT; which++) {
			const char *text = line(summary, which, 200);

			for (size_t at = 0, length; text[at]; at += length) {
				length = text_utf8_length(text + at, strlen(text + at));
				assert_true(length > 0);
				assert_true((unsigned char)text[at] >= 0x20);
			}
		}
	}
	assert_non_null(strstr(line(summary, SUMMARY_CRASHES, 200), "64 looping: ai-stack/"));
	assert_non_null(strstr(line(summary, SUMMARY_CRASHES, 200), " more"));
	node_summary_free(summary);
}

static void a_foreign_container_is_not_kubernetes(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));

	(void)state;
	take(summary, a_death("", 10, EXIT_ERROR, 3, 0, 5));
	take(summary, a_start("", 10, 5, 5));
	assert_string_equal(line(summary, SUMMARY_CRASHES, 20), "none in 24h");
	assert_string_equal(line(summary, SUMMARY_SLOWEST_START, 20), "none in 24h");
	node_summary_free(summary);
}

/* Whatever a container wrote: a Node's annotations have no place for it. */
static void log_lines_are_no_annotations(void **state)
{
	struct node_summary *summary = node_summary_new("0.1.0", AT(0));
	struct record record = a_death("web", 60, EXIT_ERROR, 1, 0, 3);

	(void)state;
	TEXT_COPY(record.exit.log.text, "password=hunter2\n");
	record.exit.log.lines = 1;
	take(summary, record);
	assert_non_null(strstr(line(summary, SUMMARY_CRASHES, 120), "web"));
	for (int which = 0; which < SUMMARY_LINE_COUNT; which++)
		assert_null(strstr(line(summary, (enum summary_line)which, 120), "hunter2"));
	node_summary_free(summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(the_words_of_the_design),
		cmocka_unit_test(kills_in_words),
		cmocka_unit_test(crashes_in_words),
		cmocka_unit_test(what_grows_old_leaves),
		cmocka_unit_test(the_order_does_not_matter),
		cmocka_unit_test(gaps),
		cmocka_unit_test(the_boot),
		cmocka_unit_test(the_cause_of_the_slowest),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(a_foreign_container_is_not_kubernetes),
		cmocka_unit_test(log_lines_are_no_annotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
