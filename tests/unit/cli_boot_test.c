// SPDX-License-Identifier: Apache-2.0
/* nodewake boot, on stores of synthetic boots (boot_scene.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/boot/boot_show.h"
#include "cli/verbs.h"
#include "unit/cli_boot_fixture.h"

/* --- the report -------------------------------------------------------------------------------- */

static void a_slow_boot(void **state)
{
	(void)state;
	open_flavour(BOOT_SLOW);
	EXPECT(CLI_OK,
	       "Boot of 2026-11-23 06:12:03Z   ready after 2min 11.4s   slower than usual: median "
	       "51.6s of 9 boots\n"
	       "  before it: power loss, reset or hang, down for 41.0s (journal ends without a "
	       "shutdown)\n"
	       "\n"
	       "  firmware         5.00s  █▋\n"
	       "  loader           1.10s  ▍\n"
	       "  kernel           2.30s  ▊\n"
	       "  userspace        14.2s  ████▉                           12.1s of it "
	       "systemd-networkd-wait-online.service\n"
	       "  k3s              21.5s  ███████▍\n"
	       "  node ready       1.00s  ▎\n"
	       "  pods        1min 26.3s  ██████████████████████████████  1min 10.9s longer than "
	       "usual, 1min 1.0s of it pull of ai-stack/llama-cpp\n"
	       "\n"
	       "Critical path\n"
	       "      +6.1s  kernel                                2.30s\n"
	       "      +8.4s  systemd-networkd.service              2.10s\n"
	       "     +10.5s  systemd-networkd-wait-online.service  12.1s\n"
	       "     +22.6s  k3s.service                           21.5s\n"
	       "     +44.1s  node ready                            1.00s\n"
	       "     +45.1s  ai-stack/postgres-0                   sandbox 1.10s\n"
	       "     +46.2s                                        app 9.80s\n"
	       "     +56.0s  ai-stack/aidb                         waited 1.30s for another pod: "
	       "14 refused connections to 10.42.0.7:5432\n"
	       "     +57.3s                                        app 1.80s\n"
	       "     +59.1s  ai-stack/llama-cpp                    pull 1min 1.0s: 4.2 GB at 69 "
	       "MB/s\n"
	       "    +120.1s                                        app 8.10s\n"
	       "    +128.2s                                        probe 3.20s: the probe asks "
	       "every 10 s\n"
	       "    +131.4s  all 9 pods ready\n"
	       "  2 short steps left out; their time went to their neighbours\n"
	       "\n"
	       "Units that took longest\n"
	       "      150ms  smartd.service                        failed: exit-code\n"
	       "      21.5s  k3s.service                           after network-online.target\n"
	       "      12.0s  systemd-networkd-wait-online.service  after systemd-networkd.service\n"
	       "      1.50s  dev-vda1.device\n"
	       "      550ms  systemd-udevd.service                 after systemd-journald.service\n"
	       "      500ms  systemd-networkd.service              after systemd-udevd.service\n",
	       NOT_THIS);
	scene_close(&scene);
}

