/* SPDX-License-Identifier: Apache-2.0 */
/* Which boots the store knows: what a boot is compared with. For the sinks, once, when they begin. */
#pragma once

#include "model/boot_history.h"
#include "store/store.h"

/*
 * ret_earlier: those before this boot. ret_own: this boot's record as an earlier run of the agent left it; of type
 * RECORD_NONE if there is none. Returns 0, or a negative errno with both as far as they could be read.
 */
int node_boots_read(struct store *store, const char *boot_id, struct boot_history *ret_earlier,
		    struct record *ret_own);
