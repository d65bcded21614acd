// SPDX-License-Identifier: Apache-2.0
/* The boot's annotation, word for word: ready, waking, not recovered; seldom another text; never too long. */
#include "sink/node/node_boot.h"

#include "base/text.h"
#include "sink/node/node_boots.h"
#include "unit/store_fixture.h"

#define MS NS_PER_MS

static void add_phase(struct record_boot *boot, enum boot_phase phase, uint64_t ns)
{
	uint64_t from_ns = boot->span.to_ns;

	boot->phases[boot->phase_count++] =
		(struct boot_phase_span){.phase = phase, .span = {from_ns, from_ns + ns}};
	if (phase != BOOT_PHASE_FIRMWARE && phase != BOOT_PHASE_LOADER)
		boot->span.to_ns += ns;
}

/* 145.3 s from the kernel's start, 6.1 s of firmware before it. */
static struct record_boot a_boot(void)
{
	struct record_boot boot = {
		.state = BOOT_READY,
		.span = {1, 1},
		.firmware_ns = 6100 * MS,
		.measured = true,
		.pods_expected = 9,
		.pods_ready = 9,
	};

	add_phase(&boot, BOOT_PHASE_FIRMWARE, 6100 * MS);
	boot.phases[0].span = (struct span){0, 6100 * MS};
	add_phase(&boot, BOOT_PHASE_KERNEL, 2300 * MS);
	add_phase(&boot, BOOT_PHASE_USERSPACE, 14200 * MS);
	add_phase(&boot, BOOT_PHASE_RUNTIME, 21500 * MS);
	TEXT_COPY(boot.phases[3].unit, "k3s.service");
	add_phase(&boot, BOOT_PHASE_NODE, 900 * MS);
	add_phase(&boot, BOOT_PHASE_PODS, 106400 * MS);
	return boot;
}

static void miss(struct record_boot *boot, const char *pod, const char *reason)
{
	struct boot_missing *missing;

	boot->missing_total++;
	boot->pods_ready--;
	if (boot->missing_count == BOOT_MISSING_MAX)
		return;
	missing = &boot->missing[boot->missing_count++];
	TEXT_COPY(missing->pod, pod);
	TEXT_COPY(missing->reason, reason);
}

static const struct boot_history none;

static const char *line_with(const struct record_boot *boot, const struct boot_history *earlier,
			     uint64_t awake_ns)
{
	static char text[SUMMARY_LINE_SIZE];

	memset(text, 'x', sizeof(text));
	node_boot_line(boot, earlier, awake_ns, text);
	assert_non_null(memchr(text, '\0', sizeof(text)));
	return text;
}

static const char *line(const struct record_boot *boot, uint64_t awake_ns)
{
	return line_with(boot, &none, awake_ns);
}

static void ready(void **state)
{
	struct record_boot boot = a_boot(), usual = a_boot();
	struct boot_history earlier = {0};

	(void)state;
	assert_string_equal(line(&boot, 0),
			    "ready 2m31s after power-on: pods 1m46s, k3s 22s, userspace 14s, "
			    "firmware 6s, kernel 2s");
	usual.span.to_ns = 52 * S;
	for (int i = 0; i < 2; i++)
		boot_history_add(&earlier, &usual);
	assert_null(strstr(line_with(&boot, &earlier, 0), "usual")); /* two say nothing */
	boot_history_add(&earlier, &usual);
	assert_string_equal(line_with(&boot, &earlier, 0),
			    "ready 2m31s after power-on (usual 58s): pods 1m46s, k3s 22s, "
			    "userspace 14s, firmware 6s, kernel 2s");
	boot.firmware_ns = 0;
	memmove(&boot.phases[0], &boot.phases[1], 5 * sizeof(boot.phases[0]));
	boot.phase_count--;
	boot.measured = false;
	assert_string_equal(line(&boot, 0),
			    "ready 2m25s after kernel start: pods 1m46s, k3s 22s, userspace 14s, "
			    "kernel 2s [reconstructed]");
	assert_true(node_boot_next_ns(&boot, 700 * S) == UINT64_MAX);
}

static void waking(void **state)
{
	struct record_boot boot = a_boot();

	(void)state;
	boot.state = BOOT_WAKING;
	miss(&boot, "ai-stack/llama-cpp", "pull");
	miss(&boot, "ai-stack/aidb", "");
	assert_string_equal(
		line(&boot, 45 * S),
		"waking for 45s: 7 of 9 pods ready, waits for ai-stack/llama-cpp (pull), "
		"ai-stack/aidb");
	assert_string_equal(line(&boot, 10 * S),
			    "waking: 7 of 9 pods ready, waits for ai-stack/llama-cpp (pull), "
			    "ai-stack/aidb");
	boot.missing_total = boot.missing_count = 0;
	assert_string_equal(line(&boot, 600 * S), "waking for 10m: 7 of 9 pods ready");
	boot.pods_expected = 0; /* not known so far */
	boot.phase_count = 4;
	assert_string_equal(line(&boot, 45 * S), "waking for 45s: k3s");
	boot.phase_count = 0;
	assert_string_equal(line(&boot, 45 * S), "waking for 45s");
	boot.state = BOOT_STATE_NONE;
	assert_string_equal(line(&boot, 45 * S), "");
	assert_true(node_boot_next_ns(&boot, 45 * S) == UINT64_MAX);
}