static void a_boot_that_did_not_recover(void **state)
{
	(void)state;
	open_flavour(BOOT_BROKEN);
	EXPECT(CLI_FAILED,
	       "Boot of 2026-11-23 06:12:03Z   not recovered after 10min 6.1s   6 of 9 pods ready  "
	       " nothing to compare with yet: 2 of 3 boots\n"
	       "  before it: kernel panic, down for 9.00s (pstore has a panic)\n"
	       "\n"
	       "  firmware         5.00s  ▎\n"
	       "  loader           1.10s  ▏\n"
	       "  kernel           2.30s  ▏\n"
	       "  userspace        14.2s  ▊                               12.1s of it "
	       "systemd-networkd-wait-online.service\n"
	       "  k3s              21.5s  █▏\n"
	       "  node ready       1.00s  ▏\n"
	       "  pods        9min 21.0s  ██████████████████████████████\n"
	       "\n"
	       "Missing: 3 of 9 pods\n"
	       "  ai-stack/llama-cpp/server  ImagePullBackOff: localhost:5000/llama-cpp:1: "
	       "connection refused\n"
	       "      k3s kubectl describe pod -n ai-stack llama-cpp\n"
	       "  ai-stack/ralph/app  CrashLoopBackOff: exit code 3\n"
	       "      k3s kubectl logs -n ai-stack ralph -c app --previous\n"
	       "  ai-stack/batch  Pending: 0/1 nodes are available: 1 Too many pods\n"
	       "      k3s kubectl describe pod -n ai-stack batch\n"
	       "\n"
	       "Critical path\n"
	       "      +6.1s  kernel                                2.30s\n"
	       "      +8.4s  systemd-networkd.service              2.10s\n"
	       "     +10.5s  systemd-networkd-wait-online.service  12.1s\n"
	       "     +22.6s  k3s.service                           21.5s\n"
	       "     +44.1s  node ready                            1.00s\n"
	       "     +45.1s  ai-stack/postgres-0                   sandbox 1.10s\n"
	       "     +46.2s                                        app 9.80s\n"
	       "     +56.0s  ai-stack/aidb                         waited 1.30s for another pod: "
	       "14 refused connections to 10.42.0.7:5432\n"
	       "     +57.3s                                        app 1.80s\n"
	       "     +59.1s                                        9min 7.0s that nothing "
	       "explains\n"
	       "    +606.1s  not recovered: 6 of 9 pods ready\n"
	       "\n"
	       "Units that took longest\n"
	       "      150ms  smartd.service                        failed: exit-code\n"
	       "      21.5s  k3s.service                           after network-online.target\n"
	       "      12.0s  systemd-networkd-wait-online.service  after systemd-networkd.service\n"
	       "      1.50s  dev-vda1.device\n"
	       "      550ms  systemd-udevd.service                 after systemd-journald.service\n"
	       "      500ms  systemd-networkd.service              after systemd-udevd.service\n",
	       NOT_THIS);
	scene_close(&scene);
}

static void what_was_reconstructed_is_marked(void **state)
{
	char *out, *error;

	(void)state;
	open_flavour(BOOT_LATE);
	assert_int_equal(BOOT(&out, &error, "--boot", "0"), CLI_OK);
	assert_non_null(strstr(out, "nothing to compare with yet: 0 of 3 boots\n"));
	assert_non_null(
		strstr(out, "\n  reconstructed: nodewake came after the container runtime"));
	assert_non_null(strstr(
		out,
		"  k3s              21.5s  ███████▍                        [reconstructed]\n"));
	assert_non_null(strstr(out, "sandbox 1.10s  [reconstructed]\n"));
	assert_null(strstr(out, "kernel                                2.30s  [reconstructed]"));
	free(out);
	free(error);
	scene_close(&scene);
}

/* This machine's own boot goes on: the report is of now, and a script sees that it is not ready. */
static void while_it_wakes(void **state)
{
	char *out, *error;

	(void)state;
	open_flavour(BOOT_WAKES);
	assert_int_equal(BOOT(&out, &error, "--boot", "current", "-o", "json"), CLI_FAILED);
	json_auto_t *json = json_loads(out, 0, NULL);
	uint64_t total_ns = (uint64_t)json_integer_value(json_object_get(json, "total_ns"));

	assert_true(total_ns <= clock_boot_ns() + UINT64_C(6100) * NS_PER_MS);
	assert_true(total_ns > clock_boot_ns() - 60 * NS_PER_SECOND);
	free(out);
	free(error);
	assert_int_equal(BOOT(&out, &error, "--boot", "current"), CLI_FAILED);
	assert_non_null(strstr(out, "   waking for "));
	assert_non_null(strstr(out, "\nNot ready yet: 1 of 9 pods\n"));
	free(out);
	free(error);
	/* told anew */
	boot_scene_fill(scene.dir, BOOT_WOKEN);
	assert_int_equal(BOOT(&out, &error, NULL), CLI_OK);
	assert_string_equal(error, "");
	assert_non_null(strstr(out, "   ready after 2min 11.4s   "));
	free(out);
	free(error);
	scene_close(&scene);
}

