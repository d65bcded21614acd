// SPDX-License-Identifier: Apache-2.0
#include "unit/cli_boot_fixture.h"

#include <stdlib.h>

#include "cli/verbs.h"

struct scene scene;

void open_flavour(enum boot_flavour flavour)
{
	scene_open(&scene); /* for its directory; it holds no boot record */
	store_close(scene.store);
	scene.store = NULL;
	boot_scene_fill(scene.dir, flavour);
}

int run_boot(char **ret_out, char **ret_error, const char *const *words)
{
	struct capture capture;
	int code = capture_verb(&capture, cli_boot, words);

	*ret_out = capture.out;
	*ret_error = capture.error;
	return code;
}

void expect_boot(int code, const char *expected, const char *error, const char *const *words)
{
	char *out, *told;

	assert_int_equal(run_boot(&out, &told, words), code);
	assert_string_equal(out, expected);
	assert_string_equal(told, error);
	free(out);
	free(told);
}
