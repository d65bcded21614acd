/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/mounts.h"
#include "source/kernel/kernel_file_path.h"

/* More than a record keeps: one that becomes large late has to be among them before. */
#define TOP_MAX 16
/* A start that listens is most often over at once: going through all threads of the node again would tell nothing new. */
#define JUST_TOLD_NS (100 * NS_PER_MS)

struct top {
	struct wire_file key;
	uint64_t kernel_first_ns;     /* the kernel may have forgotten it and counts anew, … */
	struct file_read before, now; /* … beside what it had before */
	bool grown;
};

struct reader {
	char container_id[ID_SIZE]; /* "": free */
	uint64_t cgroup_id, told_ns;
	struct mounts *mounts; /* NULL: could not be read */
	struct top top[TOP_MAX];
	uint32_t count;
};

struct kernel_files {
	struct kernel_file_counts counts;
	const char *proc, *devices;
	event_fn on_event;
	void *context;
	struct reader readers[WIRE_READS_MAX];
};

int kernel_files_new(struct kernel_files **ret, const struct kernel_file_counts *counts,
		     const char *proc, const char *devices, event_fn on_event, void *context)
{
	struct kernel_files *files = calloc(1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	files->counts = *counts;
	files->proc = proc;
	files->devices = devices;
	files->on_event = on_event;
	files->context = context;
	*ret = files;
	return 0;
}

static void drop(struct reader *reader)
{
	mounts_free(reader->mounts);
	*reader = (struct reader){0};
}

void kernel_files_free(struct kernel_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < WIRE_READS_MAX; i++)
		drop(&files->readers[i]);
	free(files);
}

static struct reader *find(struct kernel_files *files, const char *container_id)
{
	for (size_t i = 0; i < WIRE_READS_MAX; i++)
		if (strcmp(files->readers[i].container_id, container_id) == 0)
			return &files->readers[i];
	return NULL;
}

static struct reader *find_cgroup(struct kernel_files *files, uint64_t cgroup_id)
{
	for (size_t i = 0; i < WIRE_READS_MAX; i++)
		if (*files->readers[i].container_id && files->readers[i].cgroup_id == cgroup_id)
			return &files->readers[i];
	return NULL;
}

/* Its mounts are read now: it may end before it has read anything. */
void kernel_files_begin(struct kernel_files *files, const char *container_id, uint64_t cgroup_id,
			uint32_t pid)
{
	struct reader *reader = *container_id ? find(files, container_id) : NULL;

	if (reader)
		drop(reader);
	else if (*container_id)
		reader = find(files, "");
	if (!reader)
		return;
	TEXT_COPY(reader->container_id, container_id);
	reader->cgroup_id = cgroup_id;
	mounts_read(&reader->mounts, files->proc, pid);
}

/* --- the largest ------------------------------------------------------------------------------------ */

static uint64_t bytes_of(const struct top *top)
{
	return top->before.bytes + top->now.bytes;
}

/* Where the file is, or a free place, or that of the smallest if it is smaller; else NULL. */
static struct top *place_of(struct reader *reader, const struct wire_file *file, uint64_t bytes)
{
	struct top *smallest = reader->top;

	for (uint32_t i = 0; i < reader->count; i++) {
		if (memcmp(&reader->top[i].key, file, sizeof(*file)) == 0)
			return &reader->top[i];
		if (bytes_of(&reader->top[i]) < bytes_of(smallest))
			smallest = &reader->top[i];
	}
	if (reader->count < TOP_MAX)
		smallest = &reader->top[reader->count++];
	else if (bytes_of(smallest) >= bytes)
		return NULL;
	*smallest = (struct top){.key = *file};
	return smallest;
}

static void name_file(struct kernel_files *files, struct reader *reader,
		      const struct wire_file *file, const struct wire_file_reads *reads,
		      struct file_read *read)
{
	char path[KERNEL_FILE_PATH_SIZE];

	kernel_file_device(files->devices, reads, read->device, sizeof(read->device));
	kernel_file_path(reads, path);
	if (!*path)
		return;
	if (reader->mounts &&
	    mounts_path(reader->mounts, file->device, path, read->path, sizeof(read->path)) == 0)
		return;
	read->outside = true;
	text_copy_tail(read->path, sizeof(read->path), path);
}

struct look {
	struct kernel_files *files;
	uint64_t cgroup_id; /* only this one's; 0: all */
};

