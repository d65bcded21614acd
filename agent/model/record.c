// SPDX-License-Identifier: Apache-2.0
#include "model/record.h"

static bool start_reconstructed(const struct record_start *start)
{
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++)
		/* a pod's creation is known by a stamp only, always */
		if (start->phases[i].reconstructed && start->phases[i].phase != PHASE_SCHEDULE)
			return true;
	return false;
}

bool record_reconstructed(const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		return start_reconstructed(&record->start);
	case RECORD_EXIT:
		return record->exit.reconstructed;
	case RECORD_PULL:
		return record->pull.reconstructed;
	case RECORD_BOOT:
		return !record->boot.measured;
	default:
		return false;
	}
}

bool pull_was_logged(const struct record_pull *pull)
{
	return pull->reconstructed && !pull->failed && !pull->download.to_ns;
}

/* Longer than between two forms of it. */
#define PULL_SILENT_NS (30 * (int64_t)NS_PER_SECOND)

bool pull_goes_on(const struct record *record, int64_t now_wall_ns)
{
	int64_t told_ns = (int64_t)record->boot_ns + record->wall_offset_ns;

	return record->type == RECORD_PULL && !record->final &&
	       now_wall_ns - told_ns < PULL_SILENT_NS;
}

/* Nobody watched: all of it was found afterwards. */
static bool wholly_reconstructed(const struct record *record)
{
	const struct record_start *start = &record->start;

	if (record->type != RECORD_START)
		return record_reconstructed(record);
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++)
		if (!start->phases[i].reconstructed)
			return false;
	return start->phase_count > 0;
}

/*
 * Of two final forms. An agent that was restarted knows less of the boot: pods have gone, probes came late. But
 * it may have seen the node recover after all.
 */
static bool better_boot(const struct record_boot *newer, const struct record_boot *older)
{
	if ((newer->state == BOOT_STATE_NONE) != (older->state == BOOT_STATE_NONE))
		return older->state == BOOT_STATE_NONE;
	if (newer->state == BOOT_READY && older->state == BOOT_NOT_RECOVERED &&
	    newer->span.to_ns > older->span.to_ns)
		return true;
	if (newer->state == BOOT_NOT_RECOVERED && older->state == BOOT_READY)
		return false;
	if (newer->measured != older->measured)
		return newer->measured;
	return newer->pods_ready >= older->pods_ready && newer->phase_count >= older->phase_count;
}

static bool boot_supersedes(const struct record *newer, const struct record *older)
{
	if (!older->final || !newer->final)
		return !older->final;
	return better_boot(&newer->boot, &older->boot);
}

/* What is told first of a unit is its activation in the boot; one that begins later is a restart. */
static bool unit_supersedes(const struct record *newer, const struct record *older)
{
	const struct span *known = &older->unit.span, *told = &newer->unit.span;

	if (known->from_ns && told->from_ns > known->from_ns + NS_PER_MS)
		return false;
	return newer->final || !older->final;
}

bool record_supersedes(const struct record *newer, const struct record *older)
{
	if (newer->type == RECORD_BOOT)
		return boot_supersedes(newer, older);
	if (newer->type == RECORD_UNIT)
		return unit_supersedes(newer, older);

	/* an agent that forgot it, or came after it, has the runtime's word only */
	if (newer->type == RECORD_EXIT && older->final && older->exit.kernel_ns &&
	    !newer->exit.kernel_ns)
		return false;

	bool newer_watched = !wholly_reconstructed(newer);
	bool older_watched = !wholly_reconstructed(older);

	/*
	 * A final record that was found afterwards does not replace what was watched, even if that
	 * was not final yet: nothing measured is given away.
	 */
	if (newer_watched != older_watched)
		return newer_watched && (newer->final || !older->final);
	return newer->final || !older->final;
}

bool exit_was_stopped(const struct record_exit *exit)
{
	/* where the kernel was not watched: 128 and SIGTERM or SIGKILL, as the runtime's way */
	bool by_code = !exit->kernel_ns && (exit->code == 128 + 15 || exit->code == 128 + 9);

	return exit->stop.term_ns || exit->stop.kill_ns || (by_code && exit->verdict == EXIT_ERROR);
}

bool start_was_probed(const struct record_start *start)
{
	return start->phase_count > 0 && start->phase_count <= START_PHASES_MAX &&
	       start->phases[start->phase_count - 1].phase == PHASE_PROBE;
}

int64_t record_wall_ns(const struct record *record)
{
	return (int64_t)(record->boot_ns + (uint64_t)record->wall_offset_ns);
}

static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
	return from_ns && to_ns > from_ns ? to_ns - from_ns : 0;
}

uint64_t record_duration_ns(const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		return between(record->start.span.from_ns, record->start.span.to_ns);
	case RECORD_EXIT:
		return between(record->exit.started_ns, record->exit.finished_ns);
	case RECORD_PULL:
		return between(record->pull.span.from_ns, record->pull.span.to_ns);
	case RECORD_BOOT:
		return between(record->boot.span.from_ns, record->boot.span.to_ns);
	case RECORD_GAP:
		return between(record->gap.span.from_ns, record->gap.span.to_ns);
	case RECORD_UNIT:
		return between(record->unit.span.from_ns, record->unit.span.to_ns);
	case RECORD_WAIT:
		return between(record->wait.span.from_ns, record->wait.span.to_ns);
	case RECORD_CHILD:
		return record->child.age_ns;
	default:
		return 0;
	}
}
