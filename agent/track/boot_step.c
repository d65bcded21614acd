/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A path of units alone has some dozens. */
#define GATHERED_MAX 256

int boot_steps_begin(struct boot_steps *steps, uint64_t end_ns)
{
	*steps = (struct boot_steps){.cursor_ns = end_ns};
	steps->all = calloc(GATHERED_MAX, sizeof(*steps->all));
	return steps->all ? 0 : -ENOMEM;
}

struct boot_step *boot_steps_add(struct boot_steps *steps, enum boot_step_kind kind,
				 uint64_t from_ns, const char *name)
{
	struct boot_step *step;

	if (!from_ns)
		from_ns = 1;
	if (from_ns >= steps->cursor_ns)
		return NULL;
	if (steps->count == GATHERED_MAX) { /* the last one takes the rest */
		step = &steps->all[steps->count - 1];
		step->span.from_ns = steps->cursor_ns = from_ns;
		steps->left_out++;
		return NULL;
	}
	step = &steps->all[steps->count++];
	*step = (struct boot_step){.kind = kind, .span = {from_ns, steps->cursor_ns}};
	TEXT_COPY(step->name, name);
	steps->cursor_ns = from_ns;
	return step;
}

static uint64_t length(const struct boot_step *step)
{
	return step->span.to_ns - step->span.from_ns;
}

/* What it counts in a comparison of names: short idle time has none. */
static uint64_t weight(const struct boot_step *step, uint64_t short_ns)
{
	return step->kind == BOOT_STEP_IDLE && length(step) < short_ns ? 0 : length(step);
}

/* Step i and the one after it become one, which is what the longer of them was. */
static void join(struct boot_steps *steps, uint32_t i, uint64_t short_ns)
{
	struct boot_step *first = &steps->all[i], *second = first + 1;
	struct span span = {first->span.from_ns, second->span.to_ns};
	bool reconstructed = first->reconstructed || second->reconstructed;

	if (weight(second, short_ns) > weight(first, short_ns))
		*first = *second;
	first->span = span;
	first->reconstructed = reconstructed;
	memmove(second, second + 1, sizeof(*second) * (steps->count - i - 2));
	steps->count--;
	steps->left_out++;
}

static bool alike(const struct boot_step *a, const struct boot_step *b)
{
	return a->kind == b->kind && strcmp(a->pod, b->pod) == 0;
}

/* Below short_ns: is it to be joined with the one beside it? */
static bool may_join(const struct boot_step *step, const struct boot_step *beside,
		     uint64_t short_ns)
{
	if (step->kind == BOOT_STEP_IDLE || length(step) <= length(beside) / 100)
		return true;
	return alike(step, beside) && length(beside) < short_ns;
}

/* The shortest below `below` that may be joined, and with which neighbour; false if there is none. */
static bool find_short(const struct boot_steps *steps, uint64_t below_ns, bool any, uint32_t *ret)
{
	uint64_t shortest = below_ns;
	bool found = false;

	for (uint32_t i = 0; i < steps->count; i++) {
		const struct boot_step *step = &steps->all[i];
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

static void turn_round(struct boot_steps *steps)
{
	for (uint32_t i = 0, j = steps->count; i + 1 < j; i++) {
		struct boot_step step = steps->all[--j];

		steps->all[j] = steps->all[i];
		steps->all[i] = step;
	}
}

void boot_steps_end(struct boot_steps *steps, struct record_boot *boot)
{
	uint64_t short_ns = (boot->span.to_ns - boot->span.from_ns) / 100;
	uint32_t i;

	turn_round(steps);
	while (find_short(steps, short_ns, false, &i))
		join(steps, i, short_ns);
	while (steps->count > BOOT_STEPS_MAX && find_short(steps, UINT64_MAX, true, &i))
		join(steps, i, short_ns);
	memcpy(boot->steps, steps->all, sizeof(*steps->all) * steps->count);
	boot->step_count = steps->count;
	boot->steps_left_out = steps->left_out;
	free(steps->all);
	steps->all = NULL;
}
