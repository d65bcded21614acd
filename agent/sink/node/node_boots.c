/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_boots.h"

#include <string.h>

struct reading {
	const char *boot_id;
	struct boot_history *earlier;
	struct record *own;
};

static int take_row(void *context, const char *boot_id, const struct record *record)
{
	struct reading *reading = context;

	if (strcmp(boot_id, reading->boot_id) == 0)
		*reading->own = *record;
	else
		boot_history_add(reading->earlier, &record->boot);
	return 0;
}

int node_boots_read(struct store *store, const char *boot_id, struct boot_history *ret_earlier,
		    struct record *ret_own)
{
	const struct store_query boots = {
		.type = RECORD_BOOT,
		.order = STORE_NEWEST_FIRST,
		.limit = BOOT_HISTORY_MAX + 1,
	};
	struct reading reading = {.boot_id = boot_id, .earlier = ret_earlier, .own = ret_own};

	*ret_earlier = (struct boot_history){0};
	*ret_own = (struct record){0};
	return store_query(store, &boots, take_row, &reading);
}
