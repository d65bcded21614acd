/* SPDX-License-Identifier: Apache-2.0 */
/* replay: recorded events through the tracker again; the records it makes, as they would have been. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "model/sentence.h"
#include "cli/verbs.h"
#include "model/event_line.h"
#include "model/json.h"
#include "track/tracker.h"

struct replaying {
	bool json, all, colour;
	int64_t wall_offset_ns;
};

static void on_record(void *context, const struct record *from_tracker)
{
	struct replaying *replaying = context;
	struct record record = *from_tracker;

	if (!record.final && !replaying->all)
		return;
	record.wall_offset_ns = replaying->wall_offset_ns;
	if (!replaying->json) {
		sentence_line(stdout, &record, replaying->colour);
		return;
	}
	json_t *json = record_to_json(&record);

	json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}

static int read_header(FILE *file, struct replaying *replaying)
{
	cleanup_free char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, file);
	struct event_line_header header;
	int r = length > 0 ? event_line_read_header(line, (size_t)length, &header) : -EBADMSG;

	if (r == 0)
		replaying->wall_offset_ns = header.wall_offset_ns;
	return r;
}

static int replay(FILE *file, struct tracker *tracker)
{
	cleanup_free char *line = NULL;
	size_t room = 0, number = 1;
	uint64_t now_ns = 0, seen_ns;
	struct event event;
	ssize_t length;

	while ((length = getline(&line, &room, file)) > 0) {
		number++;
		if (event_line_read(line, (size_t)length, &event, &seen_ns) < 0) {
			fprintf(stderr, "nodewake replay: line %zu is no event\n", number);
			return -EBADMSG;
		}
		tracker_replay(tracker, &event, seen_ns);
		if (seen_ns > now_ns)
			now_ns = seen_ns;
	}
	tracker_flush(tracker, now_ns);
	return 0;
}

int cli_replay(int argc, char **argv)
{
	struct replaying replaying = {.colour = sentence_colour(stdout)};
	struct tracker_settings settings = {0};
	struct tracker *tracker;
	struct options options;
	int r = options_read(
		&options, OPTION_OUTPUT | OPTION_ALL, "replay FILE [OPTION ...]",
		"FILE was written by nodewake run --record-events; - is standard input.", argc,
		argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	if (!options.word) {
		fprintf(stderr, "nodewake replay: which file? See nodewake replay --help\n");
		return CLI_USAGE;
	}
	cleanup_fclose FILE *file =
		strcmp(options.word, "-") == 0 ? fdopen(dup(0), "re") : fopen(options.word, "re");
	if (!file) {
		fprintf(stderr, "nodewake replay: %s: %s\n", options.word, strerror(errno));
		return CLI_FAILED;
	}
	replaying.json = options.json;
	replaying.all = options.all;
	if (read_header(file, &replaying) < 0) {
		fprintf(stderr,
			"nodewake replay: %s is no recording of nodewake run --record-events\n",
			options.word);
		return CLI_FAILED;
	}
	if (tracker_new(&tracker, &settings, on_record, &replaying) < 0)
		return CLI_FAILED;
	r = replay(file, tracker);
	tracker_free(tracker);
	return r < 0 ? CLI_FAILED : CLI_OK;
}
