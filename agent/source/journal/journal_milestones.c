/* SPDX-License-Identifier: Apache-2.0 */
/* Milestones and CRI calls of this boot, from the journal and from the file where K3s's or RKE2's containerd logs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "source/journal/journal_private.h"

/* A line is longer in K3s's log only where a command line follows, which no rule reads. */
#define LINE_MAX_BYTES 1024
/* journald gets a line late when it is busy, never by more than this. */
#define LATE_MAX_NS ((int64_t)(10 * NS_PER_SECOND))
/* What of one look's file is read at most: 16 KiB each. */
#define LOG_BLOCKS_MAX 1024
#define ENTRIES_MAX    200000

static void found(struct journal_source *source, enum milestone what, uint64_t boot_ns,
		  const char *unit, const char *told_by)
{
	struct milestone_found *milestone = &source->found[what];

	/* what was told was the first as far as was known; a start after it is another story */
	if (!boot_ns || milestone->told || (milestone->boot_ns && milestone->boot_ns <= boot_ns))
		return;
	milestone->boot_ns = boot_ns;
	TEXT_COPY(milestone->unit, unit);
	TEXT_COPY(milestone->told_by, told_by);
}

/* Told at once: there may be many. What began since the agent did, others saw. */
static void take_call(struct journal_source *source, const struct log_line *line, uint64_t boot_ns)
{
	struct event event;

	if (cri_calls_line(&source->calls, line, boot_ns, source->since_ns, &event))
		source->on_event(source->context, &event);
}

static void take_line(struct journal_source *source, unsigned int program,
		      const struct log_line *line, uint64_t boot_ns, const char *unit,
		      const char *told_by)
{
	const struct milestone_rule *rule = milestone_rule_find(program, line);

	if (!rule) {
		if (program & (LOG_CONTAINERD | LOG_K3S))
			take_call(source, line, boot_ns);
		return;
	}
	if (rule->what == MILESTONE_RUNTIME_STARTED)
		source->network_denied = false;
	if (rule->denies)
		source->network_denied = true;
	else if (!rule->unless_denied || !source->network_denied)
		found(source, rule->what, boot_ns, unit, told_by);
}

/*
 * The entry's stamp says when journald got the line. A line that has its own time, finer than a second, says it
 * better; it is turned by what both clocks said at that entry.
 */
static uint64_t true_time(const struct journal_stamp *stamp, const struct log_line *line)
{
	int64_t late_ns = stamp->wall_ns - line->wall_ns;

	if (!line->fine || late_ns < 0 || late_ns > LATE_MAX_NS ||
	    (uint64_t)late_ns >= stamp->monotonic_ns)
		return stamp->monotonic_ns;
	return stamp->monotonic_ns - (uint64_t)late_ns;
}

static int begin(struct journal_source *source)
{
	int r;

	journal_match_all(source->journal);
	r = journal_match_boot(source->journal, source->boot_id);
	for (size_t i = 0; milestone_identifiers[i] && r >= 0; i++)
		r = journal_match(source->journal, "SYSLOG_IDENTIFIER", milestone_identifiers[i]);
	if (r < 0)
		return r;
	/* the last entry again: another may bear the same stamp */
	return source->read_to_ns
		       ? journal_from(source->journal, source->boot_id, source->read_to_ns)
		       : journal_first(source->journal);
}

/* 0, 1: late enough, or a negative errno. */
static int read_entry(struct journal_source *source)
{
	char identifier[32], unit[UNIT_SIZE], message[LINE_MAX_BYTES];
	struct journal_stamp stamp;
	struct log_line line;
	int r = journal_stamp(source->journal, &stamp);

	if (r < 0)
		return r;
	if (stamp.monotonic_ns > source->options.horizon_ns)
		return 1;
	wall_steps_note(&source->steps, stamp.monotonic_ns, stamp.wall_ns);
	r = journal_text(source->journal, "SYSLOG_IDENTIFIER", identifier, sizeof(identifier));
	if (r == 0)
		r = journal_text(source->journal, "_SYSTEMD_UNIT", unit, sizeof(unit));
	if (r == 0)
		r = journal_text(source->journal, "MESSAGE", message, sizeof(message));
	if (r < 0)
		return r;
	log_line_parse(message, strlen(message), &line);
	take_line(source, milestone_program(identifier), &line, true_time(&stamp, &line), unit,
		  "journal");
	if (stamp.monotonic_ns > source->file_to_ns)
		source->file_to_ns = stamp.monotonic_ns;
	return 0;
}

int journal_milestones_step(struct journal_source *source)
{
	int r;

	if (!journal_source_file(source)) {
		if (source->file_to_ns > source->read_to_ns)
			source->read_to_ns = source->file_to_ns;
		return 0;
	}
	r = source->begun ? journal_next(source->journal) : begin(source);
	source->begun = true;
	if (r > 0 && ++source->walked <= ENTRIES_MAX) {
		source->stats.entries++;
		if (read_entry(source) == 0)
			return 1;
	}
	journal_source_file_done(source);
	return 1;
}

