/* SPDX-License-Identifier: Apache-2.0 */
/* Core patterns, expanded as core(5) says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/kernel/kernel_core.h"

static void patterns(void **state)
{
	static const struct {
		const char *pattern;
		bool uses_pid;
		const char *comm, *path;
	} cases[] = {
		{"core", false, "web", "core"},
		{"core", true, "web", "core.7"},
		{"/var/core/%e.%p.%s", false, "web", "/var/core/web.7.11"},
		{"/var/core/%e.%p", true, "web", "/var/core/web.7"},
		{"/c/%P-%t%%", true, "web", "/c/4242-1700000000%.7"},
		{"/c/%h-%u", false, "web", "/c/%h-%u"},
		{"/c/%e", false, "../../etc", "/c/..!..!etc"},
		{"/c/%e", false, "..", "/c/!."},
		{"/c/%", false, "web", "/c/"},
		{"|/usr/lib/systemd/systemd-coredump %P %u %g", true, "web",
		 "|/usr/lib/systemd/systemd-coredump"},
	};
	struct event_exit exit = {.who = {4242, 1}, .namespace_pid = 7, .signal = 11};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[FILE_SIZE];

		snprintf(exit.comm, sizeof(exit.comm), "%s", cases[i].comm);
		kernel_core_path(cases[i].pattern, cases[i].uses_pid, &exit, 1700000000, path);
		assert_string_equal(path, cases[i].path);
	}
}

/* As long as the kernel allows, of values only. */
static void cut(void **state)
{
	struct event_exit exit = {.comm = "a-fifteen-chars"};
	char pattern[129] = "", path[FILE_SIZE];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		pattern[2 * i] = '%';
		pattern[2 * i + 1] = 'e';
	}
	kernel_core_path(pattern, true, &exit, 0, path);
	assert_int_equal(strlen(path), FILE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
