/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/clock.h"

#define S NS_PER_SECOND
#define T (1000 * S)

static void pauses_grow_and_are_spread(void **state)
{
	static const uint64_t steps[] = {1, 2, 4, 8, 16, 30, 30};
	uint64_t least_ns = UINT64_MAX, most_ns = 0;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct backoff backoff = {0};

		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			backoff_failed(&backoff, T, 0, 30 * S);
			uint64_t pause_ns = backoff.until_ns - T;

			assert_int_equal(backoff.failures, i + 1);
			assert_in_range(pause_ns, steps[i] * S, steps[i] * S * 3 / 2 - 1);
			if (i == 0 && pause_ns < least_ns)
				least_ns = pause_ns;
			if (i == 0 && pause_ns > most_ns)
				most_ns = pause_ns;
		}
	}
	assert_true(most_ns - least_ns > S / 4);
}

static void a_long_outage_stays_within_the_type(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		backoff_failed(&backoff, T, 0, 300 * S);
	assert_in_range(backoff.until_ns - T, 300 * S, 450 * S);
}

static void what_the_peer_asks_for_is_the_least(void **state)
{
	struct backoff backoff = {0};

	(void)state;
	backoff_failed(&backoff, T, 60 * S, 30 * S);
	assert_in_range(backoff.until_ns - T, 60 * S, 60 * S + 60 * S / 8 + S);
	backoff_over(&backoff);
	assert_int_equal(backoff.until_ns, 0);
	backoff_failed(&backoff, T, 0, 30 * S);
	assert_in_range(backoff.until_ns - T, S, S * 3 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow_and_are_spread),
		cmocka_unit_test(a_long_outage_stays_within_the_type),
		cmocka_unit_test(what_the_peer_asks_for_is_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
