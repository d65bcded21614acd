/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the wall-clock time of app and probe went.
 *
 * The kernel's side (bpf/stall.bpf.c) has the rule: it follows the thread that listened. Here the moments at which it
 * was told are joined into phases. The phase `app` is from the exec, where all counts are 0, to the listen; `probe` and
 * an app that never listens have an end that only Kubernetes tells, so it lies between two samples: what was done
 * between them is taken to be spread evenly.
 */
#include <string.h>

#include "base/text.h"
#include "track/why/why_private.h"

void why_stalls_note(struct why_facts *facts, const struct event *event)
{
	const struct event_stall *stall = &event->stall;
	struct stall_sample sample = {event->boot_ns, stall->grade, stall->thread_count,
				      stall->path, stall->threads};

	if (*stall->reason)
		TEXT_COPY(facts->stall_reason, stall->reason);
	switch (event->stall.step) {
	case STALL_AT_LISTEN:
		if (!facts->listened.boot_ns)
			facts->listened = sample;
		return;
	case STALL_AT_END:
		facts->ended = sample;
		return;
	case STALL_SO_FAR:
		break;
	default:
		return;
	}
	if (facts->sample_count == STALL_SAMPLES)
		memmove(facts->so_far, facts->so_far + 1,
			--facts->sample_count * sizeof(*facts->so_far));
	facts->so_far[facts->sample_count++] = sample;
}

static struct stall_times between(const struct stall_times *a, const struct stall_times *b,
				  uint64_t part, uint64_t whole)
{
	struct stall_times times;

	for (int i = 0; i < STALL_COUNT; i++) {
		uint64_t grown = b->ns[i] > a->ns[i] ? b->ns[i] - a->ns[i] : 0;

		times.ns[i] = a->ns[i] + (uint64_t)((double)grown * (double)part / (double)whole);
	}
	return times;
}

/* What had been done at this moment: a sample, or between the two around it. False: not known. */
static bool sample_at(const struct why_facts *facts, uint64_t at_ns, struct stall_sample *ret)
{
	const struct stall_sample *all[STALL_SAMPLES + 2] = {&facts->listened, &facts->ended};
	const struct stall_sample zero = {0};
	const struct stall_sample *before = &zero, *after = NULL;

	for (uint32_t i = 0; i < facts->sample_count; i++)
		all[i + 2] = &facts->so_far[i];
	for (size_t i = 0; i < STALL_SAMPLES + 2; i++) {
		if (!all[i] || !all[i]->boot_ns)
			continue;
		if (all[i]->boot_ns <= at_ns && all[i]->boot_ns > before->boot_ns)
			before = all[i];
		if (all[i]->boot_ns >= at_ns && (!after || all[i]->boot_ns < after->boot_ns))
			after = all[i];
	}
	if (!after || (!before->boot_ns && after->boot_ns != at_ns))
		return false;
	*ret = *after;
	if (after->boot_ns == at_ns)
		return true;
	uint64_t whole = after->boot_ns - before->boot_ns, part = at_ns - before->boot_ns;

	ret->boot_ns = at_ns;
	ret->path = between(&before->path, &after->path, part, whole);
	ret->threads = between(&before->threads, &after->threads, part, whole);
	return true;
}

static uint64_t sum(const struct stall_times *times)
{
	uint64_t sum_ns = 0;

	for (int i = 0; i < STALL_COUNT; i++)
		sum_ns += times->ns[i];
	return sum_ns;
}

static enum stall largest(const struct stall_times *times)
{
	enum stall found = STALL_OTHER;

	for (int i = 0; i < STALL_COUNT; i++)
		if (times->ns[i] > times->ns[found])
			found = (enum stall)i;
	return found;
}

/* Borders are rounded, and threads change at the listen: the sum is the phase's all the same. */
static void scale_to(struct stall_times *times, uint64_t length_ns)
{
	uint64_t total = sum(times);

	for (int i = 0; i < STALL_COUNT && total; i++)
		times->ns[i] = (uint64_t)((double)times->ns[i] * (double)length_ns / (double)total);
	total = sum(times);
	if (total < length_ns) /* what rounding has left */
		times->ns[largest(times)] += length_ns - total;
}

static struct stall_times minus(const struct stall_times *b, const struct stall_times *a)
{
	struct stall_times times;

	for (int i = 0; i < STALL_COUNT; i++)
		times.ns[i] = b->ns[i] > a->ns[i] ? b->ns[i] - a->ns[i] : 0;
	return times;
}

static void fill_phase(const struct why_facts *facts, const struct phase_span *phase,
		       struct record_start *start)
{
	struct stall_sample from = {0}, to;
	struct start_why *why = &start->why;
	bool is_app = phase->phase == PHASE_APP;

	if (why->stall_count == START_STALLS_MAX || !sample_at(facts, phase->span.to_ns, &to) ||
	    (!is_app && !sample_at(facts, phase->span.from_ns, &from)))
		return;
	struct phase_stalls *stalls = &why->stalls[why->stall_count++];

	stalls->phase = phase->phase;
	stalls->grade = to.grade;
	if (to.grade != STALLS_MEASURED)
		TEXT_COPY(stalls->reason, facts->stall_reason);
	stalls->wall = minus(&to.path, &from.path);
	stalls->threads = minus(&to.threads, &from.threads);
	stalls->thread_count = to.thread_count;
	scale_to(&stalls->wall, phase->span.to_ns - phase->span.from_ns);
}

void why_stalls_fill(const struct why_facts *facts, struct record_start *start)
{
	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == PHASE_APP || start->phases[i].phase == PHASE_PROBE)
			fill_phase(facts, &start->phases[i], start);
}
