/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/clock.h"
#include "base/text.h"
#include "sink/node/node_boot.h"
#include "sink/node/node_loops.h"
#include "sink/node/node_tally.h"
#include "sink/node/node_words.h"

#define STARTS_MAX 32
#define SEEN_MAX   512

/* A start that no later one has beaten. */
struct slow {
	uint64_t key;
	int64_t wall_ns;
	uint64_t duration_ns;
	char words[NODE_START_SIZE];
};
_Static_assert(NODE_START_SIZE == SUMMARY_LINE_SIZE, "it is the whole line");

struct node_summary {
	char version[32];
	int64_t since_wall_ns;
	struct slow starts[STARTS_MAX];
	uint32_t start_count;
	struct tally ooms, deaths, gaps; /* deaths.last: of those that don't loop */
	struct node_loops loops;
	struct record boot; /* this one; of no type: not told so far */
	struct boot_history earlier;
	uint64_t seen[SEEN_MAX]; /* counted keys, a ring */
	uint32_t seen_next;
};

const char *summary_line_name(enum summary_line line)
{
	static const char *const names[SUMMARY_LINE_COUNT] = {
		[SUMMARY_BOOT] = "boot",	   [SUMMARY_SLOWEST_START] = "slowest-start",
		[SUMMARY_OOM_KILLS] = "oom-kills", [SUMMARY_CRASHES] = "crashes",
		[SUMMARY_AGENT] = "agent",
	};

	return names[line];
}

struct node_summary *node_summary_new(const char *version, int64_t since_wall_ns)
{
	struct node_summary *summary = calloc(1, sizeof(*summary));

	if (summary) {
		TEXT_COPY(summary->version, version);
		summary->since_wall_ns = since_wall_ns;
	}
	return summary;
}

void node_summary_free(struct node_summary *summary)
{
	free(summary);
}

/* --- records in --- */

static uint64_t key_of(const struct record *record)
{
	return fnv_text(fnv_text(FNV_BEGIN ^ record->type, record->subject.container_id),
			record->key);
}

static bool first_time(struct node_summary *summary, uint64_t key)
{
	for (uint32_t i = 0; i < SEEN_MAX; i++)
		if (summary->seen[i] == key)
			return false;
	summary->seen[summary->seen_next++ % SEEN_MAX] = key;
	return true;
}

static void drop_start(struct node_summary *summary, uint32_t i)
{
	summary->starts[i] = summary->starts[--summary->start_count];
}

/* Kept are those that may become the slowest when slower ones grow old. */
static void note_start(struct node_summary *summary, const struct record *record)
{
	struct slow slow = {.key = key_of(record),
			    .wall_ns = record_wall_ns(record),
			    .duration_ns = record_duration_ns(record)};
	uint32_t least = 0;

	if (!record->final || !*record->subject.pod || record->start.state == START_FAILED ||
	    !slow.duration_ns)
		return;
	for (uint32_t i = summary->start_count; i-- > 0;) {
		const struct slow *other = &summary->starts[i];

		if (other->key == slow.key ||
		    (other->wall_ns <= slow.wall_ns && other->duration_ns <= slow.duration_ns))
			drop_start(summary, i);
		else if (other->wall_ns >= slow.wall_ns && other->duration_ns >= slow.duration_ns)
			return;
	}
	if (summary->start_count == STARTS_MAX) {
		for (uint32_t i = 1; i < STARTS_MAX; i++)
			if (summary->starts[i].duration_ns < summary->starts[least].duration_ns)
				least = i;
		drop_start(summary, least);
	}
	node_words_start(record, slow.words);
	summary->starts[summary->start_count++] = slow;
}

static void note_oom(struct node_summary *summary, const struct record *record)
{
	char *words;

	if (first_time(summary, key_of(record)))
		node_tally_count(&summary->ooms, record_wall_ns(record));
	words = node_tally_latest(&summary->ooms, key_of(record), record_wall_ns(record),
				  !record->final);
	if (words)
		node_words_oom(record, words);
}

static void note_exit(struct node_summary *summary, const struct record *record)
{
	char *words;

	if (!record->final || !*record->subject.pod) /* not Kubernetes' container */
		return;
	node_loops_exit(&summary->loops, record);
	/* kills for memory have a line of their own */
	if (!node_loops_is_death(&record->exit) || record->exit.verdict == EXIT_OOM_KILLED)
		return;
	if (first_time(summary, key_of(record)))
		node_tally_count(&summary->deaths, record_wall_ns(record));
	words = record->exit.looping ? NULL
				     : node_tally_latest(&summary->deaths, key_of(record),
							 record_wall_ns(record), !record->final);
	if (words)
		node_words_death(record, words);
}

static void note_gap(struct node_summary *summary, const struct record *record)
{
	char *words;

	if (first_time(summary, key_of(record)))
		node_tally_count(&summary->gaps, record_wall_ns(record));
	words = node_tally_latest(&summary->gaps, key_of(record), record_wall_ns(record),
				  !record->final);
	if (words)
		node_words_gap(record, words);
}

