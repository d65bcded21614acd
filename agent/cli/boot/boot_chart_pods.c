// SPDX-License-Identifier: Apache-2.0
/* The pods of a chart: what belongs to one pod stands together, pods in the order of their begin. */
#include <stdlib.h>
#include <string.h>

#include "cli/boot/boot_chart.h"
#include "cli/chart/chart_making.h"
#include "model/json.h"
#include "model/sentence.h"

static bool overlaps(struct span one, struct span other)
{
	return one.from_ns < other.to_ns && other.from_ns < one.to_ns;
}

/* Is this what a step of the critical path tells of? */
static bool phase_critical(const struct record_boot *boot, const struct subject *subject,
			   const struct phase_span *phase)
{
	char pod[POD_PATH_SIZE];

	/* as the tracker cuts it */
	snprintf(pod, sizeof(pod), "%.63s/%.95s", subject->pod_namespace, subject->pod);
	for (uint32_t i = 0; i < boot->step_count && i < BOOT_STEPS_MAX; i++) {
		const struct boot_step *step = &boot->steps[i];

		if ((step->kind == BOOT_STEP_POD || step->kind == BOOT_STEP_PEER) &&
		    strcmp(step->pod, pod) == 0 &&
		    (!*step->name || strcmp(step->name, subject->container) == 0) &&
		    (step->kind == BOOT_STEP_PEER || step->phase == phase->phase) &&
		    overlaps(step->span, phase->span))
			return true;
	}
	return false;
}

static char *subject_label(struct chart_making *making, const struct record *record,
			   const char *what)
{
	struct chart_text text;

	if (!chart_text_begin(making, &text))
		return NULL;
	sentence_subject(text.out, record);
	fputs(what, text.out);
	return chart_text_done(making, &text);
}

/* The row of an earlier start of the same container, if this one comes after it. */
static struct chart_row *row_before(struct chart_making *making, const char *label,
				    uint64_t from_ns)
{
	for (size_t i = making->chart->count; i > 0; i--) {
		struct chart_row *row = &making->chart->rows[i - 1];

		if (row->group == CHART_PODS && row->label && strcmp(row->label, label) == 0)
			return row->count && row->bars[row->count - 1].to_ns > from_ns ? NULL : row;
	}
	return NULL;
}

static void add_start(struct chart_making *making, const struct boot_report *report,
		      const struct record *record)
{
	const struct record_start *start = &record->start;
	char *label = subject_label(making, record, "");
	struct chart_row *row =
		label ? row_before(making, label, boot_report_offset(report, start->span.from_ns))
		      : NULL;

	if (row)
		free(label);
	else
		row = chart_add_row(making, CHART_PODS, label, chart_sentence(making, record));
	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		const struct phase_span *phase = &start->phases[i];
		struct chart_bar bar = {
			.style = phase->phase < PHASE_COUNT ? phase_name(phase->phase) : "idle",
			.reconstructed = phase->reconstructed,
			.critical = phase_critical(&report->record.boot, &record->subject, phase),
		};

		chart_place(making, phase->span, &bar);
		bar.title = chart_title(making, phase_name(phase->phase), &bar, "");
		chart_add_bar(making, row, bar);
	}
}

static void add_wait(struct chart_making *making, const struct record *record)
{
	struct chart_bar bar = {.style = "waiting"};

	chart_place(making, record->wait.span, &bar);
	bar.title = chart_title(making, record->wait.reason, &bar, record->wait.message);
	chart_add_bar(making,
		      chart_add_row(making, CHART_PODS, subject_label(making, record, " waits"),
				    chart_sentence(making, record)),
		      bar);
}

static bool same_pod(const struct record *one, const struct record *other)
{
	return strcmp(one->subject.pod_namespace, other->subject.pod_namespace) == 0 &&
	       strcmp(one->subject.pod, other->subject.pod) == 0 &&
	       (*one->subject.pod ||
		strcmp(one->subject.container_id, other->subject.container_id) == 0);
}

/* A pod's own start has the phases of the container that was ready last: shown where that is not known. */
static bool is_shown(const struct boot_records *starts, const struct record *record)
{
	if (*record->subject.container || !*record->subject.pod)
		return true;
	for (size_t i = 0; i < starts->count; i++)
		if (*starts->all[i].subject.container && same_pod(&starts->all[i], record))
			return false;
	return true;
}

static bool seen_before(const struct boot_records *records, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_pod(&records->all[i], &records->all[index]))
			return true;
	return false;
}

static bool has_start(const struct boot_records *starts, const struct record *record)
{
	for (size_t i = 0; i < starts->count; i++)
		if (same_pod(&starts->all[i], record))
			return true;
	return false;
}

void boot_chart_add_pods(struct chart_making *making, const struct boot_report *report)
{
	const struct boot_records *starts = &report->starts;
	const struct boot_records *waits = &report->waits;

	for (size_t i = 0; i < starts->count; i++) {
		const struct record *first = &starts->all[i];

		if (seen_before(starts, i))
			continue;
		for (size_t j = i; j < starts->count; j++)
			if (same_pod(&starts->all[j], first) && is_shown(starts, &starts->all[j]))
				add_start(making, report, &starts->all[j]);
		for (size_t j = 0; j < waits->count; j++)
			if (same_pod(&waits->all[j], first))
				add_wait(making, &waits->all[j]);
	}
	for (size_t i = 0; i < waits->count; i++)
		if (!has_start(starts, &waits->all[i]))
			add_wait(making, &waits->all[i]);
	chart_leave_out(making, CHART_PODS, starts->left_out + waits->left_out);
}
