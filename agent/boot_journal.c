/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* A boot that takes longer than this has been given up by its report. */
#define HORIZON_NS (900 * NS_PER_SECOND)

static void note_past(struct journal_source_options *options, struct store *store)
{
	struct store_past_boot past[JOURNAL_SOURCE_BOOTS];
	int count = store_past_boots(store, past, JOURNAL_SOURCE_BOOTS);

	for (int i = 0; i < count; i++)
		TEXT_COPY(options->known_boots[i], past[i].boot_id);
	if (count > 0 && past[0].heartbeat_ns)
		options->heartbeat_wall_ns = (int64_t)past[0].heartbeat_ns + past[0].wall_offset_ns;
}

void boot_journal_open(struct journal_source **ret, sd_event *loop, struct store *store,
		       const char *boot_id, event_fn on_event, void *context)
{
	struct journal_source_options options = {.boot_id = boot_id, .horizon_ns = HORIZON_NS};
	int r;

	note_past(&options, store);
	*ret = NULL;
	r = journal_source_new(ret, loop, &options, on_event, context);
	if (r < 0)
		log_error("cannot read the journal", LOG_ERRNO(r));
}
