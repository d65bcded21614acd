/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "model/event_line.h"

#define BYTES_MAX (256ll << 20)

struct recording {
	FILE *file; /* NULL once it has failed or is full */
};

static int write_line(FILE *file, char *line)
{
	cleanup_free char *text = line;

	return !text || fputs(text, file) == EOF || fflush(file) == EOF ? -EIO : 0;
}

int recording_new(struct recording **ret, const char *path, const char *boot_id)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct event_line_header header = {.wall_offset_ns = clock_wall_offset_ns()};
	struct recording *recording;

	TEXT_COPY(header.boot_id, boot_id);
	if (fd < 0)
		return -errno;
	recording = calloc(1, sizeof(*recording));
	if (!recording)
		return -ENOMEM;
	recording->file = fdopen(fd, "we");
	if (!recording->file) {
		free(recording);
		return -errno;
	}
	fd = -1;
	int r = write_line(recording->file, event_line_header(&header));

	if (r < 0) {
		recording_free(recording);
		return r;
	}
	*ret = recording;
	return 0;
}

void recording_free(struct recording *recording)
{
	if (recording && recording->file)
		fclose(recording->file);
	free(recording);
}

void recording_event(struct recording *recording, const struct event *event, uint64_t seen_ns)
{
	if (!recording->file)
		return;
	if (write_line(recording->file, event_line(event, seen_ns)) == 0 &&
	    ftell(recording->file) < BYTES_MAX)
		return;
	log_warning("the recording of events ends: disk full or size limit reached");
	fclose(recording->file);
	recording->file = NULL;
}
