// SPDX-License-Identifier: Apache-2.0
/* How many starts are kept, and which of those that give way are a loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "track/why/why.h"

#define S UINT64_C(1000000000)

static void start_one(struct whys *whys, unsigned int number, uint64_t now_ns)
{
	struct event event = {.type = EVENT_STALL, .boot_ns = now_ns};

	event.stall.step = STALL_SO_FAR;
	snprintf(event.stall.container_id, sizeof(event.stall.container_id), "c%u", number);
	whys_event(whys, &event, now_ns);
}

static void starts_that_are_over_give_way_without_a_loss(void **state)
{
	struct whys whys = {0};

	(void)state;
	for (unsigned int i = 0; i < 3 * WHYS_MAX; i++)
		start_one(&whys, i, (i + 1) * S);
	assert_int_equal(HASH_COUNT(whys.by_id), WHYS_MAX);
	assert_int_equal(whys.evicted, 0);
	whys_clear(&whys);
}

static void starts_under_way_are_a_loss(void **state)
{
	struct whys whys = {0};

	(void)state;
	for (unsigned int i = 0; i < WHYS_MAX + 7; i++)
		start_one(&whys, i, 10 * S + i);
	assert_int_equal(HASH_COUNT(whys.by_id), WHYS_MAX);
	assert_int_equal(whys.evicted, 7);
	whys_clear(&whys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_that_are_over_give_way_without_a_loss),
		cmocka_unit_test(starts_under_way_are_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
