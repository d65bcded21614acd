// SPDX-License-Identifier: Apache-2.0
/* What boots usually take, and when one is slower than that. */
#include "model/boot_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

#define MS NS_PER_MS

/* kernel 2 s, userspace 10 s, and so long for the runtime and the pods, in ms; firmware apart. */
static struct record_boot make(uint64_t runtime, uint64_t pods)
{
	uint64_t end = 12000 + runtime + pods;

	return (struct record_boot){
		.state = BOOT_READY,
		.span = {1, 1 + end * MS},
		.phase_count = 4,
		.phases =
			{{BOOT_PHASE_KERNEL, {1, 1 + 2000 * MS}, "", false},
			 {BOOT_PHASE_USERSPACE, {1 + 2000 * MS, 1 + 12000 * MS}, "", false},
			 {BOOT_PHASE_RUNTIME,
			  {1 + 12000 * MS, 1 + (12000 + runtime) * MS},
			  "k3s.service",
			  false},
			 {BOOT_PHASE_PODS, {1 + (12000 + runtime) * MS, 1 + end * MS}, "", false}},
	};
}

static struct boot_history of(const uint64_t *pods, size_t count)
{
	struct boot_history history = {0};

	for (size_t i = 0; i < count; i++) {
		struct record_boot boot = make(8000, pods[i]);

		boot_history_add(&history, &boot);
	}
	return history;
}

static void the_whole_begins_at_power_on(void **state)
{
	struct record_boot boot = make(8000, 20000);

	(void)state;
	assert_int_equal(boot_total_ns(&boot), 40000 * MS);
	boot.firmware_ns = 5000 * MS;
	boot.loader_ns = 1000 * MS;
	assert_int_equal(boot_total_ns(&boot), 46000 * MS);
	assert_int_equal(boot_phase_ns(&boot, BOOT_PHASE_RUNTIME), 8000 * MS);
	assert_int_equal(boot_phase_ns(&boot, BOOT_PHASE_INITRD), 0);
	boot.span.to_ns = 0; /* nothing known */
	assert_int_equal(boot_total_ns(&boot), 6000 * MS);
}

static void the_median_and_its_spread(void **state)
{
	/* totals 40, 42, 41, 44, 400 s: median 42, deviations 2 0 1 2 358: their median 2 */
	static const uint64_t odd[] = {20000, 22000, 21000, 24000, 380000};
	static const uint64_t even[] = {20000, 30000, 24000, 21000};
	struct boot_history history = of(odd, 5);
	struct usual usual;

	(void)state;
	boot_history_usual(&history, &usual);
	assert_int_equal(usual.median_ns, 42000 * MS);
	assert_int_equal(usual.spread_ns / 1000, (uint64_t)(2000 * 1.4826 * 1000));
	boot_history_usual_phase(&history, BOOT_PHASE_PODS, &usual);
	assert_int_equal(usual.median_ns, 22000 * MS);
	boot_history_usual_phase(&history, BOOT_PHASE_RUNTIME, &usual);
	assert_int_equal(usual.median_ns, 8000 * MS);
	assert_int_equal(usual.spread_ns, 0);
	history = of(even, 4);
	boot_history_usual(&history, &usual);
	assert_int_equal(usual.median_ns, 42500 * MS);
}

static void nothing_is_said_of_nothing(void **state)
{
	struct boot_history history = {0};
	struct record_boot boot = make(8000, 20000), none = {0};
	struct usual usual = {1, 1};
	struct boot_verdict verdict;

	(void)state;
	boot_history_usual(&history, &usual);
	assert_int_equal(usual.median_ns + usual.spread_ns, 0);
	for (uint32_t i = 0; i < BOOT_HISTORY_ENOUGH; i++) {
		struct record_boot slow = make(8000, 900000);

		boot_history_judge(&history, &slow, &verdict);
		assert_int_equal(verdict.boots, i);
		assert_false(verdict.enough);
		assert_false(verdict.slower);
		assert_int_equal(verdict.usual_ns, 0);
		assert_int_equal(verdict.grown, BOOT_PHASE_NONE);
		boot_history_add(&history, &boot);
	}
	boot_history_judge(&history, &none, &verdict);
	assert_true(verdict.enough);
	assert_false(verdict.slower);
	assert_int_equal(verdict.grown, BOOT_PHASE_NONE);
}

