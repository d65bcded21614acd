/* SPDX-License-Identifier: Apache-2.0 */
#include "source/journal/journal_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "source/journal/journal_private.h"

/* The loop is held up for this long at most (and for what one entry or file takes), then left alone for a while. */
#define SLICE_NS (2 * NS_PER_MS)
#define PAUSE_US 4000
#define LOOK_NS	 (3 * NS_PER_SECOND)
/* Later looks only read files that may have grown since the one before. */
#define FILES_GROWING 4

/* NULL: there are no more. What a begin and an end belong to is read in its order, the file written last as the last. */
static const char *next_path(const struct journal_source *source)
{
	size_t at = source->file, count = source->files.count;

	if (source->stats.looks && count > FILES_GROWING)
		count = FILES_GROWING;
	if (at >= count)
		return NULL;
	if (source->stage == STAGE_MILESTONES)
		at = count - 1 - at;
	return source->files.files[at].path;
}

bool journal_source_file(struct journal_source *source)
{
	while (!source->journal) {
		const char *next = next_path(source);

		if (!next) {
			source->file = 0;
			return false;
		}
		if (journal_open(&source->journal, next) == 0)
			break;
		if (source->stage == STAGE_BOOTS)
			source->stats.unreadable++;
		source->journal = NULL;
		source->file++;
	}
	return true;
}

void journal_source_file_done(struct journal_source *source)
{
	journal_close(source->journal);
	source->journal = NULL;
	source->begun = false;
	source->walked = 0;
	source->file++;
}

static void tell_source(struct journal_source *source)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_JOURNAL},
	};
	bool up = source->this_known;

	if (source->stats.looks && up == source->stats.up)
		return;
	source->stats.up = up;
	if (up)
		TEXT_COPY(source->stats.cause, "");
	else if (source->options.leave_journal)
		TEXT_COPY(source->stats.cause, "left alone: the agent has ended while it read it");
	else if (!source->files.count)
		TEXT_COPY(source->stats.cause,
			  "no journal in /var/log/journal or /run/log/journal");
	else
		TEXT_COPY(source->stats.cause, "the journal has nothing of this boot");
	event.source.step = up ? SOURCE_UP : SOURCE_MISSING;
	TEXT_COPY(event.source.cause, source->stats.cause);
	source->on_event(source->context, &event);
}

static void tell(struct journal_source *source)
{
	tell_source(source);
	journal_calls_tell(source);
	journal_endings_tell(source);
	journal_milestones_tell(source);
	source->stats.looks++;
}

static void enter(struct journal_source *source, enum journal_stage stage)
{
	source->stage = stage;
	source->file = 0;
	source->begun = false;
	source->walked = 0;
	source->file_to_ns = 0;
}

/* 1: more to do at once, 0: this look is over. */
static int step(struct journal_source *source)
{
	bool first = !source->stats.looks;

	switch (source->stage) {
	case STAGE_REST:
		enter(source, STAGE_LIST);
		return 1;
	case STAGE_LIST:
		if (!source->options.leave_journal)
			journal_files_list(&source->files, source->root);
		source->stats.files = (uint32_t)source->files.count;
		enter(source, first || !source->this_known ? STAGE_BOOTS : STAGE_MILESTONES);
		return 1;
	case STAGE_BOOTS:
		if (!journal_boots_step(source)) {
			if (first)
				journal_boots_choose(source);
			enter(source, first ? STAGE_ENDINGS : STAGE_MILESTONES);
		}
		return 1;
	case STAGE_ENDINGS:
		if (!journal_endings_step(source))
			enter(source, STAGE_LEFT);
		return 1;
	case STAGE_LEFT:
		journal_endings_left(source);
		enter(source, STAGE_MILESTONES);
		return 1;
	case STAGE_MILESTONES:
		if (!journal_milestones_step(source))
			enter(source, STAGE_LOG);
		return 1;
	case STAGE_LOG:
		if (!journal_log_step(source))
			enter(source, STAGE_TELL);
		return 1;
	case STAGE_TELL:
		tell(source);
		enter(source, STAGE_REST);
		return 0;
	}
	return 0;
}

/* Also after all milestones: the clock may yet be set. */
static bool is_over(struct journal_source *source)
{
	return clock_boot_ns() > source->options.horizon_ns;
}

static bool rests(const struct journal_source *source)
{
	return source->stage == STAGE_REST && journal_milestones_all(source);
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct journal_source *source = context;
	uint64_t begin_ns = clock_boot_ns(), now_ns;
	int more = 1;

	(void)time_us;
	if (rests(source)) {
		journal_endings_tell(source);
		more = 0;
	}
	do {
		more = more ? step(source) : 0;
		now_ns = clock_boot_ns();
	} while (more && now_ns - begin_ns < SLICE_NS);
	if (now_ns - begin_ns > source->stats.longest_ns)
		source->stats.longest_ns = now_ns - begin_ns;
	if (!more && is_over(source)) {
		source->stats.done = true;
		log_file_close(source->log);
		source->log = NULL;
		sd_event_source_set_enabled(timer, SD_EVENT_OFF);
		return 0;
	}
	sd_event_source_set_time(timer, now_ns / 1000 +
						(more ? PAUSE_US : source->options.look_ns / 1000));
	return 0;
}

int journal_source_new(struct journal_source **ret, sd_event *loop,
		       const struct journal_source_options *options, event_fn on_event,
		       void *context)
{
	struct journal_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->options = *options;
	if (!source->options.look_ns)
		source->options.look_ns = LOOK_NS;
	source->on_event = on_event;
	source->context = context;
	source->since_ns = options->since_ns ? options->since_ns : clock_boot_ns();
	TEXT_COPY(source->root, options->root ? options->root : "");
	TEXT_COPY(source->boot_id, options->boot_id);
	r = sd_event_add_time(loop, &source->timer, CLOCK_BOOTTIME, clock_boot_ns() / 1000, 1000,
			      on_timer, source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->timer, SD_EVENT_ON);
	if (r < 0) {
		journal_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void journal_source_free(struct journal_source *source)
{
	if (!source)
		return;
	sd_event_source_unref(source->timer);
	journal_close(source->journal);
	log_file_close(source->log);
	free(source);
}

void journal_source_stats(const struct journal_source *source, struct journal_source_stats *ret)
{
	*ret = source->stats;
}
