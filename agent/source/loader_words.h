/* SPDX-License-Identifier: Apache-2.0 */
/* What a program's loader says when a library is missing or does not fit: one table of fixed phrases. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/death.h"

/* True if the line is one of them; *ret has the library's name and the phrase, nothing else of the line. */
bool loader_words(const char *line, size_t length, struct failed_start *ret);

/* True if it says that a library is missing, not that one does not fit. */
bool loader_misses(const struct failed_start *failed);