static void which_boot(void **state)
{
	static const struct {
		const char *word;
		int code;
		const char *out, *error;
	} cases[] = {
		{"0", CLI_OK, "Boot of 2026-11-23", ""},
		{"-0", CLI_OK, "Boot of 2026-11-23", ""},
		{"-1", CLI_OK, "Boot of 2026-11-22", ""},
		{"-9", CLI_OK, "Boot of 2026-11-14", ""},
		{"b0070001", CLI_OK, "Boot of 2026-11-15", ""},
		{"b0070001-2222-4333-8444-555555555555", CLI_OK, "Boot of 2026-11-15", ""},
		{"-10", CLI_FAILED, "", "no boot '-10' is recorded"},
		{"deadbeef", CLI_FAILED, "", "no boot 'deadbeef' is recorded"},
		{"b007", CLI_FAILED, "", "more than one boot id begins with 'b007'"},
		{"current", CLI_FAILED, "", "no boot 'current' is recorded"},
		{"last", CLI_USAGE, "", "'last' is not a number like -1"},
		{"-x", CLI_USAGE, "", "'-x' is not a number like -1"},
		{"-", CLI_USAGE, "", "'-' is not a number like -1"},
		{"-99999999999999999999", CLI_USAGE, "", "is not a number"},
	};

	(void)state;
	open_flavour(BOOT_SLOW);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *out, *error;

		assert_int_equal(BOOT(&out, &error, "--boot", cases[i].word), cases[i].code);
		assert_int_equal(strncmp(out, cases[i].out, strlen(cases[i].out)), 0);
		assert_int_equal(!*out, !*cases[i].out);
		assert_non_null(strstr(error, cases[i].error));
		assert_int_equal(capture_lines(error), *cases[i].error ? 1 : 0);
		free(out);
		free(error);
	}
	scene_close(&scene);
}

static void words_that_contradict(void **state)
{
	static const char *const cases[][4] = {
		{"--list", "--compare"},
		{"--list", "--follow"},
		{"--compare", "-f"},
		{"--list", "--against=-1"},
		{"--list", "-o", "svg"},
		{"--compare", "-o", "html"},
		{"--follow", "-o", "json"},
		{"--list", "--boot", "-1"},
		{"-o", "xml"},
		{"--against", ""},
		{"nonsense"},
	};

	(void)state;
	open_flavour(BOOT_LATE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *out, *error;

		assert_int_equal(BOOT(&out, &error, cases[i][0], cases[i][1], cases[i][2]),
				 CLI_USAGE);
		assert_string_equal(out, "");
		assert_int_equal(capture_lines(error), 1);
		free(out);
		free(error);
	}
	scene_close(&scene);
}

static void no_store_and_no_boot(void **state)
{
	char *out, *error;

	(void)state;
	strcpy(scene.dir, "/nonexistent/nodewake");
	assert_int_equal(BOOT(&out, &error, "--boot", "0"), CLI_FAILED);
	assert_int_equal(capture_lines(error), 1);
	free(out);
	free(error);
	scene_open(&scene);
	for (int list = 0; list < 2; list++) {
		assert_int_equal(BOOT(&out, &error, list ? "--list" : "--output=text"), CLI_FAILED);
		assert_string_equal(out, "");
		assert_non_null(strstr(error, "no boot is recorded so far"));
		free(out);
		free(error);
	}
	scene_close(&scene);
}

/* What happened long after the node was ready is no part of its boot. */
static void only_what_belongs_to_the_boot(void **state)
{
	struct store_limits limits = {.age_ns = UINT64_C(36500) * 86400 * NS_PER_SECOND};
	struct record later = make_start("later", "app", 5), pull = make_pull("later:1", 5);
	char id[BOOT_ID_SIZE], why[256], *out, *error;
	struct store *store;

	(void)state;
	open_flavour(BOOT_LATE);
	boot_scene_id(0, id);
	assert_int_equal(store_open(&store, scene.dir, id, &limits, why), 0);
	store_put(store, &later);
	store_put(store, &pull);
	store_close(store);
	assert_int_equal(BOOT(&out, &error, "-o", "json"), CLI_OK);
	assert_non_null(strstr(out, "llama-cpp"));
	assert_null(strstr(out, "later"));
	free(out);
	free(error);
	scene_close(&scene);
}

