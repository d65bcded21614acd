/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a recording, through the tracker. */
#include "fuzz/target.h"

#include <string.h>

#include "model/json.h"
#include "track/tracker.h"

static void on_record(void *context, const struct record *record)
{
	(void)context;
	json_decref(record_to_json(record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tracker_settings settings = {.containers_max = 64};
	const char *line = (const char *)data, *end = line + size;
	struct tracker *tracker;

	if (tracker_new(&tracker, &settings, on_record, NULL) < 0)
		return 0;
	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		json_t *json = json_loadb(line, (size_t)((stop ? stop : end) - line), 0, NULL);
		struct event event;

		if (json && event_from_json(json, &event) == 0) {
			tracker_event(tracker, &event, event.boot_ns);
			tracker_tick(tracker, event.boot_ns);
		}
		json_decref(json);
		line = (stop ? stop : end) + 1;
	}
	tracker_flush(tracker, UINT64_C(1) << 50);
	tracker_free(tracker);
	return 0;
}
