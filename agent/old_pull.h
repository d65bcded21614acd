/* SPDX-License-Identifier: Apache-2.0 */
/* An agent that is started anew reads the log again: which of its pulls an earlier one told already. */
#pragma once

#include "store/store.h"

/*
 * True for a pull that was only logged, if it was over while an earlier agent watched (that one told it better, or found
 * it worth nothing), or is in the store by another key.
 */
bool old_pull_is_known(struct store *store, const char *boot_id, const struct span *watched,
		       const struct record *record);