/* Each text is a write: four in the first minute, then one in half a minute, and it says when. */
static void the_time_goes_in_steps(void **state)
{
	struct record_boot boot = a_boot();
	char before[SUMMARY_LINE_SIZE] = "";
	uint64_t next_ns = 0;
	int texts = 0;

	(void)state;
	boot.state = BOOT_WAKING;
	for (uint64_t awake_ns = 0; awake_ns < 900 * S; awake_ns += S / 4) {
		const char *now = line(&boot, awake_ns);

		if (strcmp(now, before) != 0) {
			assert_true(awake_ns == next_ns);
			texts++;
		}
		strcpy(before, now);
		next_ns = node_boot_next_ns(&boot, awake_ns);
		assert_true(next_ns > awake_ns);
	}
	assert_int_equal(texts, 4 + 2 * 9 + 5);
}

static void not_recovered(void **state)
{
	struct record_boot boot = a_boot();

	(void)state;
	boot.state = BOOT_NOT_RECOVERED;
	boot.span.to_ns = 600 * S + 1;
	miss(&boot, "ai-stack/aidb", "CrashLoopBackOff");
	miss(&boot, "shop/db", "Pending");
	assert_string_equal(line(&boot, 900 * S),
			    "not recovered after 10m: 2 of 9 pods missing: ai-stack/aidb "
			    "CrashLoopBackOff, shop/db Pending");
	assert_true(node_boot_next_ns(&boot, 900 * S) == UINT64_MAX);
	miss(&boot, "ai-stack/a-long-name-of-a-pod-59c8b7f6d4-x2lqz", "ImagePullBackOff");
	miss(&boot, "shop/four", "");
	assert_string_equal(line(&boot, 900 * S),
			    "not recovered after 10m: 4 of 9 pods missing: ai-stack/aidb "
			    "CrashLoopBackOff, shop/db Pending, 2 more");
}

static void hostile_texts_stay_within_the_line(void **state)
{
	struct record_boot boot = a_boot();
	char pod[POD_PATH_SIZE], reason[REASON_SIZE];

	(void)state;
	memset(pod, 'p', sizeof(pod));
	pod[sizeof(pod) - 1] = '\0';
	memcpy(pod + 20, "\x1b[31m\n\xc3/\xe2\x80\xae", 11);
	memset(reason, '\n', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	for (int i = 0; i < 9; i++)
		miss(&boot, pod, reason);
	memset(boot.phases[3].unit, '\x1b', UNIT_SIZE - 1);
	for (enum boot_state which = BOOT_WAKING; which < BOOT_STATE_COUNT; which++) {
		boot.state = which;
		for (const char *at = line(&boot, 60 * S); *at; at++)
			assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
	}
	boot.pods_expected = 0;
	boot.phase_count = 4;
	boot.state = BOOT_WAKING;
	for (const char *at = line(&boot, 60 * S); *at; at++)
		assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
}

static void put_boot(struct folder *folder, const char *boot_id, const struct record_boot *boot)
{
	struct record record = {
		.type = RECORD_BOOT, .final = true, .boot_ns = boot->span.to_ns, .boot = *boot};
	struct store *store;

	TEXT_COPY(record.key, "boot");
	assert_int_equal(store_open(&store, folder->dir, boot_id, NULL, folder->why), 0);
	assert_int_equal(store_put(store, &record), STORE_NEW);
	store_close(store);
}

static void the_store_says_what_is_usual(void **state)
{
	struct record_boot boot = a_boot();
	struct boot_history earlier;
	struct usual usual;
	struct folder folder;
	struct record own;
	char boot_id[32];

	(void)state;
	folder_make(&folder);
	for (int i = 0; i < 60; i++) {
		snprintf(boot_id, sizeof(boot_id), "boot-%02d", i);
		boot.span.to_ns = 1 + (i < 5 ? 500 : 100) * S; /* the first are no more looked at */
		put_boot(&folder, boot_id, &boot);
	}
	struct store *store = folder_open(&folder, NULL);

	assert_int_equal(node_boots_read(store, BOOT, &earlier, &own), 0);
	assert_int_equal(own.type, RECORD_NONE);
	assert_int_equal(earlier.count, BOOT_HISTORY_MAX);
	store_close(store);
	boot.span.to_ns = 1 + 900 * S;
	put_boot(&folder, BOOT, &boot);
	store = folder_open(&folder, NULL);
	assert_int_equal(node_boots_read(store, BOOT, &earlier, &own), 0);
	assert_int_equal(own.boot.span.to_ns, 1 + 900 * S);
	assert_int_equal(earlier.count, BOOT_HISTORY_MAX);
	boot_history_usual(&earlier, &usual);
	assert_int_equal(usual.median_ns, 100 * S + 6100 * MS);
	assert_int_equal(usual.spread_ns, 0);
	store_close(store);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready),
		cmocka_unit_test(waking),
		cmocka_unit_test(the_time_goes_in_steps),
		cmocka_unit_test(not_recovered),
		cmocka_unit_test(hostile_texts_stay_within_the_line),
		cmocka_unit_test(the_store_says_what_is_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
