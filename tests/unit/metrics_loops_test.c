// SPDX-License-Identifier: Apache-2.0
/* The gauge of crash loops: who is in it, until when, and who makes room. */
#include "sink/metrics/metrics_loops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define S NS_PER_SECOND

static void tell_exit(struct metrics_loops *loops, const char *container, uint64_t boot_ns,
		      bool looping)
{
	struct record record = {.type = RECORD_EXIT,
				.final = true,
				.boot_ns = boot_ns,
				.subject.pod_uid = "uid",
				.exit.looping = looping};

	TEXT_COPY(record.subject.container, container);
	metrics_loops_exit(loops, &record);
}

static void a_loop_is_a_container_that_dies_again(void **state)
{
	struct metrics_loops loops = {0};

	(void)state;
	tell_exit(&loops, "calm", 100 * S, false);
	assert_int_equal(metrics_loops_count(&loops, 100 * S), 0);
	tell_exit(&loops, "app", 100 * S, true);
	tell_exit(&loops, "app", 200 * S, true);
	tell_exit(&loops, "other", 300 * S, true);
	assert_int_equal(metrics_loops_count(&loops, 300 * S), 2);
	/* over when it is 30 min ago, or when it ended well; an older death that is told late changes nothing */
	assert_int_equal(metrics_loops_count(&loops, 200 * S + METRICS_LOOP_FRESH_NS), 2);
	assert_int_equal(metrics_loops_count(&loops, 200 * S + METRICS_LOOP_FRESH_NS + 1), 1);
	tell_exit(&loops, "other", 250 * S, false);
	assert_int_equal(metrics_loops_count(&loops, 300 * S), 2);
	tell_exit(&loops, "other", 400 * S, false);
	assert_int_equal(metrics_loops_count(&loops, 400 * S), 1);
}

static void the_oldest_loop_makes_room(void **state)
{
	struct metrics_loops loops = {0};
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < METRICS_LOOPS_MAX + 3; i++) {
		snprintf(name, sizeof(name), "app-%u", i);
		tell_exit(&loops, name, (1000 + i) * S, true);
	}
	assert_int_equal(metrics_loops_count(&loops, 1500 * S), METRICS_LOOPS_MAX);
	tell_exit(&loops, "app-0", 1400 * S, false); /* is not there any more: no one else goes */
	assert_int_equal(metrics_loops_count(&loops, 1500 * S), METRICS_LOOPS_MAX);
	tell_exit(&loops, "app-3", 1400 * S, false);
	assert_int_equal(metrics_loops_count(&loops, 1500 * S), METRICS_LOOPS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_a_container_that_dies_again),
		cmocka_unit_test(the_oldest_loop_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
