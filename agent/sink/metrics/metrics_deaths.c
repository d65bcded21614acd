// SPDX-License-Identifier: Apache-2.0
#include "sink/metrics/metrics_deaths.h"

#include "base/fnv.h"

#include "model/json.h"
#include "sink/metrics/metrics_format.h"

void metrics_deaths_exit(struct metrics_deaths *deaths, const struct record_exit *exit)
{
	if (exit->verdict < EXIT_VERDICT_COUNT)
		deaths->verdicts[exit->verdict]++;
	if (exit->verdict == EXIT_STOPPED && exit->stop.cause < STOP_CAUSE_COUNT)
		deaths->stops[exit->stop.cause]++;
	if (exit->failed.kind < START_FAILURE_COUNT)
		deaths->failures[exit->failed.kind]++;
}

void metrics_deaths_child(struct metrics_deaths *deaths, const struct record *record,
			  bool told_before)
{
	const struct record_child *child = &record->child;
	uint64_t key_hash = fnv_text(FNV_BEGIN, record->key) | 1;
	struct metrics_child *place = deaths->known;

	for (uint32_t i = 0; i < METRICS_CHILDREN_MAX; i++) {
		if (deaths->known[i].key_hash == key_hash) {
			place = &deaths->known[i];
			break;
		}
		if (deaths->known[i].told_ns < place->told_ns) /* a free one was told at 0 */
			place = &deaths->known[i];
	}
	if (place->key_hash != key_hash)
		*place = (struct metrics_child){.key_hash = key_hash,
						.count = told_before ? child->count : 0};
	if (child->count > place->count && child->verdict < EXIT_VERDICT_COUNT)
		deaths->children[child->verdict] += child->count - place->count;
	if (child->count > place->count)
		place->count = child->count;
	place->told_ns = record->boot_ns;
}

void metrics_deaths_write(FILE *out, const struct metrics_deaths *deaths)
{
	metrics_family(out, "nodewake_exits_total", "counter", "Containers that ended.");
	for (enum exit_verdict i = EXIT_VERDICT_NONE + 1; i < EXIT_VERDICT_COUNT; i++)
		metrics_count(out, "nodewake_exits_total", deaths->verdicts[i],
			      METRICS_LABEL("verdict", exit_verdict_name(i)));
	metrics_family(
		out, "nodewake_stops_total", "counter",
		"Containers that were stopped through the runtime, by what stood behind it.");
	for (enum stop_cause i = STOP_UNKNOWN; i < STOP_CAUSE_COUNT; i++)
		metrics_count(out, "nodewake_stops_total", deaths->stops[i],
			      METRICS_LABEL("cause", stop_cause_name(i)));
	metrics_family(out, "nodewake_failed_starts_total", "counter",
		       "Containers that ended before they did anything, by what they lacked.");
	for (enum start_failure i = FAILURE_NONE + 1; i < START_FAILURE_COUNT; i++)
		metrics_count(out, "nodewake_failed_starts_total", deaths->failures[i],
			      METRICS_LABEL("kind", start_failure_name(i)));
	metrics_family(
		out, "nodewake_child_deaths_total", "counter",
		"Children that died by a signal inside containers, by how the last one did.");
	for (enum exit_verdict i = EXIT_VERDICT_NONE + 1; i < EXIT_VERDICT_COUNT; i++)
		if (i != EXIT_COMPLETED && i != EXIT_START_FAILED && i != EXIT_LOST)
			metrics_count(out, "nodewake_child_deaths_total", deaths->children[i],
				      METRICS_LABEL("verdict", exit_verdict_name(i)));
}
