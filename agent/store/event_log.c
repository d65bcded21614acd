/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fnv.h"
#include "base/text.h"
#include "model/event_line.h"

#define NOW    "events"
#define BEFORE "events.old"

/* What was listed, as hashes; when it is full all is written once more. */
#define LISTED_SIZE 8192
#define LISTED_MAX  (LISTED_SIZE * 3 / 4)

struct event_log {
	int dir, fd; /* fd -1: it has failed */
	uint64_t bytes, most;
	char boot_id[BOOT_ID_SIZE];
	uint32_t listed_count;
	uint64_t listed[LISTED_SIZE];
};

static void forget_listed(struct event_log *log)
{
	memset(log->listed, 0, sizeof(log->listed));
	log->listed_count = 0;
}

/* Of all but its time; never 0. */
static uint64_t hash_of(const struct event *event)
{
	struct event timeless = *event;

	timeless.boot_ns = 0;
	return fnv_bytes(FNV_BEGIN, &timeless, sizeof(timeless)) | 1;
}

/* Returns whether it stands there. */
static bool note_listed(struct event_log *log, const struct event *event)
{
	uint64_t hash = hash_of(event);
	size_t place = hash % LISTED_SIZE;

	while (log->listed[place]) {
		if (log->listed[place] == hash)
			return true;
		place = (place + 1) % LISTED_SIZE;
	}
	log->listed[place] = hash;
	if (++log->listed_count >= LISTED_MAX)
		forget_listed(log);
	return false;
}

static bool is_listed(const struct event *event)
{
	return event->flags & EVENT_RECONSTRUCTED;
}

/* All that has to be said of a container that is listed as before: that it was, and whether as ended. Else it would be gone by this listing. */
static struct event mention(const struct event *event)
{
	struct event mentioned = {
		.type = EVENT_CONTAINER, .flags = event->flags, .boot_ns = event->boot_ns};

	TEXT_COPY(mentioned.container.container_id, event->container.container_id);
	mentioned.container.listed_ended =
		event->container.listed_ended || event->container.state == CONTAINER_EXITED;
	return mentioned;
}

/* Returns the file behind its first line, or NULL if there is none of this boot. */
static FILE *open_file(int dir, const char *name, const char *boot_id)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
	cleanup_free char *line = NULL;
	struct event_line_header header;
	size_t room = 0;
	ssize_t length = file ? getline(&line, &room, file) : -1;

	if (length > 0 && event_line_read_header(line, (size_t)length, &header) == 0 &&
	    strcmp(header.boot_id, boot_id) == 0)
		return file;
	if (file)
		fclose(file);
	return NULL;
}

/* --- reading -------------------------------------------------------------------------------------- */

typedef void (*read_fn)(void *context, const struct event *event, uint64_t seen_ns);

static int read_file(struct event_log *log, const char *name, read_fn on_event, void *context)
{
	cleanup_fclose FILE *file = open_file(log->dir, name, log->boot_id);
	cleanup_free char *line = NULL;
	struct event event;
	uint64_t seen_ns;
	size_t room = 0;
	ssize_t length;
	int count = 0;

	while (file && (length = getline(&line, &room, file)) > 0) {
		/* one that is none was cut off by a kill: the next is whole again */
		if (event_line_read(line, (size_t)length, &event, &seen_ns) < 0)
			continue;
		if (is_listed(&event))
			note_listed(log, &event);
		on_event(context, &event, seen_ns);
		count++;
	}
	return count;
}

int event_log_read(struct event_log *log, read_fn on_event, void *context)
{
	int count = read_file(log, BEFORE, on_event, context);

	return count + read_file(log, NOW, on_event, context);
}

/* --- writing -------------------------------------------------------------------------------------- */

static int write_line(struct event_log *log, char *line)
{
	cleanup_free char *text = line;
	size_t length = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	ssize_t written = write(log->fd, text, length);

	if (written < 0)
		return -errno;
	log->bytes += (uint64_t)written;
	return (size_t)written == length ? 0 : -ENOSPC;
}

static int begin(struct event_log *log)
{
	struct event_line_header header = {.wall_offset_ns = clock_wall_offset_ns()};

	TEXT_COPY(header.boot_id, log->boot_id);
	log->fd = openat(log->dir, NOW, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	log->bytes = 0;
	if (log->fd < 0)
		return -errno;
	return write_line(log, event_line_header(&header));
}

static bool is_of_this_boot(const struct event_log *log, const char *name)
{
	cleanup_fclose FILE *file = open_file(log->dir, name, log->boot_id);

	return file;
}

/* Half a line at the end would spoil the next one. */
static int go_on(struct event_log *log)
{
	struct stat file;

	log->fd = openat(log->dir, NOW, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (log->fd < 0 || fstat(log->fd, &file) < 0)
		return -errno;
	log->bytes = (uint64_t)file.st_size;
	return write(log->fd, "\n", 1) < 0 ? -errno : 0;
}

int event_log_open(struct event_log **ret, const char *dir, const char *boot_id, uint64_t bytes)
{
	struct event_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return -ENOMEM;
	log->fd = -1;
	log->most = bytes ? bytes : EVENT_LOG_BYTES;
	TEXT_COPY(log->boot_id, boot_id);
	log->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir < 0) {
		r = -errno;
	} else if (is_of_this_boot(log, NOW)) {
		r = go_on(log);
	} else { /* a kill within turn() leaves the old one alone */
		if (!is_of_this_boot(log, BEFORE))
			unlinkat(log->dir, BEFORE, 0);
		r = begin(log);
	}
	if (r < 0) {
		event_log_close(log);
		return r;
	}
	*ret = log;
	return 0;
}

void event_log_close(struct event_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	if (log->dir >= 0)
		close(log->dir);
	free(log);
}

void event_log_remove(const char *dir)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	unlinkat(fd, NOW, 0);
	unlinkat(fd, BEFORE, 0);
}

static int turn(struct event_log *log)
{
	close(log->fd);
	log->fd = -1;
	if (renameat(log->dir, NOW, log->dir, BEFORE) < 0)
		return -errno;
	forget_listed(log);
	return begin(log);
}

int event_log_write(struct event_log *log, const struct event *event, uint64_t seen_ns)
{
	struct event mentioned;
	int r = 0;

	if (log->fd < 0)
		return 0;
	if (is_listed(event) && note_listed(log, event)) {
		if (event->type != EVENT_CONTAINER)
			return 0;
		mentioned = mention(event);
		event = &mentioned;
	}
	if (log->bytes >= log->most)
		r = turn(log);
	if (r == 0)
		r = write_line(log, event_line(event, seen_ns));
	if (r < 0 && log->fd >= 0) {
		close(log->fd);
		log->fd = -1;
	}
	return r;
}
