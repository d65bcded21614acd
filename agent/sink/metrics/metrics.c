/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"
#include "sink/metrics/metrics_boot.h"
#include "sink/metrics/metrics_deaths.h"
#include "sink/metrics/metrics_format.h"
#include "sink/metrics/metrics_loops.h"
#include "sink/metrics/metrics_words.h"

enum victim { VICTIM_INIT, VICTIM_CHILD, VICTIM_HOST, VICTIM_COUNT };

static const char *const victim_names[VICTIM_COUNT] = {
	[VICTIM_INIT] = "init",
	[VICTIM_CHILD] = "child",
	[VICTIM_HOST] = "host",
};

/* With a series from the start: a counter that is born with 1 has no increase. */
static const char *const known_waits[] = {
	"CrashLoopBackOff",
	"ErrImagePull",
	"ImagePullBackOff",
	"CreateContainerError",
	"FailedMount",
	"FailedScheduling",
	"CreateContainerConfigError",
	"FailedCreatePodSandBox",
};

/* The last place of each is "other". */
#define PLACES (METRICS_WORDS_MAX + 1)

struct metrics {
	struct metrics_histogram phases[PHASE_COUNT], starts, pod_starts, pulls;
	uint64_t stall_ns[2][STALL_COUNT]; /* of app, of probe */
	uint64_t states[START_STATE_COUNT];
	uint64_t ooms[SCOPE_COUNT][VICTIM_COUNT];
	uint64_t pulls_ok, pulls_failed, pull_bytes;
	struct metrics_words causes, reasons;
	uint64_t gaps[PLACES][SOURCE_KIND_COUNT], waits[PLACES];
	uint64_t records[RECORD_TYPE_COUNT];
	struct metrics_deaths deaths;
	struct metrics_loops loops;
	struct metrics_boot boot;
};

int metrics_new(struct metrics **ret)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(known_waits) / sizeof(*known_waits); i++)
		metrics_words_place(&metrics->reasons, known_waits[i]);
	*ret = metrics;
	return 0;
}

void metrics_free(struct metrics *metrics)
{
	free(metrics);
}

static uint64_t length_of(struct span span)
{
	return span.to_ns > span.from_ns ? span.to_ns - span.from_ns : 0;
}

/*
 * A pod's start and its containers' tell of the same time: what was before all containers is observed with
 * the pod's, once, and the rest with theirs.
 */
static bool own_phase(const struct record *record, enum phase phase)
{
	bool of_pod = !*record->subject.container;

	return of_pod == (phase == PHASE_SCHEDULE || phase == PHASE_ADMIT);
}

/* A phase that comes twice in a start (wait) is one observation: its time in this start. */
static void observe_phases(struct metrics *metrics, const struct record *record)
{
	const struct record_start *start = &record->start;
	uint64_t sums[PHASE_COUNT] = {0};
	bool seen[PHASE_COUNT] = {false};

	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		enum phase phase = start->phases[i].phase;

		if (phase <= PHASE_NONE || phase >= PHASE_COUNT || !own_phase(record, phase))
			continue;
		sums[phase] += length_of(start->phases[i].span);
		seen[phase] = true;
	}
	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++)
		if (seen[phase])
			metrics_observe(&metrics->phases[phase], sums[phase]);
}

/* A pod's own start repeats one of its containers'. */
static void count_stalls(struct metrics *metrics, const struct record *record)
{
	const struct start_why *why = &record->start.why;

	for (uint32_t i = 0; i < why->stall_count && i < START_STALLS_MAX; i++)
		for (int stall = 0; *record->subject.container && stall < STALL_COUNT; stall++)
			metrics->stall_ns[why->stalls[i].phase == PHASE_PROBE][stall] +=
				why->stalls[i].wall.ns[stall];
}

static void count_start(struct metrics *metrics, const struct record *record)
{
	bool of_pod = !*record->subject.container;

	if (record->start.state < START_STATE_COUNT)
		metrics->states[record->start.state]++;
	if (record_reconstructed(record))
		return;
	metrics_observe(of_pod ? &metrics->pod_starts : &metrics->starts,
			record_duration_ns(record));
	observe_phases(metrics, record);
	count_stalls(metrics, record);
}

/* One kill: where all of a cgroup die together, its init is among them or is not. */
static void count_oom(struct metrics *metrics, const struct record *record)
{
	const struct record_oom *oom = &record->oom;
	enum victim victim = *record->subject.container_id ? VICTIM_CHILD : VICTIM_HOST;

	for (uint32_t i = 0; i < oom->victim_count && i < OOM_VICTIMS_MAX; i++)
		if (victim == VICTIM_CHILD && oom->victims[i].init)
			victim = VICTIM_INIT;
	if (oom->scope < SCOPE_COUNT)
		metrics->ooms[oom->scope][victim]++;
}

