// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/explain_chart.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/sentence.h"

static const struct chart_legend legend[] = {
	{"sandbox", "sandbox"},
	{"init", "init"},
	{"pull", "pull"},
	{"unpack", "unpack"},
	{"create", "create"},
	{"runtime", "runtime"},
	{"app", "app"},
	{"probe", "probe"},
	{"wait", "wait"},
	{"waiting", "Kubernetes waits"},
	{"stall-cpu", "cpu"},
	{"stall-run-queue", "run queue"},
	{"stall-throttled", "throttled"},
	{"stall-disk", "disk"},
	{"stall-network", "network"},
	{"stall-lock", "lock"},
	{"stall-sleep", "sleep"},
	{"stall-other", "other"},
	{"reconstructed", "reconstructed"},
	{NULL, NULL},
};

/* Starts of one boot that overlap, one after another. */
struct wave {
	uint32_t boot;
	uint64_t from_ns, to_ns;
	int64_t wall_ns; /* of its begin */
};

struct shown {
	const struct record *record;
	uint32_t boot;
};

/* Of a pod's own starts the last one only, as of containers. */
static bool is_shown(const struct dossier *dossier, size_t index)
{
	if (!dossier_is_pod_start(&dossier->records[index]))
		return dossier_is_latest_start(dossier, index);
	for (size_t i = index + 1; i < dossier->count; i++)
		if (dossier_is_pod_start(&dossier->records[i]))
			return false;
	return true;
}

/* By boot, then by begin; of those that begin together the pod's own first. */
static int compare(const void *one, const void *other)
{
	const struct shown *a = one, *b = other;
	uint64_t from = a->record->start.span.from_ns, to = b->record->start.span.from_ns;

	if (a->boot != b->boot)
		return a->boot > b->boot ? -1 : 1; /* numbers count back from the latest */
	if (from != to)
		return from < to ? -1 : 1;
	return dossier_is_pod_start(b->record) - dossier_is_pod_start(a->record);
}

static size_t collect(const struct dossier *dossier, struct shown *shown)
{
	size_t count = 0;

	for (size_t i = 0; i < dossier->count; i++)
		if (is_shown(dossier, i))
			shown[count++] = (struct shown){
				.record = &dossier->records[i],
				.boot = dossier->boots[i],
			};
	qsort(shown, count, sizeof(*shown), compare);
	return count;
}

/* How many of these, from the first, are one wave. */
static size_t wave_of(const struct shown *shown, size_t count, struct wave *ret)
{
	size_t i;

	*ret = (struct wave){
		.boot = shown[0].boot,
		.from_ns = shown[0].record->start.span.from_ns,
		.wall_ns = (int64_t)((uint64_t)shown[0].record->wall_offset_ns +
				     shown[0].record->start.span.from_ns),
	};
	ret->to_ns = ret->from_ns;
	for (i = 0; i < count; i++) {
		struct span span = shown[i].record->start.span;

		if (i && (shown[i].boot != ret->boot || span.from_ns > ret->to_ns))
			break;
		if (span.to_ns > ret->to_ns)
			ret->to_ns = span.to_ns;
	}
	return i;
}

/* "app, started 2026-11-23T06:00:26Z, 4.00s, restart 2" */
static char *title_of(struct chart_making *making, const struct record *record)
{
	char time[WALL_TEXT_SIZE];
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	clock_wall_text((int64_t)(record->start.span.from_ns + (uint64_t)record->wall_offset_ns), 0,
			time);
	if (dossier_is_pod_start(record)) {
		fprintf(text.out, "Pod, created %s, Ready after %s", time,
			text_of_duration(record_duration_ns(record)));
		return chart_text_done(making, &text);
	}
	text_print_safe(text.out,
			*record->subject.container ? record->subject.container : "container");
	fprintf(text.out, ", started %s, %s", time, text_of_duration(record_duration_ns(record)));
	if (record->subject.attempt)
		fprintf(text.out, ", restart %" PRIu32, record->subject.attempt);
	if (record->start.init_container)
		fputs(", init container", text.out);
	return chart_text_done(making, &text);
}

/* What Kubernetes said meanwhile, cut to the wave. */
static void add_waits(struct chart_making *making, const struct dossier *dossier,
		      const struct wave *wave)
{
	bool headed = false;
	size_t group = 0;

	for (size_t i = 0; i < dossier->count; i++) {
		const struct record *record = &dossier->records[i];
		struct span span = record->wait.span;
		struct chart_bar bar = {.style = "waiting"};

		if (record->type != RECORD_WAIT || dossier->boots[i] != wave->boot ||
		    span.from_ns >= wave->to_ns || (span.to_ns && span.to_ns <= wave->from_ns))
			continue;
		if (!headed)
			group = chart_add_group(making,
						chart_safe(making, "Waits, says Kubernetes"));
		headed = true;
		if (span.from_ns < wave->from_ns)
			span.from_ns = wave->from_ns;
		if (!span.to_ns || span.to_ns > wave->to_ns)
			span.to_ns = wave->to_ns;
		chart_place(making, span, &bar);
		bar.title = chart_title(making, record->wait.reason, &bar, "");
		chart_add_bar(making,
			      chart_add_row(making, group, chart_safe(making, record->wait.reason),
					    chart_sentence(making, record)),
			      bar);
	}
}

static void add_wave(struct chart_making *making, const struct dossier *dossier,
		     const struct wave *wave, const struct shown *shown, size_t count)
{
	making->origin_ns = wave->from_ns;
	if (making->before_ns + wave->to_ns - wave->from_ns > making->chart->total_ns)
		making->chart->total_ns = making->before_ns + wave->to_ns - wave->from_ns;
	for (size_t i = 0; i < count; i++) {
		size_t group = chart_add_group(making, title_of(making, shown[i].record));

		explain_chart_add_start(making, group, shown[i].record);
	}
	add_waits(making, dossier, wave);
}

int explain_chart_make(struct chart *ret, const struct dossier *dossier, bool aligned)
{
	cleanup_free struct shown *shown = calloc(dossier->count + 1, sizeof(*shown));
	struct chart chart = {.what = "the pod", .legend = legend};
	struct chart_making making = {.chart = &chart, .error = shown ? 0 : -ENOMEM};
	int64_t first_ns = 0;
	size_t count = shown ? collect(dossier, shown) : 0;

	for (size_t i = 0, waves = 0; i < count; waves++) {
		struct wave wave;
		size_t size = wave_of(shown + i, count - i, &wave);

		if (!waves)
			first_ns = wave.wall_ns;
		if (!aligned && wave.wall_ns > first_ns)
			making.before_ns = (uint64_t)(wave.wall_ns - first_ns);
		add_wave(&making, dossier, &wave, shown + i, size);
		i += size;
	}
	if (making.error < 0 || !count) {
		chart_done(&chart);
		return making.error ?: -ENODATA;
	}
	*ret = chart;
	return 0;
}
