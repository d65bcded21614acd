/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A path of units alone has some dozens. */
#define GATHERED_MAX 256
/* Between two stamps of different clocks: nothing was waited for. */
#define SLIVER_NS (10 * NS_PER_MS)
/* What a step takes over from its neighbours is at most so much of its own: 2 %. */
#define GROWTH 50

struct gathered_step {
	struct boot_step step;
	uint64_t own_ns; /* of what gave it its name */
};

int boot_steps_begin(struct boot_steps *steps, uint64_t end_ns)
{
	*steps = (struct boot_steps){.cursor_ns = end_ns};
	steps->all = calloc(GATHERED_MAX, sizeof(*steps->all));
	return steps->all ? 0 : -ENOMEM;
}

struct boot_step *boot_steps_add(struct boot_steps *steps, enum boot_step_kind kind,
				 uint64_t from_ns, const char *name)
{
	struct gathered_step *added;

	if (!from_ns)
		from_ns = 1;
	if (from_ns >= steps->cursor_ns)
		return NULL;
	if (steps->count == GATHERED_MAX) { /* the last one takes the rest */
		added = &steps->all[steps->count - 1];
		added->step.span.from_ns = steps->cursor_ns = from_ns;
		steps->left_out++;
		return NULL;
	}
	added = &steps->all[steps->count++];
	added->own_ns = steps->cursor_ns - from_ns;
	added->step = (struct boot_step){.kind = kind, .span = {from_ns, steps->cursor_ns}};
	TEXT_COPY(added->step.name, name);
	steps->cursor_ns = from_ns;
	return &added->step;
}

static uint64_t length(const struct gathered_step *gathered)
{
	return gathered->step.span.to_ns - gathered->step.span.from_ns;
}

/* Step i and the one after it become one, which is what the longer of them was. */
static void join(struct boot_steps *steps, uint32_t i)
{
	struct gathered_step *first = &steps->all[i], *second = first + 1;
	struct span span = {first->step.span.from_ns, second->step.span.to_ns};
	bool reconstructed = first->step.reconstructed || second->step.reconstructed;

	if (second->own_ns > first->own_ns)
		*first = *second;
	first->step.span = span;
	first->step.reconstructed = reconstructed;
	memmove(second, second + 1, sizeof(*second) * (steps->count - i - 2));
	steps->count--;
	steps->left_out++;
}

static bool alike(const struct boot_step *a, const struct boot_step *b)
{
	return a->kind == b->kind && strcmp(a->pod, b->pod) == 0;
}

/* With it the one beside it still is about as long as it was. */
static bool is_slight(const struct gathered_step *step, const struct gathered_step *beside)
{
	return length(step) + length(beside) - beside->own_ns <= beside->own_ns / GROWTH;
}

/* Below short_ns: is it to be joined with the one beside it? */
static bool may_join(const struct gathered_step *step, const struct gathered_step *beside,
		     uint64_t short_ns)
{
	if (is_slight(step, beside) ||
	    (step->step.kind == BOOT_STEP_IDLE && length(step) < SLIVER_NS))
		return true;
	return alike(&step->step, &beside->step) && length(beside) < short_ns;
}

/* The shortest below `below` that may be joined, and with which neighbour; false if there is none. */
static bool find_short(const struct boot_steps *steps, uint64_t below_ns, bool any, uint32_t *ret)
{
	uint64_t shortest = below_ns;
	bool found = false;

	for (uint32_t i = 0; i < steps->count; i++) {
		const struct gathered_step *step = &steps->all[i];
		bool before = i > 0 && (any || may_join(step, step - 1, below_ns));
		bool after = i + 1 < steps->count && (any || may_join(step, step + 1, below_ns));

		if (length(step) >= shortest || (!before && !after))
			continue;
		/* to the shorter one; but where there are too many, to where it weighs least */
		bool shorter = before && after && length(step - 1) < length(step + 1);

		shortest = length(step);
		found = true;
		*ret = !before || (after && shorter == any) ? i : i - 1;
	}
	return found;
}

void boot_steps_end(struct boot_steps *steps, struct record_boot *boot)
{
	uint64_t short_ns = (boot->span.to_ns - boot->span.from_ns) / 100;
	uint32_t i;

	for (uint32_t a = 0, b = steps->count; a + 1 < b; a++) { /* turn them round */
		struct gathered_step step = steps->all[--b];

		steps->all[b] = steps->all[a];
		steps->all[a] = step;
	}
	while (find_short(steps, short_ns, false, &i))
		join(steps, i);
	while (steps->count > BOOT_STEPS_MAX && find_short(steps, UINT64_MAX, true, &i))
		join(steps, i);
	for (i = 0; i < steps->count; i++)
		boot->steps[i] = steps->all[i].step;
	boot->step_count = steps->count;
	boot->steps_left_out = steps->left_out;
	free(steps->all);
	steps->all = NULL;
}