static void note(void *context, const struct wire_file *file, const struct wire_file_reads *reads)
{
	const struct look *look = context;
	struct reader *reader = find_cgroup(look->files, file->container_id);
	struct top *top;

	if (!reader || (look->cgroup_id && look->cgroup_id != file->container_id))
		return;
	top = place_of(reader, file, reads->bytes);
	if (!top)
		return;
	if (!top->kernel_first_ns) {
		name_file(look->files, reader, file, reads, &top->now);
		top->now.span.from_ns = reads->first_ns;
	} else if (top->kernel_first_ns != reads->first_ns) {
		top->before.bytes += top->now.bytes;
		top->before.requests += top->now.requests;
		top->before.latency_ns += top->now.latency_ns;
		top->before.busy_ns += top->now.busy_ns;
	} else if (top->now.bytes == reads->bytes && top->now.span.to_ns == reads->last_ns) {
		return;
	}
	top->kernel_first_ns = reads->first_ns;
	top->now.bytes = reads->bytes;
	top->now.size_bytes = reads->size;
	top->now.requests = reads->requests;
	top->now.latency_ns = reads->latency_ns;
	top->now.busy_ns = reads->busy_ns;
	top->now.span.to_ns = reads->last_ns;
	top->grown = true;
}

/* --- what is told ----------------------------------------------------------------------------------- */

static void tell_grown(struct kernel_files *files, struct reader *reader, struct event *event)
{
	for (uint32_t i = 0; i < reader->count; i++) {
		struct top *top = &reader->top[i];

		if (!top->grown)
			continue;
		top->grown = false;
		event->file_read.file = top->now;
		event->file_read.file.bytes += top->before.bytes;
		event->file_read.file.requests += top->before.requests;
		event->file_read.file.latency_ns += top->before.latency_ns;
		event->file_read.file.busy_ns += top->before.busy_ns;
		files->on_event(files->context, event);
	}
}

static struct event event_of(const struct reader *reader, const struct wire_reads *reads)
{
	struct event event = {.type = EVENT_FILE_READ, .boot_ns = clock_boot_ns()};

	TEXT_COPY(event.file_read.container_id, reader->container_id);
	event.file_read.cgroup_id = reader->cgroup_id;
	event.file_read.disk_bytes = reads->disk_bytes;
	return event;
}

/* Most starts bring in nothing: then the tables of files need not be walked. */
static bool has_read(const struct kernel_files *files, uint64_t cgroup_id)
{
	struct wire_reads reads;

	return files->counts.reads(files->counts.context, cgroup_id, &reads) == 0 &&
	       reads.disk_bytes;
}

static bool any_has_read(const struct kernel_files *files)
{
	for (size_t i = 0; i < WIRE_READS_MAX; i++)
		if (*files->readers[i].container_id && has_read(files, files->readers[i].cgroup_id))
			return true;
	return false;
}

void kernel_files_look(struct kernel_files *files)
{
	struct look look = {.files = files};

	if (!any_has_read(files) || files->counts.files(files->counts.context, note, &look) < 0)
		return;
	for (size_t i = 0; i < WIRE_READS_MAX; i++) {
		struct reader *reader = &files->readers[i];
		struct wire_reads reads;

		if (!*reader->container_id ||
		    files->counts.reads(files->counts.context, reader->cgroup_id, &reads) < 0)
			continue;
		struct event event = event_of(reader, &reads);

		tell_grown(files, reader, &event);
	}
}

/* 0: not known. What runc read as the same process is not the container's. */
static uint64_t read_bytes(struct kernel_files *files, uint64_t cgroup_id,
			   const struct wire_reads *reads)
{
	uint64_t bytes;

	if (!(reads->flags & WIRE_READS_BEGUN))
		return 0;
	if (reads->flags & WIRE_READS_ENDED)
		bytes = reads->read_ended;
	else if (files->counts.thread_reads(files->counts.context, cgroup_id, &bytes) < 0)
		return 0;
	return bytes > reads->read_before ? bytes - reads->read_before : 0;
}

static void tell(struct kernel_files *files, struct reader *reader)
{
	struct look look = {files, reader->cgroup_id};
	struct wire_reads reads;

	if (files->counts.reads(files->counts.context, reader->cgroup_id, &reads) < 0 ||
	    (reads.disk_bytes && files->counts.files(files->counts.context, note, &look) < 0))
		return;
	reader->told_ns = clock_boot_ns();
	struct event event = event_of(reader, &reads);

	event.file_read.read_bytes = read_bytes(files, reader->cgroup_id, &reads);
	tell_grown(files, reader, &event);
	event.file_read.file = (struct file_read){0};
	files->on_event(files->context, &event);
}

void kernel_files_tell(struct kernel_files *files, const char *container_id)
{
	struct reader *reader = *container_id ? find(files, container_id) : NULL;

	if (reader)
		tell(files, reader);
}

void kernel_files_end(struct kernel_files *files, const char *container_id)
{
	struct reader *reader = *container_id ? find(files, container_id) : NULL;

	if (!reader)
		return;
	if (clock_boot_ns() > reader->told_ns + JUST_TOLD_NS)
		tell(files, reader);
	files->counts.forget(files->counts.context, reader->cgroup_id);
	drop(reader);
}
