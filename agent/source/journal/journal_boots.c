/* SPDX-License-Identifier: Apache-2.0 */
/* Which boots the journal has, and which was the one before this. */
#include <string.h>

#include "base/text.h"
#include "source/journal/journal_private.h"

static struct journal_boot *find(struct journal_source *source, const char *boot_id)
{
	for (uint32_t i = 0; i < source->boot_count; i++)
		if (strcmp(source->boots[i].boot_id, boot_id) == 0)
			return &source->boots[i];
	return NULL;
}

/* A new place; when all are taken, that of the boot that ended first. */
static struct journal_boot *place(struct journal_source *source, int64_t last_wall_ns)
{
	struct journal_boot *oldest = source->boots;

	if (source->boot_count < JOURNAL_BOOTS_MAX)
		return &source->boots[source->boot_count++];
	source->boots_left_out++;
	for (uint32_t i = 1; i < source->boot_count; i++)
		if (source->boots[i].last_wall_ns < oldest->last_wall_ns)
			oldest = &source->boots[i];
	return oldest->last_wall_ns < last_wall_ns ? oldest : NULL;
}

static void note(struct journal_source *source, const struct journal_stamp *first,
		 const struct journal_stamp *last, const char *machine_id)
{
	struct journal_boot *boot;

	if (strcmp(last->boot_id, source->boot_id) == 0) {
		wall_steps_note(&source->steps, first->monotonic_ns, first->wall_ns);
		wall_steps_note(&source->steps, last->monotonic_ns, last->wall_ns);
		source->this_known = true;
		TEXT_COPY(source->this_boot.machine_id, machine_id);
		return;
	}
	boot = find(source, last->boot_id);
	if (!boot) {
		boot = place(source, last->wall_ns);
		if (!boot)
			return;
		*boot = (struct journal_boot){.first_wall_ns = first->wall_ns};
		TEXT_COPY(boot->boot_id, last->boot_id);
		TEXT_COPY(boot->machine_id, machine_id);
	}
	if (first->wall_ns < boot->first_wall_ns)
		boot->first_wall_ns = first->wall_ns;
	if (last->monotonic_ns >= boot->last_ns) {
		boot->last_ns = last->monotonic_ns;
		boot->last_wall_ns = last->wall_ns;
	}
}

/* One boot of the file. The match does not disturb the listing, which is over the whole file. */
static int read_boot(struct journal_source *source, const char *boot_id)
{
	struct journal *journal = source->journal;
	struct journal_stamp first, last;
	char machine_id[BOOT_ID_SIZE];
	int r;

	journal_match_all(journal);
	r = journal_match_boot(journal, boot_id);
	if (r >= 0)
		r = journal_first(journal);
	if (r <= 0)
		return r;
	r = journal_stamp(journal, &first);
	if (r == 0)
		r = journal_text(journal, "_MACHINE_ID", machine_id, sizeof(machine_id));
	if (r == 0)
		r = journal_last(journal);
	if (r <= 0)
		return r;
	r = journal_stamp(journal, &last);
	if (r == 0)
		note(source, &first, &last, machine_id);
	return r;
}

int journal_boots_step(struct journal_source *source)
{
	char boot_id[BOOT_ID_SIZE];
	int r;

	if (!journal_source_file(source))
		return 0;
	r = source->begun ? 0 : journal_boots(source->journal);
	source->begun = true;
	if (r >= 0)
		r = journal_boots_next(source->journal, boot_id);
	if (r > 0 && ++source->walked <= JOURNAL_BOOTS_MAX) {
		source->stats.entries += 2;
		r = read_boot(source, boot_id);
		/* a damaged entry costs one boot, not the file */
		return 1;
	}
	if (r < 0)
		source->stats.unreadable++;
	journal_source_file_done(source);
	return 1;
}

/* Where its number stands among the boots that the store knows; -1: nowhere. */
static int known_at(const struct journal_source *source, const char *boot_id)
{
	for (int i = 0; i < JOURNAL_SOURCE_BOOTS && *source->options.known_boots[i]; i++)
		if (strcmp(source->options.known_boots[i], boot_id) == 0)
			return i;
	return -1;
}

static bool same_machine(const struct journal_source *source, const struct journal_boot *boot)
{
	/* containers that boot keep their journals beside the host's */
	return !source->this_known || strcmp(boot->machine_id, source->this_boot.machine_id) == 0;
}

/*
 * The store knows boots in their true order, the journal by a wall clock that may have been wrong. A boot that
 * the store does not know is the one before this if it ended after all that is known of the last known one: the
 * agent did not run in it.
 */
void journal_boots_choose(struct journal_source *source)
{
	const char *known = source->options.known_boots[0];
	const struct journal_boot *known_boot = *known ? find(source, known) : NULL;
	int64_t known_wall_ns = source->options.heartbeat_wall_ns;
	const struct journal_boot *unknown = NULL;

	if (known_boot && known_boot->last_wall_ns > known_wall_ns)
		known_wall_ns = known_boot->last_wall_ns;
	for (uint32_t i = 0; i < source->boot_count; i++) {
		const struct journal_boot *boot = &source->boots[i];

		if (same_machine(source, boot) && known_at(source, boot->boot_id) < 0 &&
		    (!unknown || boot->last_wall_ns > unknown->last_wall_ns))
			unknown = boot;
	}
	if (unknown && (!*known || unknown->last_wall_ns > known_wall_ns)) {
		source->previous = unknown;
		source->evidence.heartbeat_wall_ns = 0;
		TEXT_COPY(source->evidence.boot_id, unknown->boot_id);
		return;
	}
	source->previous = known_boot;
	source->evidence.heartbeat_wall_ns = *known ? source->options.heartbeat_wall_ns : 0;
	TEXT_COPY(source->evidence.boot_id, known);
}
