/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "store/heartbeat.h"

/* A boot that takes longer than this has been given up by its report. */
#define HORIZON_NS (900 * NS_PER_SECOND)

/* A loss of power is told to within this, and what the disk keeps to itself. */
#define BEAT_NS NS_PER_SECOND

/*
 * libsystemd maps the files; where the disk can't read a page of one, that is a SIGBUS. A bookmark counts how often
 * the agent ended in its first look, so that it does not do so for ever.
 */
#define ATTEMPTS     "journal-attempts"
#define ATTEMPTS_MAX 2

struct boot_journal {
	struct journal_source *source;
	struct store *store;
	struct heartbeat *heartbeat; /* NULL: the state directory can't be written */
	event_fn on_event;
	void *context;
	bool attempt; /* the first look goes on, and is counted */
};

static void note_past(struct journal_source_options *options, struct store *store)
{
	struct store_past_boot past[JOURNAL_SOURCE_BOOTS];
	int count = store_past_boots(store, past, JOURNAL_SOURCE_BOOTS);

	for (int i = 0; i < count; i++)
		TEXT_COPY(options->known_boots[i], past[i].boot_id);
	if (count > 0 && past[0].heartbeat_ns)
		options->heartbeat_wall_ns = (int64_t)past[0].heartbeat_ns + past[0].wall_offset_ns;
}

/* The store's heartbeat is less exact; it is there also where an older agent ran in that boot. */
static void note_heartbeat(struct boot_journal *journal, struct journal_source_options *options,
			   const char *state_dir)
{
	struct heartbeat_last last;
	int r = heartbeat_new(&journal->heartbeat, state_dir, options->boot_id, BEAT_NS, &last);

	if (r < 0) {
		log_warning("no heartbeat is kept: how long the node is down will be less exact",
			    LOG_TEXT("state_dir", state_dir), LOG_ERRNO(r));
		return;
	}
	/* a store that was lost knows no boots */
	if (!*options->known_boots[0])
		TEXT_COPY(options->known_boots[0], last.boot_id);
	if (strcmp(last.boot_id, options->known_boots[0]) == 0 &&
	    last.wall_ns > options->heartbeat_wall_ns)
		options->heartbeat_wall_ns = last.wall_ns;
}

static void begin_attempt(struct boot_journal *journal)
{
	uint64_t attempts = 0;

	store_bookmark_get(journal->store, ATTEMPTS, &attempts);
	journal->attempt = attempts < ATTEMPTS_MAX;
	if (journal->attempt)
		store_bookmark_set(journal->store, ATTEMPTS, attempts + 1);
}

/* It went well, or the agent was told to end. */
static void end_attempt(struct boot_journal *journal)
{
	if (journal->attempt)
		store_bookmark_set(journal->store, ATTEMPTS, 0);
	journal->attempt = false;
}

/* Its first event is of itself, after the first look at the journal. */
static void on_event_of_source(void *context, const struct event *event)
{
	struct boot_journal *journal = context;

	if (event->type == EVENT_SOURCE)
		end_attempt(journal);
	journal->on_event(journal->context, event);
}

int boot_journal_open(struct boot_journal **ret, sd_event *loop, struct store *store,
		      const char *state_dir, const char *boot_id, uint64_t since_ns,
		      event_fn on_event, void *context)
{
	struct journal_source_options options = {
		.boot_id = boot_id, .horizon_ns = HORIZON_NS, .since_ns = since_ns};
	struct boot_journal *journal = calloc(1, sizeof(*journal));
	int r = -ENOMEM;

	if (journal) {
		*journal = (struct boot_journal){
			.store = store,
			.on_event = on_event,
			.context = context,
		};
		note_past(&options, store);
		note_heartbeat(journal, &options, state_dir);
		begin_attempt(journal);
		options.leave_journal = !journal->attempt;
		r = journal_source_new(&journal->source, loop, &options, on_event_of_source,
				       journal);
	}
	if (r < 0) {
		log_error("cannot read the journal", LOG_ERRNO(r));
		boot_journal_free(journal);
		return r;
	}
	*ret = journal;
	return 0;
}

void boot_journal_free(struct boot_journal *journal)
{
	if (!journal)
		return;
	journal_source_free(journal->source);
	end_attempt(journal);
	heartbeat_free(journal->heartbeat);
	free(journal);
}

const struct journal_source *boot_journal_source(const struct boot_journal *journal)
{
	return journal ? journal->source : NULL;
}
