/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a record, against what is expected. */
#pragma once

#include <stdbool.h>

#include "unit/cli_fixture.h"

/* sentence_line; free() it. */
char *line_of(const struct record *record, bool colour);

/* The whole line: time, type and whom, then the words. */
void expect_line(const struct record *record, const char *expected);

/* sentence_text: only the words. */
void expect_words(const struct record *record, const char *expected);
