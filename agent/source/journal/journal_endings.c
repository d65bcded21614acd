/* SPDX-License-Identifier: Apache-2.0 */
/* How the boot before this one ended: the evidence is collected here, last_boot.c judges it. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "client/pstore.h"
#include "source/journal/journal_private.h"

/* Who says so; other services may talk as much as they like. */
static const char *const identifiers[] = {"systemd",	      "systemd-logind", "systemd-shutdown",
					  "systemd-journald", "kernel",		"watchdog"};
/* Each unit that stops is a few of these entries; the targets come last. */
#define ENTRIES_MAX 1000
/* A clock that differs by less was not stepped. */
#define STEPPED_NS ((int64_t)NS_PER_SECOND)

static int begin(struct journal_source *source)
{
	int r;

	journal_match_all(source->journal);
	r = journal_match_boot(source->journal, source->previous->boot_id);
	for (size_t i = 0; i < sizeof(identifiers) / sizeof(*identifiers) && r >= 0; i++)
		r = journal_match(source->journal, "SYSLOG_IDENTIFIER", identifiers[i]);
	return r < 0 ? r : journal_last(source->journal);
}

static int read_entry(struct journal_source *source)
{
	char identifier[32], transport[16], pid[16], message[CAUSE_SIZE * 2];
	struct last_boot_entry entry = {
		.identifier = identifier,
		.transport = transport,
		.pid = pid,
		.message = message,
	};
	struct journal_stamp stamp;
	int r = journal_stamp(source->journal, &stamp);

	if (r == 0)
		r = journal_text(source->journal, "SYSLOG_IDENTIFIER", identifier,
				 sizeof(identifier));
	if (r == 0)
		r = journal_text(source->journal, "_TRANSPORT", transport, sizeof(transport));
	if (r == 0)
		r = journal_text(source->journal, "_PID", pid, sizeof(pid));
	if (r == 0)
		r = journal_text(source->journal, "MESSAGE", message, sizeof(message));
	if (r < 0)
		return r;
	entry.boot_ns = stamp.monotonic_ns;
	last_boot_note(&source->evidence, &entry);
	return 0;
}

/* Backwards from the end, in each file that has entries of that boot. */
int journal_endings_step(struct journal_source *source)
{
	int r;

	if (!source->previous || !journal_source_file(source))
		return 0;
	r = source->begun ? journal_previous(source->journal) : begin(source);
	source->begun = true;
	if (r > 0 && ++source->walked <= ENTRIES_MAX) {
		source->stats.entries++;
		if (read_entry(source) == 0)
			return 1;
	}
	journal_source_file_done(source);
	return 1;
}

void journal_endings_left(struct journal_source *source)
{
	const struct journal_boot *previous = source->previous;
	struct last_boot_evidence *evidence = &source->evidence;
	int64_t after_wall_ns = previous ? previous->first_wall_ns : evidence->heartbeat_wall_ns;
	int64_t moved_wall_ns = wall_steps_earliest(&source->steps);

	evidence->journal = previous != NULL;
	if (previous) {
		evidence->journal_wall_ns = previous->last_wall_ns;
		evidence->journal_boot_ns = previous->last_ns;
	}
	if (!moved_wall_ns)
		moved_wall_ns = clock_wall_offset_ns();
	pstore_panic(source->root, after_wall_ns, moved_wall_ns, evidence->pstore_panic,
		     sizeof(evidence->pstore_panic));
	evidence->watchdog_reset = watchdog_was_reset(source->root);
}

/* Told again when the clock was set meanwhile: how long the node was down follows from it. */
void journal_endings_tell(struct journal_source *source)
{
	int64_t offset_ns = clock_wall_offset_ns(), moved_ns = offset_ns - source->judged_offset_ns;
	struct event event = {
		.type = EVENT_LAST_BOOT,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = 1,
	};

	if (source->judged_offset_ns && moved_ns < STEPPED_NS && moved_ns > -STEPPED_NS)
		return;
	source->judged_offset_ns = offset_ns;
	source->evidence.start_wall_ns = offset_ns; /* the boot clock was 0 */
	last_boot_judge(&source->evidence, &event.last_boot);
	log_info("the boot before this one", LOG_TEXT("boot_id", event.last_boot.boot_id),
		 LOG_TEXT("evidence", event.last_boot.evidence),
		 LOG_NUMBER("down_s", event.last_boot.down_ns / NS_PER_SECOND));
	source->on_event(source->context, &event);
}
