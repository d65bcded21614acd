/* SPDX-License-Identifier: Apache-2.0 */
/* Runs `nodewake boot` on synthetic boots. */
#pragma once

#include "unit/boot_scene.h"
#include "unit/cli_fixture.h"

extern struct scene scene;

/* The boots of a flavour in a directory of their own; scene_close removes it. */
void open_flavour(enum boot_flavour flavour);

/* Returns the exit code; the texts are the caller's. */
int run_boot(char **ret_out, char **ret_error, const char *const *words);

#define HERE "--state-dir", scene.dir
#define BOOT(out, error, ...) \
	run_boot(out, error, (const char *const[]){"boot", HERE, __VA_ARGS__, NULL})

/* That it prints just this, and this on stderr. */
void expect_boot(int code, const char *expected, const char *error, const char *const *words);

#define NOT_THIS "nodewake boot: this boot is not recorded so far; this is the latest that is\n"

#define EXPECT(code, expected, error, ...) \
	expect_boot(code, expected, error, (const char *const[]){"boot", HERE, ##__VA_ARGS__, NULL})
