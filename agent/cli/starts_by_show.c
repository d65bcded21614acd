// SPDX-License-Identifier: Apache-2.0
/* One image's starts as a table and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/json_safe.h"
#include "cli/starts_by.h"
#include "model/cause.h"
#include "model/json.h"
#include "model/sentence.h"

#define OVER_TIME_MAX 24 /* columns of bars */
#define DIGEST_SHOWN  19 /* "sha256:" and twelve of it */

static const char *const class_names[STARTS_CLASS_COUNT] = {
	[STARTS_COLD] = "cold",
	[STARTS_WARM] = "warm",
};

static const struct start_sample *latest_of(const struct image_starts *starts)
{
	return &starts->samples[starts->count - 1];
}

static void latest_time(const struct image_starts *starts, char time[static WALL_TEXT_SIZE])
{
	const struct record *record = &starts->latest;

	clock_wall_text((int64_t)(record->start.span.from_ns + (uint64_t)record->wall_offset_ns), 0,
			time);
}

/* --- text ------------------------------------------------------------------------------------- */

/* The latest ones as bars, the tallest the longest. */
static void print_over_time(FILE *out, const struct image_starts *starts)
{
	static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	uint32_t first = starts->count > OVER_TIME_MAX ? starts->count - OVER_TIME_MAX : 0;
	uint64_t longest_ns = 1;

	for (uint32_t i = first; i < starts->count; i++)
		if (starts->samples[i].total_ns > longest_ns)
			longest_ns = starts->samples[i].total_ns;
	for (uint32_t i = first; i < starts->count; i++)
		fputs(bars[(int)(7.99 * (double)starts->samples[i].total_ns / (double)longest_ns)],
		      out);
}

static const char *or_dash(uint64_t ns)
{
	return ns ? text_of_duration(ns) : "-";
}

static void print_difference(FILE *out, uint64_t latest_ns, uint64_t median_ns)
{
	char text[DURATION_TEXT_SIZE + 1] = "-";

	if (latest_ns != median_ns)
		snprintf(text, sizeof(text), "%s%s", latest_ns >= median_ns ? "+" : "-",
			 text_of_duration(latest_ns >= median_ns ? latest_ns - median_ns
								 : median_ns - latest_ns));
	fprintf(out, " %11s", text);
}

static void print_times(FILE *out, const char *name, const struct start_verdict *verdict,
			const struct usual *usual, uint64_t latest_ns, const char *note)
{
	fprintf(out, "    %-10s %11s", name, or_dash(latest_ns));
	if (verdict->earlier) {
		print_difference(out, latest_ns, usual->median_ns);
		fprintf(out, " %11s", or_dash(usual->median_ns));
	}
	if (verdict->earlier > 1)
		fprintf(out, " %11s", or_dash(usual->spread_ns));
	else if (verdict->earlier && *note)
		fprintf(out, " %11s", "");
	fprintf(out, "%s%s\n", *note ? "  " : "", note);
}

static void print_class(FILE *out, enum start_class class, const struct image_starts *starts)
{
	const struct start_verdict *verdict = &starts->verdict;
	const struct start_sample *latest = latest_of(starts);
	char time[WALL_TEXT_SIZE], cause[CAUSE_SIZE];

	fprintf(out, "  %s: %" PRIu32 " start%s", class_names[class], starts->count,
		starts->count == 1 ? "" : "s");
	if (class == STARTS_COLD)
		fputs(", first after a boot", out);
	else
		fprintf(out, " in %" PRIu32 " boot%s", starts->boots,
			starts->boots == 1 ? "" : "s");
	if (verdict->reconstructed)
		fprintf(out, ", %" PRIu32 " reconstructed", verdict->reconstructed);
	if (starts->count > 1) {
		fputs("  ", out);
		print_over_time(out, starts);
	}
	fprintf(out, "\n    %-10s %11s", "", "LATEST");
	if (verdict->earlier)
		fprintf(out, " %11s %11s", "DIFFERENCE", "MEDIAN");
	fprintf(out, "%s\n", verdict->earlier > 1 ? "      SPREAD" : "");
	print_times(out, "total", verdict, &verdict->total, latest->total_ns,
		    verdict->slower ? "slower than usual" : "");
	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++)
		if (latest->phase_ns[phase] || verdict->phases[phase].median_ns)
			print_times(out, phase_name(phase), verdict, &verdict->phases[phase],
				    latest->phase_ns[phase],
				    verdict->slower && verdict->grown == phase ? "grew most" : "");
	latest_time(starts, time);
	fprintf(out, "    latest %s ", time);
	sentence_subject(out, &starts->latest);
	if (start_cause(&starts->latest.start, cause)) {
		fputs(": ", out);
		text_print_safe(out, cause);
	}
	fputc('\n', out);
}

