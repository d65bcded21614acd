/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do about a death, in one line, where the evidence is clear; else nothing. Each rule stands in the table of
 * death_advice.c with its evidence; docs/deaths.md tells them.
 */
#pragma once

#include <stdbool.h>

#include "model/record.h"

/* Each may be NULL; an end and the kill that brought it are one death. ret is raw: it holds names from outside. */
bool death_advice(const struct record *exit, const struct record *oom, const struct record *child,
		  char ret[static CAUSE_SIZE]);
