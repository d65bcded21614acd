// SPDX-License-Identifier: Apache-2.0
/* Flags beat the environment, which beats the defaults; what is wrong is one clear line. */
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.c" /* above the folders: in no archive */
#include "base/clock.h"
#include "unit/cli_fixture.h"

#define MINUTE (60 * NS_PER_SECOND)

static int read_words(struct settings *settings, const char *const *words)
{
	char *argv[16] = {(char *)"run"};
	int argc = 1;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	return settings_read(settings, argc, argv, NULL);
}

#define READ(settings, ...) \
	read_words(settings, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void defaults(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(READ(&settings), 0);
	assert_string_equal(settings.containerd_socket, "");
	assert_string_equal(settings.containerd_namespace, "k8s.io");
	assert_string_equal(settings.state_dir, "/var/lib/nodewake");
	assert_string_equal(settings.socket, "/run/nodewake/nodewake.sock");
	assert_string_equal(settings.cgroup_root, "/sys/fs/cgroup");
	assert_string_equal(settings.log_level, "info");
	assert_null(settings.record_events);
	assert_int_equal(settings.start_window_ns, 5 * MINUTE);
	assert_int_equal(settings.boot_deadline_ns, 10 * MINUTE);
	assert_int_equal(settings.keep_age_ns, 30 * 24 * 60 * MINUTE);
	assert_int_equal(settings.keep_bytes, 64 << 20);
	assert_false(settings.no_ebpf);
	assert_false(settings.record_names);
	assert_int_equal(settings.log_lines, 0);
	assert_false(settings.share_log_lines);
}

static void flags_of_each_kind(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(READ(&settings, "--state-dir", "/a", "--socket=/b", "--no-ebpf",
			      "--record-names", "--start-window", "90s", "--boot-deadline=3min",
			      "--keep-size=1GiB", "--log-level", "debug", "--log-lines", "20",
			      "--share-log-lines"),
			 0);
	assert_string_equal(settings.state_dir, "/a");
	assert_string_equal(settings.socket, "/b");
	assert_true(settings.no_ebpf);
	assert_true(settings.record_names);
	assert_int_equal(settings.log_lines, 20);
	assert_true(settings.share_log_lines);
	assert_int_equal(settings.start_window_ns, 90 * NS_PER_SECOND);
	assert_int_equal(settings.boot_deadline_ns, 3 * MINUTE);
	assert_int_equal(settings.keep_bytes, 1 << 30);
	assert_string_equal(settings.log_level, "debug");
}

static void flags_beat_the_environment(void **state)
{
	struct settings settings;

	(void)state;
	setenv("NODEWAKE_STATE_DIR", "/environment", 1);
	setenv("NODEWAKE_NO_EBPF", "1", 1);
	setenv("NODEWAKE_KEEP_AGE", "2d", 1);
	assert_int_equal(READ(&settings), 0);
	assert_string_equal(settings.state_dir, "/environment");
	assert_true(settings.no_ebpf);
	assert_int_equal(settings.keep_age_ns, 2 * 24 * 60 * MINUTE);
	assert_int_equal(READ(&settings, "--state-dir", "/flag", "--no-ebpf=0"), 0);
	assert_string_equal(settings.state_dir, "/flag");
	assert_false(settings.no_ebpf);
	unsetenv("NODEWAKE_STATE_DIR");
	unsetenv("NODEWAKE_NO_EBPF");
	unsetenv("NODEWAKE_KEEP_AGE");
}

/* One line that names the setting and what is allowed; *ret is untouched. */
static void expect_refusal(const char *const *words, const char *name, const char *allowed_text)
{
	struct settings settings = {.keep_bytes = 77};
	struct capture capture;

	capture_begin(&capture);
	int r = read_words(&settings, words);

	capture_end(&capture);
	assert_int_equal(r, -EINVAL);
	assert_int_equal(settings.keep_bytes, 77);
	assert_string_equal(capture.out, "");
	assert_int_equal(capture_lines(capture.error), 1);
	assert_non_null(strstr(capture.error, name));
	assert_non_null(strstr(capture.error, allowed_text));
	capture_done(&capture);
}

#define REFUSED(name, allowed_text, ...) \
	expect_refusal((const char *const[]){__VA_ARGS__, NULL}, name, allowed_text)

static void bad_flags(void **state)
{
	(void)state;
	REFUSED("--nonsense", "not known", "--nonsense");
	REFUSED("word", "not known", "word");
	REFUSED("--keep", "not known", "--keep", "1");
	REFUSED("--keep-ages", "not known", "--keep-ages", "1d");
	REFUSED("--keep-age", "like 90s", "--keep-age", "fast");
	REFUSED("--keep-age", "like 90s", "--keep-age", "90");
	REFUSED("--keep-age", "like 90s", "--keep-age", "-1s");
	REFUSED("--keep-age", "like 90s", "--keep-age=");
	REFUSED("--start-window", "above 0", "--start-window", "0s");
	REFUSED("--keep-size", "like 64MiB", "--keep-size", "64MB");
	REFUSED("--keep-size", "above 0", "--keep-size", "0");
	REFUSED("--keep-size", "like 64MiB", "--keep-size", "99999999999999GiB");
	REFUSED("--log-level", "debug", "--log-level", "loud");
	REFUSED("--no-ebpf", "0 or 1", "--no-ebpf=maybe");
	REFUSED("--state-dir", "not ''", "--state-dir", "");
	REFUSED("--state-dir", "wants", "--state-dir");
}

static void bad_environment(void **state)
{
	static const struct {
		const char *name, *value, *allowed_text;
	} cases[] = {
		{"NODEWAKE_KEEP_AGE", "soon", "like 90s"},
		{"NODEWAKE_KEEP_SIZE", "big", "like 64MiB"},
		{"NODEWAKE_LOG_LEVEL", "loud", "debug"},
		{"NODEWAKE_NO_EBPF", "yes", "0 or 1"},
		{"NODEWAKE_STATE_DIR", "", "not ''"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setenv(cases[i].name, cases[i].value, 1);
		REFUSED(cases[i].name, cases[i].allowed_text, "--no-ebpf");
		unsetenv(cases[i].name);
	}
}

/* A Service named nodewake puts these into every pod of its namespace. */
static void what_kubernetes_puts_there_is_no_setting(void **state)
{
	struct settings settings;

	(void)state;
	setenv("NODEWAKE_SERVICE_HOST", "10.0.0.1", 1);
	setenv("NODEWAKE_PORT", "tcp://10.0.0.1:80", 1);
	assert_int_equal(READ(&settings), 0);
	unsetenv("NODEWAKE_SERVICE_HOST");
	unsetenv("NODEWAKE_PORT");
}

static void help_comes_from_the_table(void **state)
{
	static const char *const asked[] = {"--help", "-h"};
	struct settings settings;
	struct capture capture;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		capture_begin(&capture);
		int r = READ(&settings, "--nonsense", asked[i]);

		capture_end(&capture);
		assert_int_equal(r, 1);
		for (size_t k = 0; k < COUNT; k++) {
			char name[64];

			variable_name(&table[k], name);
			assert_non_null(strstr(capture.out, table[k].flag));
			assert_non_null(strstr(capture.out, name));
		}
		assert_non_null(strstr(capture.out, "default 64MiB"));
		assert_string_equal(capture.error, "");
		capture_done(&capture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(flags_of_each_kind),
		cmocka_unit_test(flags_beat_the_environment),
		cmocka_unit_test(bad_flags),
		cmocka_unit_test(bad_environment),
		cmocka_unit_test(what_kubernetes_puts_there_is_no_setting),
		cmocka_unit_test(help_comes_from_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