/* --- what came from outside -------------------------------------------------------------------- */

static void nothing_raw(void **state)
{
	static const char *const forms[][3] = {
		{"-o", "text"},	 {"-o", "json"}, {"-o", "svg"}, {"-o", "html"},
		{"-o", "trace"}, {"--list"},	 {"--compare"}, {"--compare", "-o", "json"},
	};

	(void)state;
	open_flavour(BOOT_HOSTILE);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *out, *error;

		assert_int_equal(BOOT(&out, &error, forms[i][0], forms[i][1], forms[i][2]), CLI_OK);
		assert_true(*out);
		assert_null(strchr(out, '\033'));
		assert_null(strchr(out, '\r'));
		assert_null(strstr(out, "\xc2\x9b"));
		assert_null(strstr(out, "\u202e"));
		if (i == 2 || i == 3)
			assert_null(strstr(out, "<img"));
		free(out);
		free(error);
	}
	scene_close(&scene);
}

static void the_next_command(void **state)
{
	static const struct {
		const char *pod, *container, *reason, *command;
	} cases[] = {
		{"shop/web-0", "app", "CrashLoopBackOff",
		 "k3s kubectl logs -n shop web-0 -c app --previous"},
		{"shop/web-0", "app", "ImagePullBackOff", "k3s kubectl describe pod -n shop web-0"},
		{"shop/web-0", "", "CrashLoopBackOff", "k3s kubectl describe pod -n shop web-0"},
		{"shop/web-0", "", "Pending", "k3s kubectl describe pod -n shop web-0"},
		{"shop/web-0", "", "", "journalctl -b -u k3s.service"},
		{"shop/web-0", "", "FailedCreatePodSandBox", "journalctl -b -u k3s.service"},
		{"web", "", "Unknown", "nodewake explain web"},
		/* what is no name must not reach a shell */
		{"shop/web;reboot", "app", "CrashLoopBackOff", "k3s kubectl get pods -A -o wide"},
		{"$(reboot)/web", "app", "CrashLoopBackOff", "k3s kubectl get pods -A -o wide"},
		{"shop/--all", "app", "CrashLoopBackOff", "k3s kubectl get pods -A -o wide"},
		{"shop/web-0", "a b", "CrashLoopBackOff", "k3s kubectl describe pod -n shop web-0"},
	};
	struct record_boot boot = {
		.phase_count = 2,
		.phases = {{.phase = BOOT_PHASE_RUNTIME, .unit = "k3s.service"},
			   {.phase = BOOT_PHASE_NODE}},
	};
	struct boot_missing missing = {.pod = "shop/web-0", .reason = "Unknown"};
	char command[BOOT_COMMAND_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct boot_missing one = {0};

		TEXT_COPY(one.pod, cases[i].pod);
		TEXT_COPY(one.container, cases[i].container);
		TEXT_COPY(one.reason, cases[i].reason);
		boot_next_command(&boot, &one, command);
		assert_string_equal(command, cases[i].command);
	}
	TEXT_COPY(boot.phases[0].unit, "kubelet.service");
	boot_next_command(&boot, &missing, command);
	assert_string_equal(command, "kubectl describe pod -n shop web-0");
	/* without Kubernetes, and with a unit that is none */
	boot.phase_count = 1;
	boot_next_command(&boot, &missing, command);
	assert_string_equal(command, "nodewake explain web-0 -n shop");
	TEXT_COPY(boot.phases[0].unit, "k3s; reboot");
	*missing.reason = '\0';
	boot_next_command(&boot, &missing, command);
	assert_string_equal(command, "journalctl -b -u containerd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_boot),
		cmocka_unit_test(a_boot_that_did_not_recover),
		cmocka_unit_test(what_was_reconstructed_is_marked),
		cmocka_unit_test(while_it_wakes),
		cmocka_unit_test(which_boot),
		cmocka_unit_test(words_that_contradict),
		cmocka_unit_test(no_store_and_no_boot),
		cmocka_unit_test(only_what_belongs_to_the_boot),
		cmocka_unit_test(nothing_raw),
		cmocka_unit_test(the_next_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