static int64_t time_of_line(const char *text, size_t length)
{
	struct log_line line;

	log_line_parse(text, length, &line);
	return line.wall_ns;
}

static void on_line(void *context, const char *text, size_t length)
{
	struct journal_source *source = context;
	struct log_line line;
	uint64_t boot_ns;

	source->stats.entries++;
	log_line_parse(text, length, &line);
	boot_ns = line.wall_ns ? wall_steps_boot_ns(&source->steps, line.wall_ns) : 0;
	source->log_late |= boot_ns > source->options.horizon_ns;
	if (boot_ns && !source->log_late)
		take_line(source, LOG_CONTAINERD, &line, boot_ns, "", "log");
}

/* Without a journal there is only what the clock says now. */
static int64_t boot_began(struct journal_source *source)
{
	int64_t earliest = wall_steps_earliest(&source->steps);

	if (earliest)
		return earliest;
	wall_steps_note(&source->steps, 1, clock_wall_offset_ns() + 1);
	return wall_steps_earliest(&source->steps);
}

static void close_log(struct journal_source *source)
{
	log_file_close(source->log);
	source->log = NULL;
	source->log_placed = false;
}

/* The first that is there. */
static int open_log(struct log_file **ret, const char *root)
{
	static const char *const names[] = {"k3s", "rke2"};
	char path[JOURNAL_PATH_SIZE];
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && r < 0; i++) {
		snprintf(path, sizeof(path),
			 "%.120s/var/lib/rancher/%s/agent/containerd/containerd.log", root,
			 names[i]);
		r = log_file_open(ret, path);
	}
	return r;
}

int journal_log_step(struct journal_source *source)
{
	int r = 0;

	if (source->log_late)
		return 0;
	if (!source->log)
		return open_log(&source->log, source->root) == 0;
	if (!source->log_placed) {
		source->log_placed = true;
		r = log_file_from(source->log, boot_began(source), time_of_line);
		if (r == 0)
			return 1;
	} else if (++source->walked <= LOG_BLOCKS_MAX) {
		r = log_file_read(source->log, on_line, source);
	}
	if (r < 0)
		close_log(source);
	/* rotated: go on with the new one, once per look */
	return r == -ESTALE && source->walked <= LOG_BLOCKS_MAX ? 1 : r > 0;
}

void journal_calls_tell(struct journal_source *source)
{
	struct cri_calls_lost *lost = &source->calls.lost;
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = lost->to_ns,
		.source = {.source = SOURCE_JOURNAL,
			   .step = SOURCE_LOST,
			   .cause = "too many logged CRI calls without a return",
			   .count = lost->count,
			   .since_ns = lost->from_ns},
	};

	if (!lost->count)
		return;
	*lost = (struct cri_calls_lost){0};
	log_warning("CRI calls that containerd logged were left out: too many have not returned",
		    LOG_NUMBER("calls", event.source.count));
	source->on_event(source->context, &event);
}

bool journal_milestones_all(const struct journal_source *source)
{
	static const enum milestone wanted[] = {
		MILESTONE_RUNTIME_STARTED, MILESTONE_RUNTIME_READY, MILESTONE_NETWORK_READY,
		MILESTONE_KUBELET_STARTED, MILESTONE_API_READY,	    MILESTONE_NODE_READY};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!source->found[wanted[i]].told)
			return false;
	return true;
}

static int by_time(const void *one, const void *other)
{
	const struct event *a = one, *b = other;

	return (a->boot_ns > b->boot_ns) - (a->boot_ns < b->boot_ns);
}

void journal_milestones_tell(struct journal_source *source)
{
	struct event events[MILESTONE_COUNT];
	size_t count = 0;

	for (enum milestone what = MILESTONE_NONE + 1; what < MILESTONE_COUNT; what++) {
		struct milestone_found *milestone = &source->found[what];
		struct event *event = &events[count];

		if (!milestone->boot_ns || milestone->told)
			continue;
		milestone->told = true;
		*event = (struct event){
			.type = EVENT_MILESTONE,
			.flags = milestone->boot_ns < source->since_ns ? EVENT_RECONSTRUCTED : 0,
			.boot_ns = milestone->boot_ns,
			.milestone.what = what,
		};
		TEXT_COPY(event->milestone.unit, milestone->unit);
		TEXT_COPY(event->milestone.told_by, milestone->told_by);
		count++;
	}
	qsort(events, count, sizeof(*events), by_time);
	for (size_t i = 0; i < count; i++) {
		source->stats.milestones++;
		source->on_event(source->context, &events[i]);
	}
}
