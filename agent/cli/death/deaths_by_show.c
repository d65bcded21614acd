// SPDX-License-Identifier: Apache-2.0
/* One group of deaths as text and as JSON. */
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/death/deaths_by.h"
#include "cli/json_safe.h"
#include "model/json.h"
#include "model/sentence.h"

void deaths_by_heading(FILE *out)
{
	fprintf(out, "%6s  %-20s  %-12s  %s\n", "count", "last", "every", "growth");
}

static void growth(const struct death_group *group, char *text, size_t size)
{
	char bytes[BYTES_TEXT_SIZE];

	snprintf(text, size, "%s", group->leak ? "a leak" : "-");
	if (!group->growth_bytes_per_min)
		return;
	text_bytes(group->growth_bytes_per_min, bytes);
	snprintf(text, size, "%s/min%s", bytes, group->leak ? " leak" : "");
}

void deaths_by_text(FILE *out, const struct death_group *group)
{
	const struct record *latest = &group->latest;
	char time[WALL_TEXT_SIZE], grows[32];

	clock_wall_text((int64_t)latest->boot_ns + latest->wall_offset_ns, 0, time);
	growth(group, grows, sizeof(grows));
	fprintf(out, "%6" PRIu32 "  %-20s  %-12s  %-14s  ", group->count, time,
		group->interval_ns ? text_of_duration(group->interval_ns) : "-", grows);
	text_print_safe(out, group->name);
	fputs("\n        ", out);
	sentence_text(out, latest);
	fputc('\n', out);
}

static json_t *time_json(int64_t wall_ns)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text(wall_ns, 3, time);
	return json_string(time);
}

void deaths_by_json(FILE *out, enum group_by by, const struct death_group *group)
{
	static const char *const words[] = {[BY_POD] = "pod",
					    [BY_CONTAINER] = "container",
					    [BY_IMAGE] = "image",
					    [BY_VERDICT] = "verdict"};
	const struct record *latest = &group->latest;
	json_auto_t *json =
		json_pack("{s:s, s:o*, s:I, s:o*, s:o*, s:I, s:I, s:b, s:o*}", "by", words[by],
			  "name", json_safe_text(group->name), "count", (json_int_t)group->count,
			  "first", time_json(group->first_wall_ns), "last",
			  time_json((int64_t)latest->boot_ns + latest->wall_offset_ns),
			  "interval_ns", (json_int_t)group->interval_ns, "growth_bytes_per_min",
			  (json_int_t)group->growth_bytes_per_min, "leak", group->leak, "latest",
			  record_to_json(latest));

	if (!json)
		return;
	json_dumpf(json, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
}