void starts_by_text(FILE *out, const struct image_group *group)
{
	text_print_safe(out, group->image);
	if (*group->digest) {
		char digest[DIGEST_SHOWN + 1];

		TEXT_COPY(digest, group->digest);
		fputc(' ', out);
		text_print_safe(out, digest);
	}
	if (*group->container) {
		fputs("  container ", out);
		text_print_safe(out, group->container);
	}
	fputc('\n', out);
	for (enum start_class class = 0; class < STARTS_CLASS_COUNT; class ++)
		if (group->classes[class].count)
			print_class(out, class, &group->classes[class]);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *times_json(const struct usual *usual, const struct start_verdict *verdict,
			  uint64_t latest_ns)
{
	json_t *json = json_pack("{so}", "latest_ns", json_safe_number(latest_ns));

	if (verdict->earlier) {
		json_object_set_new(json, "median_ns", json_safe_number(usual->median_ns));
		json_object_set_new(json, "spread_ns", json_safe_number(usual->spread_ns));
	}
	return json;
}

static json_t *latest_json(const struct image_starts *starts)
{
	const struct subject *subject = &starts->latest.subject;
	char time[WALL_TEXT_SIZE], cause[CAUSE_SIZE];
	json_t *json;

	latest_time(starts, time);
	start_cause(&starts->latest.start, cause);
	json = json_pack("{ss ss so so so so}", "time", time, "boot_id", starts->last_boot_id,
			 "namespace", json_safe_text(subject->pod_namespace), "pod",
			 json_safe_text(subject->pod), "container",
			 json_safe_text(subject->container), "cause", json_safe_text(cause));
	return json;
}

static json_t *class_json(const struct image_starts *starts)
{
	const struct start_verdict *verdict = &starts->verdict;
	const struct start_sample *latest = latest_of(starts);
	json_t *json = json_object(), *phases = json_array(), *totals = json_array();
	uint32_t first = starts->count > OVER_TIME_MAX ? starts->count - OVER_TIME_MAX : 0;

	json_object_set_new(json, "starts", json_safe_number(starts->count));
	json_object_set_new(json, "boots", json_safe_number(starts->boots));
	json_object_set_new(json, "reconstructed", json_safe_number(verdict->reconstructed));
	json_object_set_new(json, "enough", json_boolean(verdict->enough));
	json_object_set_new(json, "slower", json_boolean(verdict->slower));
	if (verdict->grown) {
		json_object_set_new(json, "grown", json_string(phase_name(verdict->grown)));
		json_object_set_new(json, "grown_ns", json_safe_number(verdict->grown_ns));
	}
	json_object_set_new(json, "total", times_json(&verdict->total, verdict, latest->total_ns));
	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++) {
		json_t *times;

		if (!latest->phase_ns[phase] && !verdict->phases[phase].median_ns)
			continue;
		times = times_json(&verdict->phases[phase], verdict, latest->phase_ns[phase]);
		json_object_set_new(times, "phase", json_string(phase_name(phase)));
		json_array_append_new(phases, times);
	}
	json_object_set_new(json, "phases", phases);
	for (uint32_t i = first; i < starts->count; i++)
		json_array_append_new(totals, json_safe_number(starts->samples[i].total_ns));
	json_object_set_new(json, "last_totals_ns", totals);
	json_object_set_new(json, "latest", latest_json(starts));
	return json;
}

void starts_by_json(FILE *out, const struct image_group *group)
{
	json_auto_t *json = json_pack("{so so so}", "image", json_safe_text(group->image), "digest",
				      json_safe_text(group->digest), "container",
				      json_safe_text(group->container));

	for (enum start_class class = 0; class < STARTS_CLASS_COUNT; class ++)
		if (group->classes[class].count)
			json_object_set_new(json, class_names[class],
					    class_json(&group->classes[class]));
	json_dumpf(json, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
}
