/* SPDX-License-Identifier: Apache-2.0 */
/* A directory with files in it, for what reads /proc and cgroups. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct tree_file {
	const char *path, *text;
};

/* Up to the file with a path of NULL. The name is to be given to tree_remove. */
char *tree_make(const struct tree_file *files);

/* Makes or replaces one. */
void tree_write(const char *dir, const char *path, const char *text);

void tree_remove(char *dir);
