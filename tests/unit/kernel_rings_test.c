// SPDX-License-Identifier: Apache-2.0
/* The rings of small and of large nodes. */
#include "source/kernel/kernel_rings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define KIB 1024u
#define MIB (1024u * KIB)
#define GIB (1024ull * MIB)

static void by_cpus_and_memory(void **state)
{
	(void)state;
	assert_int_equal(kernel_rings_bytes(1, 1 * GIB), 512 * KIB);
	assert_int_equal(kernel_rings_bytes(2, 2 * GIB), 1 * MIB);
	assert_int_equal(kernel_rings_bytes(4, 8 * GIB), 2 * MIB);
	assert_int_equal(kernel_rings_bytes(12, 64 * GIB), 8 * MIB);
	assert_int_equal(kernel_rings_bytes(192, 1024 * GIB), 8 * MIB);
	/* a board with many CPUs and little memory */
	assert_int_equal(kernel_rings_bytes(4, 1 * GIB), 1 * MIB);
	assert_int_equal(kernel_rings_bytes(4, GIB / 2), 512 * KIB);
	assert_int_equal(kernel_rings_bytes(1, 0), 512 * KIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_cpus_and_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