void node_summary_earlier(struct node_summary *summary, const struct boot_history *earlier)
{
	summary->earlier = *earlier;
}

void node_summary_record(struct node_summary *summary, const struct record *record)
{
	switch (record->type) {
	case RECORD_START:
		note_start(summary, record);
		break;
	case RECORD_OOM:
		note_oom(summary, record);
		break;
	case RECORD_EXIT:
		note_exit(summary, record);
		break;
	case RECORD_GAP:
		note_gap(summary, record);
		break;
	case RECORD_BOOT:
		summary->boot = *record;
		break;
	default:
		break;
	}
}

/* --- lines out --- */

static void start_line(const struct node_summary *summary, int64_t now_wall_ns, char *line)
{
	const struct slow *slowest = NULL;

	for (uint32_t i = 0; i < summary->start_count; i++) {
		const struct slow *slow = &summary->starts[i];

		if (node_tally_recent(slow->wall_ns, now_wall_ns) &&
		    (!slowest || slow->duration_ns > slowest->duration_ns))
			slowest = slow;
	}
	text_copy(line, SUMMARY_LINE_SIZE, slowest ? slowest->words : "none in 24h");
}

static void crash_line(const struct node_summary *summary, int64_t now_wall_ns, char *line)
{
	if (!node_loops_line(&summary->loops, &summary->deaths, now_wall_ns, line))
		node_tally_line(&summary->deaths, now_wall_ns, line);
}

static void agent_line(const struct node_summary *summary, int64_t now_wall_ns, char *line)
{
	char since[WALL_TEXT_SIZE], at[NODE_CLOCK_SIZE], text[256];
	uint32_t sum = node_tally_total(&summary->gaps, now_wall_ns);
	bool today = node_tally_recent(summary->since_wall_ns, now_wall_ns);

	clock_wall_text(summary->since_wall_ns, 0, since);
	node_words_clock(summary->since_wall_ns, at);
	int used = snprintf(text, sizeof(text), "v%s watching since %.10s%s%s", summary->version,
			    today ? "" : since, today ? "" : " ", at);
	size_t left = sizeof(text) - (size_t)used;

	node_words_clock(summary->gaps.last_wall_ns, at);
	if (summary->gaps.last_open || node_tally_recent(summary->gaps.last_wall_ns, now_wall_ns))
		snprintf(text + used, left, ", %" PRIu32 " gap%s in 24h, last %s %s", sum,
			 sum == 1 ? "" : "s", at, summary->gaps.last);
	else if (sum)
		snprintf(text + used, left, ", %" PRIu32 " gap%s in 24h", sum, sum == 1 ? "" : "s");
	else
		snprintf(text + used, left, ", nothing missed");
	text_copy(line, SUMMARY_LINE_SIZE, text);
}

void node_summary_clock(struct node_summary *summary, int64_t wall_offset_ns)
{
	summary->boot.wall_offset_ns = wall_offset_ns;
}

static uint64_t awake_ns(const struct node_summary *summary, int64_t now_wall_ns)
{
	int64_t awake = now_wall_ns - summary->boot.wall_offset_ns;

	return awake > 0 ? (uint64_t)awake : 0;
}

void node_summary_line(const struct node_summary *summary, enum summary_line line,
		       int64_t now_wall_ns, char ret[static SUMMARY_LINE_SIZE])
{
	switch (line) {
	case SUMMARY_BOOT:
		node_boot_line(&summary->boot.boot, &summary->earlier,
			       awake_ns(summary, now_wall_ns), ret);
		break;
	case SUMMARY_SLOWEST_START:
		start_line(summary, now_wall_ns, ret);
		break;
	case SUMMARY_OOM_KILLS:
		node_tally_line(&summary->ooms, now_wall_ns, ret);
		break;
	case SUMMARY_CRASHES:
		crash_line(summary, now_wall_ns, ret);
		break;
	default:
		agent_line(summary, now_wall_ns, ret);
	}
}

int64_t node_summary_next_wall_ns(const struct node_summary *summary, int64_t now_wall_ns)
{
	uint64_t boot_ns = node_boot_next_ns(&summary->boot.boot, awake_ns(summary, now_wall_ns));
	int64_t next = INT64_MAX;

	if (boot_ns != UINT64_MAX)
		node_tally_sooner(&next, (int64_t)boot_ns + summary->boot.wall_offset_ns,
				  now_wall_ns);
	for (uint32_t i = 0; i < summary->start_count; i++)
		node_tally_sooner(&next, summary->starts[i].wall_ns + DAY_NS, now_wall_ns);
	node_loops_next(&summary->loops, now_wall_ns, &next);
	node_tally_next(&summary->ooms, now_wall_ns, &next);
	node_tally_next(&summary->deaths, now_wall_ns, &next);
	node_tally_next(&summary->gaps, now_wall_ns, &next);
	node_tally_sooner(&next, summary->since_wall_ns + DAY_NS, now_wall_ns);
	return next;
}
