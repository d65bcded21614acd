/* SPDX-License-Identifier: Apache-2.0 */
#include "client/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define BLOCK	  (16 * 1024)
#define PATH_SIZE 512

struct log_file {
	int fd;
	ino_t inode;
	dev_t device;
	off_t at; /* of the next line */
	bool cut; /* the line's begin was told already */
	char path[PATH_SIZE];
	char block[BLOCK];
};

int log_file_open(struct log_file **ret, const char *path)
{
	struct log_file *file;
	struct stat found;
	int fd, r = 0;

	if (strlen(path) >= PATH_SIZE)
		return -ENAMETOOLONG;
	/* not to wait, should it be a FIFO */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	file = calloc(1, sizeof(*file));
	if (!file)
		r = -ENOMEM;
	else if (fstat(fd, &found) < 0)
		r = -errno;
	else if (!S_ISREG(found.st_mode))
		r = -EINVAL;
	if (r < 0) {
		free(file);
		close(fd);
		return r;
	}
	file->fd = fd;
	file->inode = found.st_ino;
	file->device = found.st_dev;
	text_copy(file->path, PATH_SIZE, path);
	*ret = file;
	return 0;
}

void log_file_close(struct log_file *file)
{
	if (!file)
		return;
	close(file->fd);
	free(file);
}

/* The time of the first line at or behind `at` that has one within a block; 0: none has. */
static int time_behind(struct log_file *file, off_t at, log_file_time_fn time_of, int64_t *ret)
{
	ssize_t length = pread(file->fd, file->block, BLOCK, at);
	const char *line = file->block, *end;

	if (length < 0)
		return -errno;
	end = line + length;
	*ret = 0;
	if (at) { /* somewhere in a line */
		line = memchr(line, '\n', (size_t)length);
		line = line ? line + 1 : end;
	}
	while (line < end && !*ret) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		*ret = time_of(line, (size_t)(stop - line));
		line = newline ? newline + 1 : end;
	}
	return 0;
}

int log_file_from(struct log_file *file, int64_t wall_ns, log_file_time_fn time_of)
{
	struct stat found;
	off_t low = 0, high;

	if (fstat(file->fd, &found) < 0)
		return -errno;
	high = found.st_size;
	while (high - low > BLOCK) {
		off_t middle = low + (high - low) / 2;
		int64_t time_ns = 0;
		int r = time_behind(file, middle, time_of, &time_ns);

		if (r < 0)
			return r;
		if (time_ns && time_ns < wall_ns)
			low = middle;
		else
			high = middle;
	}
	file->at = low;
	file->cut = low > 0; /* what is left of a line is nobody's */
	return 0;
}

int log_file_read(struct log_file *file, log_file_line_fn on_line, void *context)
{
	ssize_t length = pread(file->fd, file->block, BLOCK, file->at);
	const char *line = file->block, *end, *newline;
	struct stat found;

	if (length < 0)
		return -errno;
	end = line + length;
	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		if (!file->cut)
			on_line(context, line, (size_t)(newline - line));
		file->cut = false;
		line = newline + 1;
	}
	if (length == BLOCK && line == file->block) { /* longer than a block */
		if (!file->cut)
			on_line(context, line, BLOCK);
		file->cut = true;
		line = end;
	}
	file->at += line - file->block;
	if (length == BLOCK)
		return 1;
	/* rotated, or emptied in place */
	if (stat(file->path, &found) == 0 &&
	    (found.st_ino != file->inode || found.st_dev != file->device ||
	     found.st_size < file->at))
		return -ESTALE;
	return 0;
}
