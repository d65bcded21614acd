/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/json.h"

#define BYTES_MAX (256ll << 20)

struct recording {
	FILE *file; /* NULL once it has failed or is full */
};

static int write_line(FILE *file, json_t *json)
{
	int r = json ? json_dumpf(json, file, JSON_COMPACT) : -1;

	json_decref(json);
	return r < 0 || fputc('\n', file) == EOF || fflush(file) == EOF ? -EIO : 0;
}

int recording_new(struct recording **ret, const char *path, const char *boot_id)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct recording *recording;

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
	int r = write_line(recording->file,
			   json_pack("{s:s, s:i, s:s, s:I}", "nodewake", "events", "version", 1,
				     "boot_id", boot_id, "wall_offset_ns",
				     (json_int_t)clock_wall_offset_ns()));
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
	json_t *json = event_to_json(event);

	json_object_set_new(json, "seen_ns", json_integer((json_int_t)seen_ns));
	if (write_line(recording->file, json) == 0 && ftell(recording->file) < BYTES_MAX)
		return;
	log_warning("the recording of events ends: disk full or size limit reached");
	fclose(recording->file);
	recording->file = NULL;
}
