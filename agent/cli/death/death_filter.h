/* SPDX-License-Identifier: Apache-2.0 */
/* Which deaths `ooms` and `exits` show, beyond what the store can choose by itself. */
#pragma once

#include <stdbool.h>

#include "cli/options.h"
#include "model/record.h"

bool death_filter_passes(const struct options *options, const struct record *record);

/* True if it may pass over some. */
bool death_filter_chooses(const struct options *options);

/* A signal's number from "SIGSEGV", "segv" or "11"; 0 if there is none of that name. */
int death_filter_signal(const char *text);
