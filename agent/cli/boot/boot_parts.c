// SPDX-License-Identifier: Apache-2.0
#include "cli/boot/boot_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A pod's own start is that of its container that was ready last: it says nothing new. */
static bool name_of(const struct record *record, struct boot_part *ret)
{
	const struct subject *subject = &record->subject;

	if (record->type == RECORD_UNIT) {
		ret->kind = BOOT_PART_UNIT;
		TEXT_COPY(ret->name, record->unit.name);
		return true;
	}
	ret->kind = BOOT_PART_POD;
	snprintf(ret->name, sizeof(ret->name), "%.63s/%.95s/%.63s", subject->pod_namespace,
		 subject->pod, subject->container);
	return *subject->pod && *subject->container;
}

static struct boot_part *find(struct boot_parts *parts, const struct boot_part *like)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->all[i].kind == like->kind && strcmp(parts->all[i].name, like->name) == 0)
			return &parts->all[i];
	return NULL;
}

/* The first start of a container counts, not its restarts. */
static void collect(struct boot_parts *parts, const struct boot_records *records)
{
	for (size_t i = 0; i < records->count && parts->count < BOOT_PARTS_MAX; i++) {
		struct boot_part part = {.ns = record_duration_ns(&records->all[i])};

		if (name_of(&records->all[i], &part) && !find(parts, &part))
			parts->all[parts->count++] = part;
	}
}

int boot_parts_of(struct boot_parts *ret, const struct boot_report *report)
{
	struct boot_parts parts = {.all = calloc(BOOT_PARTS_MAX, sizeof(*parts.all))};

	if (!parts.all)
		return -ENOMEM;
	collect(&parts, &report->units);
	collect(&parts, &report->starts);
	*ret = parts;
	return 0;
}

void boot_parts_done(struct boot_parts *parts)
{
	free(parts->all);
}

void boot_parts_add(struct boot_parts *parts, const struct boot_report *other)
{
	struct boot_parts others;

	if (boot_parts_of(&others, other) < 0)
		return;
	for (size_t i = 0; i < others.count; i++) {
		struct boot_part *part = find(parts, &others.all[i]);

		if (part && part->before < BOOT_BASELINE_MAX)
			part->before_ns[part->before++] = others.all[i].ns;
	}
	boot_parts_done(&others);
}

static int compare_number(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

uint64_t boot_part_before(const struct boot_part *part)
{
	uint64_t sorted[BOOT_BASELINE_MAX];

	if (!part->before)
		return 0;
	memcpy(sorted, part->before_ns, part->before * sizeof(*sorted));
	qsort(sorted, part->before, sizeof(*sorted), compare_number);
	return part->before % 2 ? sorted[part->before / 2]
				: sorted[part->before / 2 - 1] / 2 + sorted[part->before / 2] / 2;
}

uint64_t boot_part_grown(const struct boot_part *part)
{
	uint64_t before_ns = boot_part_before(part);

	return part->before && part->ns > before_ns ? part->ns - before_ns : 0;
}

static int compare_grown(const void *one, const void *other)
{
	uint64_t a = boot_part_grown(one), b = boot_part_grown(other);

	if (a != b)
		return (a < b) - (a > b);
	return strcmp(((const struct boot_part *)one)->name,
		      ((const struct boot_part *)other)->name);
}

void boot_parts_sort(struct boot_parts *parts)
{
	if (parts->count)
		qsort(parts->all, parts->count, sizeof(*parts->all), compare_grown);
}
