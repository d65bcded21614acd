/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/node/node_loops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/text.h"

#define LOOPING_NS ((int64_t)(1200 * NS_PER_SECOND)) /* as in record_exit.looping */

bool node_loops_is_death(const struct record_exit *exit)
{
	switch (exit->verdict) {
	case EXIT_ERROR:
	case EXIT_CRASHED:
	case EXIT_KILLED:
	case EXIT_SELF_KILLED:
	case EXIT_SIGNALED:
	case EXIT_START_FAILED:
	case EXIT_OOM_KILLED:
		return true;
	default:
		return false;
	}
}

static uint64_t key_of(const struct subject *subject)
{
	const char *pod = *subject->pod_uid ? subject->pod_uid : subject->pod;

	return fnv_text(fnv_text(fnv_text(1, subject->pod_namespace), pod), subject->container);
}

static struct node_loop *find(struct node_loops *loops, uint64_t key)
{
	for (uint32_t i = 0; i < loops->count; i++)
		if (loops->loops[i].key == key)
			return &loops->loops[i];
	return NULL;
}

static struct node_loop *make(struct node_loops *loops)
{
	struct node_loop *oldest = &loops->loops[0];

	if (loops->count < NODE_LOOPS_MAX)
		return &loops->loops[loops->count++];
	for (uint32_t i = 1; i < NODE_LOOPS_MAX; i++)
		if (loops->loops[i].wall_ns < oldest->wall_ns)
			oldest = &loops->loops[i];
	return oldest;
}

void node_loops_exit(struct node_loops *loops, const struct record *record)
{
	int64_t wall_ns = (int64_t)record->boot_ns + record->wall_offset_ns;
	uint64_t key = key_of(&record->subject);
	struct node_loop *loop = find(loops, key);

	if (loop && wall_ns < loop->wall_ns)
		return;
	if (!record->exit.looping || !node_loops_is_death(&record->exit)) {
		if (loop) /* it came out of it */
			*loop = loops->loops[--loops->count];
		return;
	}
	if (!loop)
		loop = make(loops);
	loop->key = key;
	loop->wall_ns = wall_ns;
	loop->deaths = record->exit.deaths;
	node_words_subject(&record->subject, loop->subject);
	TEXT_COPY(loop->container, record->subject.container);
	node_words_exit(&record->exit, loop->what);
}

static int most_deaths_first(const void *a, const void *b)
{
	const struct node_loop *of_a = a, *of_b = b;

	return of_a->deaths != of_b->deaths ? (of_a->deaths < of_b->deaths ? 1 : -1)
					    : strcmp(of_a->subject, of_b->subject);
}

static uint32_t of_now(const struct node_loops *loops, int64_t now_wall_ns, struct node_loop *ret)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < loops->count; i++)
		if (loops->loops[i].wall_ns > now_wall_ns - LOOPING_NS)
			ret[found++] = loops->loops[i];
	qsort(ret, found, sizeof(*ret), most_deaths_first);
	return found;
}

/* A pod with several of them needs the container's name too. */
static bool alone(const struct node_loop *loops, uint32_t number, uint32_t which)
{
	for (uint32_t i = 0; i < number; i++)
		if (i != which && strcmp(loops[i].subject, loops[which].subject) == 0)
			return false;
	return true;
}

static bool append(char *line, const char *text, size_t spare)
{
	return node_words_append(line, SUMMARY_LINE_SIZE, text, spare);
}

static void write_line(const struct node_loop *loops, uint32_t number, const struct tally *others,
		       int64_t now_wall_ns, char *line)
{
	char text[256], at[NODE_CLOCK_SIZE];

	snprintf(line, SUMMARY_LINE_SIZE, "%" PRIu32 " looping", number);
	for (uint32_t i = 0; i < number; i++) {
		const struct node_loop *loop = &loops[i];
		bool single = alone(loops, number, i);

		snprintf(text, sizeof(text), "%s %s%s%.40s %s %" PRIu32 "x", i ? "," : ":",
			 loop->subject, single ? "" : "/", single ? "" : loop->container,
			 loop->what, loop->deaths);
		if (append(line, text, i + 1 < number ? strlen(", 12 more") : 0))
			continue;
		snprintf(text, sizeof(text), ", %" PRIu32 " more", number - i);
		append(line, text, 0);
		return;
	}
	if (!node_tally_recent(others->last_wall_ns, now_wall_ns))
		return;
	node_words_clock(others->last_wall_ns, at);
	snprintf(text, sizeof(text), "; last other %s %s", at, others->last);
	append(line, text, 0);
}

uint32_t node_loops_line(const struct node_loops *loops, const struct tally *others,
			 int64_t now_wall_ns, char ret[static SUMMARY_LINE_SIZE])
{
	struct node_loop now[NODE_LOOPS_MAX];
	uint32_t number = of_now(loops, now_wall_ns, now);

	if (number)
		write_line(now, number, others, now_wall_ns, ret);
	return number;
}

void node_loops_next(const struct node_loops *loops, int64_t now_wall_ns, int64_t *next)
{
	for (uint32_t i = 0; i < loops->count; i++)
		node_tally_sooner(next, loops->loops[i].wall_ns + LOOPING_NS, now_wall_ns);
}
