/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps of a critical path are joined, and that none grows much by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "track/boot/boot_step.h"

#define MS NS_PER_MS
#define S  NS_PER_SECOND

/* From the last to the first, as they are gathered. */
struct wanted {
	enum boot_step_kind kind;
	uint64_t length;
	const char *name;
};

static void build(const struct wanted *wanted, size_t count, struct record_boot *ret)
{
	struct boot_steps steps;
	uint64_t end = 1;

	for (size_t i = 0; i < count; i++)
		end += wanted[i].length;
	*ret = (struct record_boot){.span = {1, end}};
	assert_int_equal(boot_steps_begin(&steps, end), 0);
	for (size_t i = 0; i < count; i++) {
		end -= wanted[i].length;
		boot_steps_add(&steps, wanted[i].kind, end, wanted[i].name);
	}
	assert_int_equal(steps.cursor_ns, 1);
	boot_steps_end(&steps, ret);

	uint64_t at = 1;

	assert_true(ret->step_count > 0 && ret->step_count <= BOOT_STEPS_MAX);
	for (uint32_t i = 0; i < ret->step_count; i++) {
		assert_int_equal(ret->steps[i].span.from_ns, at);
		assert_true(ret->steps[i].span.to_ns > at);
		at = ret->steps[i].span.to_ns;
	}
	assert_int_equal(at, ret->span.to_ns);
}

static uint64_t length(const struct boot_step *step)
{
	return step->span.to_ns - step->span.from_ns;
}

static void short_ones_of_a_kind_are_one(void **state)
{
	const struct wanted wanted[] = {
		{BOOT_STEP_POD, 50 * S, "app"},		 {BOOT_STEP_UNIT, 200 * MS, "c.service"},
		{BOOT_STEP_UNIT, 300 * MS, "b.service"}, {BOOT_STEP_UNIT, 100 * MS, "a.service"},
		{BOOT_STEP_MILESTONE, 50 * S, "kernel"},
	};
	struct record_boot boot;

	(void)state;
	build(wanted, 5, &boot);
	assert_true(boot.step_count < 5);
	assert_int_equal(boot.steps_left_out, 5 - boot.step_count);
	assert_string_equal(boot.steps[0].name, "kernel");
	assert_string_equal(boot.steps[boot.step_count - 1].name, "app");
}

/* Thirty short steps beside a long one: it does not take them all. */
static void no_step_grows_by_much(void **state)
{
	struct wanted wanted[32] = {{BOOT_STEP_UNIT, 20 * S, "slow.service"}};
	struct record_boot boot;
	uint64_t longest = 0;

	(void)state;
	for (int i = 1; i < 32; i++)
		wanted[i] = (struct wanted){i % 2 ? BOOT_STEP_POD : BOOT_STEP_UNIT, 150 * MS, "x"};
	build(wanted, 32, &boot);
	for (uint32_t i = 0; i < boot.step_count; i++)
		if (strcmp(boot.steps[i].name, "slow.service") == 0)
			longest = length(&boot.steps[i]);
	assert_true(longest >= 20 * S && longest <= 20 * S + 20 * S / 50);
}

static void unexplained_time_keeps_its_name(void **state)
{
	const struct wanted wanted[] = {
		{BOOT_STEP_POD, 5 * S, "app"},
		{BOOT_STEP_IDLE, 400 * MS, ""},
		{BOOT_STEP_UNIT, 5 * S, "containerd.service"},
		{BOOT_STEP_IDLE, 5 * MS, ""},
		{BOOT_STEP_UNIT, 40 * S, "slow.service"},
	};
	struct record_boot boot;

	(void)state;
	build(wanted, 5, &boot);
	assert_int_equal(boot.step_count, 4);
	assert_int_equal(boot.steps_left_out, 1);
	assert_string_equal(boot.steps[0].name, "slow.service");
	assert_string_equal(boot.steps[1].name, "containerd.service");
	assert_int_equal(boot.steps[2].kind, BOOT_STEP_IDLE);
	assert_int_equal(length(&boot.steps[2]), 400 * MS);
}

/* More than can be gathered: what comes first takes the rest, and it is counted. */
static void too_many(void **state)
{
	struct wanted wanted[400];
	struct record_boot boot;

	(void)state;
	for (int i = 0; i < 400; i++)
		wanted[i] = (struct wanted){BOOT_STEP_UNIT, S, "x"};
	build(wanted, 400, &boot);
	assert_int_equal(boot.step_count, BOOT_STEPS_MAX);
	assert_int_equal(boot.steps_left_out, 400 - BOOT_STEPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ones_of_a_kind_are_one),
		cmocka_unit_test(no_step_grows_by_much),
		cmocka_unit_test(unexplained_time_keeps_its_name),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