static void only_boots_that_became_ready_count(void **state)
{
	struct boot_history history = {0};
	struct record_boot boot = make(8000, 600000);

	(void)state;
	boot.state = BOOT_NOT_RECOVERED;
	boot_history_add(&history, &boot);
	boot.state = BOOT_WAKING;
	boot_history_add(&history, &boot);
	assert_int_equal(history.count, 0);
	boot.state = BOOT_READY;
	for (int i = 0; i < BOOT_HISTORY_MAX + 2; i++)
		boot_history_add(&history, &boot);
	assert_int_equal(history.count, BOOT_HISTORY_MAX);
}

static void slower_than_usual(void **state)
{
	/* they agree to the ms: a fifth of 40 s is what counts */
	static const uint64_t same[] = {20000, 20000, 20000};
	/* they scatter: median 40 s, deviations 6 6 0: three spreads are 26.7 s */
	static const uint64_t wide[] = {14000, 20000, 26000};
	static const struct {
		const uint64_t *before;
		uint64_t pods;
		bool slower;
	} cases[] = {
		{same, 20000, false}, {same, 28000, false}, {same, 28001, true},
		{same, 5000, false},  {wide, 46000, false}, {wide, 47000, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct boot_history history = of(cases[i].before, 3);
		struct record_boot boot = make(8000, cases[i].pods);
		struct boot_verdict verdict;

		boot_history_judge(&history, &boot, &verdict);
		assert_true(verdict.enough);
		assert_int_equal(verdict.boots, 3);
		assert_int_equal(verdict.usual_ns, 40000 * MS);
		assert_int_equal(verdict.slower, cases[i].slower);
	}
}

/* Boots of a second: what is below a second more is nothing to tell. */
static void short_boots(void **state)
{
	struct record_boot boot = {.state = BOOT_READY, .span = {1, 1 + 1000 * MS}};
	struct boot_history history = {0};
	struct boot_verdict verdict;

	(void)state;
	for (int i = 0; i < 3; i++)
		boot_history_add(&history, &boot);
	boot.span.to_ns = 1 + 2000 * MS;
	boot_history_judge(&history, &boot, &verdict);
	assert_false(verdict.slower);
	boot.span.to_ns++;
	boot_history_judge(&history, &boot, &verdict);
	assert_true(verdict.slower);
}

static void the_phase_that_grew_most(void **state)
{
	static const uint64_t same[] = {20000, 20000, 20000};
	struct boot_history history = of(same, 3);
	struct record_boot boot = make(38000, 25000);
	struct boot_verdict verdict;

	(void)state;
	boot_history_judge(&history, &boot, &verdict);
	assert_int_equal(verdict.grown, BOOT_PHASE_RUNTIME);
	assert_int_equal(verdict.grown_ns, 30000 * MS);
	boot = make(9000, 90000);
	boot_history_judge(&history, &boot, &verdict);
	assert_int_equal(verdict.grown, BOOT_PHASE_PODS);
	assert_int_equal(verdict.grown_ns, 70000 * MS);
	/* one that earlier boots did not have */
	boot = make(8000, 20000);
	boot.phases[1].phase = BOOT_PHASE_INITRD;
	boot_history_judge(&history, &boot, &verdict);
	assert_int_equal(verdict.grown, BOOT_PHASE_INITRD);
	assert_int_equal(verdict.grown_ns, 10000 * MS);
	/* a shorter one */
	boot = make(7000, 19000);
	boot_history_judge(&history, &boot, &verdict);
	assert_int_equal(verdict.grown, BOOT_PHASE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_begins_at_power_on),
		cmocka_unit_test(the_median_and_its_spread),
		cmocka_unit_test(nothing_is_said_of_nothing),
		cmocka_unit_test(only_boots_that_became_ready_count),
		cmocka_unit_test(slower_than_usual),
		cmocka_unit_test(short_boots),
		cmocka_unit_test(the_phase_that_grew_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