/*
 * How long a pull that failed took says nothing of the registry's speed. A quick pull is over before it is
 * seen in progress, and begins with its manifest's timestamp: without those, the slow would be all.
 */
static void count_pull(struct metrics *metrics, const struct record *record)
{
	metrics->pull_bytes += record->pull.bytes;
	if (record->pull.failed) {
		metrics->pulls_failed++;
		return;
	}
	metrics->pulls_ok++;
	/* it may have found the image there */
	if (pull_was_logged(&record->pull))
		return;
	metrics_observe(&metrics->pulls, record_duration_ns(record));
}

static void count_gap(struct metrics *metrics, const struct record *record)
{
	uint32_t place = metrics_words_place(&metrics->causes, record->gap.cause);
	enum source_kind source = SOURCE_KIND_COUNT - 1;

	while (source > SOURCE_NONE && strcmp(source_kind_name(source), record->gap.source) != 0)
		source--;
	metrics->gaps[place][source]++;
}

static void count(struct metrics *metrics, const struct record *record)
{
	metrics->records[record->type]++;
	switch (record->type) {
	case RECORD_START:
		count_start(metrics, record);
		break;
	case RECORD_OOM:
		count_oom(metrics, record);
		break;
	case RECORD_EXIT:
		metrics_deaths_exit(&metrics->deaths, &record->exit);
		break;
	case RECORD_PULL:
		count_pull(metrics, record);
		break;
	case RECORD_GAP:
		count_gap(metrics, record);
		break;
	case RECORD_WAIT:
		metrics->waits[metrics_words_place(&metrics->reasons, record->wait.reason)]++;
		break;
	default:
		break;
	}
}

/* The one place that says when. */
static bool counts(const struct record *record, enum record_known before)
{
	if (record->type == RECORD_WAIT)
		return before == RECORD_UNKNOWN;
	return record->final && before != RECORD_KNOWN_FINAL;
}

void metrics_earlier(struct metrics *metrics, const struct boot_history *earlier)
{
	metrics->boot.earlier = *earlier;
}

void metrics_record(struct metrics *metrics, const struct record *record, enum record_known before)
{
	if (record->type <= RECORD_NONE || record->type >= RECORD_TYPE_COUNT)
		return;
	/* a later form may know for the first time that it loops */
	if (record->type == RECORD_EXIT)
		metrics_loops_exit(&metrics->loops, record);
	if (record->type == RECORD_BOOT)
		metrics->boot.boot = record->boot;
	if (record->type == RECORD_CHILD)
		metrics_deaths_child(&metrics->deaths, record, before != RECORD_UNKNOWN);
	if (counts(record, before))
		count(metrics, record);
}

/* --- the text --------------------------------------------------------------------------------- */

/* Labels have no blanks. */
static const char *kind_of(enum stall stall)
{
	return stall == STALL_RUN_QUEUE ? "run-queue" : stall_name(stall);
}

static void write_stalls(FILE *out, const struct metrics *metrics)
{
	metrics_family(out, "nodewake_start_stall_seconds_total", "counter",
		       "What programs did or waited for while they started; sums to the phase.");
	for (int probe = 0; probe < 2; probe++)
		for (enum stall stall = 0; stall < STALL_COUNT; stall++)
			metrics_seconds(
				out, "nodewake_start_stall_seconds_total",
				metrics->stall_ns[probe][stall],
				METRICS_LABEL("phase", phase_name(probe ? PHASE_PROBE : PHASE_APP)),
				METRICS_LABEL("kind", kind_of(stall)));
}

static void write_durations(FILE *out, const struct metrics *metrics)
{
	metrics_family(out, "nodewake_start_phase_duration_seconds", "histogram",
		       "Time of one phase of a start.");
	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++)
		metrics_write_histogram(out, "nodewake_start_phase_duration_seconds",
					&metrics->phases[phase],
					METRICS_LABEL("phase", phase_name(phase)));
	metrics_family(out, "nodewake_start_duration_seconds", "histogram",
		       "Time of a container's start, from its first sign to its first listen.");
	metrics_write_histogram(out, "nodewake_start_duration_seconds", &metrics->starts,
				METRICS_LABEL(NULL, NULL));
	metrics_family(out, "nodewake_pod_start_duration_seconds", "histogram",
		       "Time of a pod's start, from created to Ready.");
	metrics_write_histogram(out, "nodewake_pod_start_duration_seconds", &metrics->pod_starts,
				METRICS_LABEL(NULL, NULL));
	metrics_family(out, "nodewake_pull_duration_seconds", "histogram",
		       "Time of an image pull that succeeded.");
	metrics_write_histogram(out, "nodewake_pull_duration_seconds", &metrics->pulls,
				METRICS_LABEL(NULL, NULL));
}

