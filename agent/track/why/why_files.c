/* SPDX-License-Identifier: Apache-2.0 */
/* What a start brought in from disks: its largest files, and all together. */
#include <stdlib.h>
#include <string.h>

#include "track/why/why_private.h"

/* A path that was replaced by another file meanwhile is told twice, with its own first request. */
static bool is_same(const struct file_read *a, const struct file_read *b)
{
	return a->span.from_ns == b->span.from_ns && strcmp(a->path, b->path) == 0;
}

/* Where the file is, or a free place, or that of the smallest if it is smaller; else NULL. */
static struct file_read *place_of(struct why_facts *facts, const struct file_read *file)
{
	if (!facts->files)
		facts->files = calloc(WHY_FILES_MAX, sizeof(*facts->files));
	if (!facts->files)
		return NULL;
	struct file_read *smallest = facts->files;

	for (uint32_t i = 0; i < facts->file_count; i++) {
		if (is_same(&facts->files[i], file))
			return &facts->files[i];
		if (facts->files[i].bytes < smallest->bytes)
			smallest = &facts->files[i];
	}
	if (facts->file_count < WHY_FILES_MAX)
		return &facts->files[facts->file_count++];
	return smallest->bytes < file->bytes ? smallest : NULL;
}

void why_files_note(struct why_facts *facts, const struct event *event)
{
	const struct event_file_read *told = &event->file_read;
	struct file_read *place = told->file.bytes ? place_of(facts, &told->file) : NULL;

	if (place)
		*place = told->file;
	facts->reads_measured = true;
	if (told->disk_bytes > facts->disk_bytes)
		facts->disk_bytes = told->disk_bytes;
	if (told->read_bytes > facts->read_bytes)
		facts->read_bytes = told->read_bytes;
}

static void insert(struct start_why *why, const struct file_read *file)
{
	uint32_t at = why->file_count;

	while (at > 0 && why->files[at - 1].bytes < file->bytes)
		at--;
	if (at == START_FILES_MAX)
		return;
	if (why->file_count < START_FILES_MAX)
		why->file_count++;
	memmove(why->files + at + 1, why->files + at,
		(why->file_count - 1 - at) * sizeof(*why->files));
	why->files[at] = *file;
}

void why_files_fill(const struct why_facts *facts, struct record_start *start)
{
	struct start_why *why = &start->why;

	why->reads_measured = facts->reads_measured;
	why->disk_bytes = facts->disk_bytes;
	why->read_bytes = facts->read_bytes;
	for (uint32_t i = 0; i < facts->file_count; i++)
		insert(why, &facts->files[i]);
}
