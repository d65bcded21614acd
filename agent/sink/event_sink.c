/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/event_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/json.h"

#define BYTES_MAX (256ll << 20)

struct event_sink {
	FILE *file; /* NULL once it has failed or is full */
};

static int write_line(FILE *file, json_t *json)
{
	int r = json ? json_dumpf(json, file, JSON_COMPACT) : -1;

	json_decref(json);
	return r < 0 || fputc('\n', file) == EOF || fflush(file) == EOF ? -EIO : 0;
}

int event_sink_new(struct event_sink **ret, const char *path, const char *boot_id)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct event_sink *sink;

	if (fd < 0)
		return -errno;
	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	sink->file = fdopen(fd, "we");
	if (!sink->file) {
		free(sink);
		return -errno;
	}
	fd = -1;
	int r = write_line(sink->file, json_pack("{s:s, s:i, s:s, s:I}", "nodewake", "events",
						 "version", 1, "boot_id", boot_id, "wall_offset_ns",
						 (json_int_t)clock_wall_offset_ns()));
	if (r < 0) {
		event_sink_free(sink);
		return r;
	}
	*ret = sink;
	return 0;
}

void event_sink_free(struct event_sink *sink)
{
	if (sink && sink->file)
		fclose(sink->file);
	free(sink);
}

void event_sink_event(struct event_sink *sink, const struct event *event, uint64_t seen_ns)
{
	if (!sink->file)
		return;
	json_t *json = event_to_json(event);

	json_object_set_new(json, "seen_ns", json_integer((json_int_t)seen_ns));
	if (write_line(sink->file, json) == 0 && ftell(sink->file) < BYTES_MAX)
		return;
	log_warning("the recording of events ends: disk full or size limit reached");
	fclose(sink->file);
	sink->file = NULL;
}
