// SPDX-License-Identifier: Apache-2.0
/* A wall clock that was set during the boot, turned back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/journal/wall_steps.h"

#define S    ((int64_t)NS_PER_SECOND)
#define WALL (INT64_C(1790000000) * S)

static void a_clock_that_is_right(void **state)
{
	struct wall_steps steps = {0};

	(void)state;
	assert_int_equal(wall_steps_boot_ns(&steps, WALL), 0);
	assert_int_equal(wall_steps_earliest(&steps), 0);
	for (int64_t second = 100; second > 0; second--)
		wall_steps_note(&steps, (uint64_t)(second * S), WALL + second * S + second * 1000);
	assert_int_equal(steps.count, 1);
	assert_in_range(wall_steps_boot_ns(&steps, WALL + 50 * S), 50 * S - 1000000,
			50 * S + 1000000);
	/* before the first that was seen, and after the last */
	assert_in_range(wall_steps_boot_ns(&steps, WALL + S / 2), S / 2 - 1000000, S / 2 + 1000000);
	assert_in_range(wall_steps_boot_ns(&steps, WALL + 500 * S), 500 * S - 1000000,
			500 * S + 1000000);
	assert_int_equal(wall_steps_boot_ns(&steps, WALL - S), 0);
	assert_in_range(wall_steps_earliest(&steps), WALL, WALL + 1000000);
}

/* A day behind until 40 s; in whatever order it is seen. */
static void a_clock_that_is_set(void **state)
{
	static const int64_t seconds[][4] = {{2, 30, 41, 60}, {60, 41, 30, 2}, {41, 2, 60, 30}};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		struct wall_steps steps = {0};

		for (int at = 0; at < 4; at++) {
			int64_t second = seconds[i][at];

			wall_steps_note(&steps, (uint64_t)(second * S),
					WALL + second * S - (second < 40 ? 86400 * S : 0));
		}
		assert_int_equal(steps.count, 2);
		assert_int_equal(wall_steps_boot_ns(&steps, WALL - 86400 * S + 20 * S), 20 * S);
		assert_int_equal(wall_steps_boot_ns(&steps, WALL + 50 * S), 50 * S);
		/* the time in between was never */
		assert_int_equal(wall_steps_boot_ns(&steps, WALL - 3600 * S), 0);
		assert_int_equal(wall_steps_earliest(&steps), WALL - 86400 * S);
	}
}

static void a_clock_that_never_rests(void **state)
{
	struct wall_steps steps = {0};

	(void)state;
	for (int64_t i = 1; i < 200; i++)
		wall_steps_note(&steps, (uint64_t)(i * S), WALL + i * i * S);
	assert_int_equal(steps.count, WALL_STEPS_MAX);
	assert_int_equal(wall_steps_boot_ns(&steps, WALL + S), S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_is_right),
		cmocka_unit_test(a_clock_that_is_set),
		cmocka_unit_test(a_clock_that_never_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