static void write_ends(FILE *out, const struct metrics *metrics)
{
	metrics_family(out, "nodewake_starts_total", "counter",
		       "Starts of containers and, in state ready, of pods.");
	for (enum start_state i = START_STATE_NONE + 1; i < START_STATE_COUNT; i++)
		metrics_count(out, "nodewake_starts_total", metrics->states[i],
			      METRICS_LABEL("state", start_state_name(i)));
	metrics_deaths_write(out, &metrics->deaths);
	metrics_family(out, "nodewake_oom_kills_total", "counter",
		       "Kills for want of memory, by whose limit was hit and who was killed.");
	for (enum limit_scope i = SCOPE_NONE; i < SCOPE_COUNT; i++)
		for (enum victim j = 0; j < VICTIM_COUNT; j++)
			metrics_count(out, "nodewake_oom_kills_total", metrics->ooms[i][j],
				      METRICS_LABEL("scope", limit_scope_name(i)),
				      METRICS_LABEL("victim", victim_names[j]));
}

static void write_pulls(FILE *out, const struct metrics *metrics)
{
	metrics_family(out, "nodewake_pulls_total", "counter", "Image pulls.");
	metrics_count(out, "nodewake_pulls_total", metrics->pulls_ok,
		      METRICS_LABEL("result", "ok"));
	metrics_count(out, "nodewake_pulls_total", metrics->pulls_failed,
		      METRICS_LABEL("result", "failed"));
	metrics_family(out, "nodewake_pull_bytes_total", "counter",
		       "Bytes downloaded for images, compressed.");
	metrics_count(out, "nodewake_pull_bytes_total", metrics->pull_bytes);
}

/* Causes are no enum: "other" stands there from the start, the rest as it comes. */
static void write_gaps(FILE *out, const struct metrics *metrics)
{
	metrics_family(out, "nodewake_gaps_total", "counter",
		       "Stretches in which something may have been missed.");
	for (uint32_t place = 0; place < PLACES; place++)
		for (enum source_kind source = SOURCE_NONE; source < SOURCE_KIND_COUNT; source++)
			if (metrics->gaps[place][source] ||
			    (place == METRICS_WORDS_MAX && source != SOURCE_NONE))
				metrics_count(
					out, "nodewake_gaps_total", metrics->gaps[place][source],
					METRICS_LABEL("source", source_kind_name(source)),
					METRICS_LABEL("cause",
						      metrics_words_text(&metrics->causes, place)));
}

static void write_rest(FILE *out, const struct metrics *metrics, uint64_t now_ns)
{
	metrics_family(out, "nodewake_records_total", "counter", "Answers given, by their kind.");
	for (enum record_type i = RECORD_NONE + 1; i < RECORD_TYPE_COUNT; i++)
		metrics_count(out, "nodewake_records_total", metrics->records[i],
			      METRICS_LABEL("type", record_type_name(i)));
	metrics_family(out, "nodewake_waits_total", "counter",
		       "Waits of pods and containers that began, by Kubernetes' reason.");
	for (uint32_t place = 0; place < PLACES; place++)
		if (place < metrics->reasons.used || place == METRICS_WORDS_MAX)
			metrics_count(out, "nodewake_waits_total", metrics->waits[place],
				      METRICS_LABEL("reason",
						    metrics_words_text(&metrics->reasons, place)));
	metrics_family(out, "nodewake_crash_loops", "gauge",
		       "Containers that died in a loop, the last time within 30 minutes.");
	metrics_count(out, "nodewake_crash_loops", metrics_loops_count(&metrics->loops, now_ns));
}

int metrics_render(const struct metrics *metrics, const struct metrics_figures *figures,
		   uint64_t now_ns, char **ret_text, size_t *ret_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	metrics_family(out, "nodewake_build_info", "gauge", "The agent's version.");
	metrics_count(out, "nodewake_build_info", 1, METRICS_LABEL("version", NODEWAKE_VERSION));
	write_durations(out, metrics);
	write_stalls(out, metrics);
	write_ends(out, metrics);
	write_pulls(out, metrics);
	write_gaps(out, metrics);
	write_rest(out, metrics, now_ns);
	metrics_boot_write(out, &metrics->boot);
	metrics_figures_write(out, figures);
	if (fclose(out) == EOF) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}
