// SPDX-License-Identifier: Apache-2.0
/* nodewake boot --list and --compare, on stores of synthetic boots. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "cli/verbs.h"
#include "unit/cli_boot_fixture.h"

static void the_list(void **state)
{
	char *out, *error;
	size_t lines;

	(void)state;
	open_flavour(BOOT_SLOW);
	EXPECT(CLI_OK,
	       "BOOT  POWER-ON              STATE               AFTER  AGAINST USUAL               "
	       "               THE BOOT BEFORE IT ENDED BY\n"
	       "   0  2026-11-23 06:12:03Z  ready          2min 11.4s    +1min 19.8s  slower: pods "
	       "+1min 10.9s    power loss, reset or hang, down 41.0s\n"
	       "  -1  2026-11-22 06:12:03Z  ready               52.0s         +750ms               "
	       "               clean shutdown, down 21.0s\n"
	       "  -2  2026-11-21 06:12:03Z  ready               51.8s         +850ms               "
	       "               clean shutdown, down 20.5s\n"
	       "  -3  2026-11-20 06:12:03Z  ready               50.9s         -275ms               "
	       "               clean shutdown, down 20.0s\n"
	       "  -4  2026-11-19 06:12:03Z  ready               50.0s         -1.55s               "
	       "               clean shutdown, down 21.0s\n"
	       "  -5  2026-11-18 06:12:03Z  ready               52.7s         +1.52s               "
	       "               clean shutdown, down 20.5s\n"
	       "  -6  2026-11-17 06:12:03Z  ready               52.5s         +1.70s               "
	       "               clean shutdown, down 20.0s\n"
	       "  -7  2026-11-16 06:12:03Z  ready               51.6s                              "
	       "               clean shutdown, down 21.0s\n"
	       "  -8  2026-11-15 06:12:03Z  ready               50.8s                              "
	       "               clean shutdown, down 20.5s\n"
	       "  -9  2026-11-14 06:12:03Z  ready               49.9s                              "
	       "               clean shutdown, down 20.0s\n",
	       "", "--list");
	assert_int_equal(BOOT(&out, &error, "--list", "-o", "json"), CLI_OK);
	lines = capture_lines(out);
	assert_int_equal(lines, 10);
	json_auto_t *json = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *usual = json_object_get(json, "usual");

	assert_string_equal(json_string_value(json_object_get(json, "state")), "ready");
	assert_string_equal(json_string_value(json_object_get(usual, "grown")), "pods");
	assert_true(json_is_true(json_object_get(usual, "slower")));
	free(out);
	free(error);
	scene_close(&scene);
}

static void compared(void **state)
{
	char *out, *error;

	(void)state;
	open_flavour(BOOT_SLOW);
	EXPECT(CLI_OK,
	       "Boot of 2026-11-23 06:12:03Z against the usual: median of 9 boots\n"
	       "\n"
	       "                   this boot       usual    difference\n"
	       "  firmware             5.00s       5.00s\n"
	       "  loader               1.10s       1.10s\n"
	       "  kernel               2.30s       2.30s\n"
	       "  userspace            14.2s       5.15s        +9.05s\n"
	       "  k3s                  21.5s       21.5s\n"
	       "  node ready           1.00s       1.00s\n"
	       "  pods            1min 26.3s       15.4s   +1min 10.9s\n"
	       "  all             2min 11.4s       51.6s   +1min 19.8s\n"
	       "\n"
	       "Containers that took longer to start\n"
	       "   +1min 11.9s  ai-stack/llama-cpp/server                             1min 26.1s, "
	       "before 14.2s\n"
	       "\n"
	       "Units that took longer\n"
	       "        +9.05s  systemd-networkd-wait-online.service                  12.0s, "
	       "before 2.95s\n",
	       "", "--compare");
	assert_int_equal(BOOT(&out, &error, "--against", "-2"), CLI_OK);
	assert_non_null(strstr(out, "against boot b0070007-2222-4333-8444-555555555555\n"));
	assert_non_null(strstr(out, "that boot"));
	assert_non_null(strstr(out, "ai-stack/llama-cpp/server"));
	free(out);
	free(error);
	/* a usual boot: nothing grew */
	assert_int_equal(BOOT(&out, &error, "--compare", "--boot", "-1"), CLI_OK);
	assert_null(strstr(out, "took longer"));
	free(out);
	free(error);
	assert_int_equal(BOOT(&out, &error, "--compare", "--boot", "-8"), CLI_FAILED);
	assert_string_equal(out, "");
	assert_non_null(strstr(error, "1 of 3 boots"));
	free(out);
	free(error);
	assert_int_equal(BOOT(&out, &error, "--compare", "-o", "json"), CLI_OK);
	json_auto_t *json = json_loads(out, 0, NULL);
	json_t *first = json_array_get(json_object_get(json, "containers"), 0);

	assert_string_equal(json_string_value(json_object_get(json, "against")), "usual");
	assert_string_equal(json_string_value(json_object_get(first, "name")),
			    "ai-stack/llama-cpp/server");
	assert_int_equal(json_integer_value(json_object_get(first, "duration_ns")),
			 UINT64_C(86100) * NS_PER_MS);
	free(out);
	free(error);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list),
		cmocka_unit_test(compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
