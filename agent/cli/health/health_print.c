/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/health/health_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define INDENT "                  " /* grade and check */

static const char *colour_of(enum grade grade)
{
	static const char *const colours[GRADE_COUNT] = {"\033[32m", "\033[33m", "\033[31m",
							 "\033[2m"};

	return colours[grade < GRADE_COUNT ? grade : GRADE_UNKNOWN];
}

static void print_words(FILE *out, const struct health_finding *finding)
{
	/* of a disk the text names it */
	if (strcmp(finding->check, "pod") == 0) {
		text_print_safe(out, finding->subject);
		fputs(": ", out);
	}
	text_print_safe(out, finding->text);
}

static void print_finding(FILE *out, const struct health_finding *finding, bool colour)
{
	fprintf(out, "%s%-7s%s %-10s ", colour ? colour_of(finding->grade) : "",
		grade_name(finding->grade), colour ? "\033[0m" : "", finding->check);
	print_words(out, finding);
}

void health_print_text(FILE *out, const struct health_report *report, bool colour)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct health_finding *finding = &report->findings[i];

		print_finding(out, finding, colour);
		fputc('\n', out);
		if (*finding->todo) {
			fputs(INDENT " ", out);
			text_print_safe(out, finding->todo);
			fputc('\n', out);
		}
	}
}

static json_t *text_json(const char *text)
{
	json_t *json = json_string(text); /* NULL where it is no UTF-8 */

	return json ? json : json_string("?");
}

static json_t *finding_json(const struct health_finding *finding)
{
	json_t *json = json_object();

	json_object_set_new(json, "check", json_string(finding->check));
	json_object_set_new(json, "health", json_string(grade_name(finding->grade)));
	json_object_set_new(json, "subject", text_json(finding->subject));
	json_object_set_new(json, "reason", text_json(finding->reason));
	json_object_set_new(json, "text", text_json(finding->text));
	json_object_set_new(json, "todo", text_json(finding->todo));
	return json;
}

void health_print_json(FILE *out, const struct health_report *report, uint64_t waited_ns)
{
	static const char *const words[] = {"well", "not well", "not judged"};
	json_auto_t *json = json_object();
	json_t *findings = json_array();

	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(findings, finding_json(&report->findings[i]));
	json_object_set_new(json, "health", json_string(words[health_conclude(report)]));
	json_object_set_new(json, "waited_ns", json_integer((json_int_t)waited_ns));
	json_object_set_new(json, "pods_expected", json_integer(report->pods_expected));
	json_object_set_new(json, "pods_ready", json_integer(report->pods_ready));
	json_object_set_new(json, "findings", findings);
	json_dumpf(json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
}

/* Each check once. */
static void print_checks(FILE *out, const struct health_report *report, enum grade grade)
{
	const char *separator = ": ", *last = "";

	for (size_t i = 0; i < report->count; i++) {
		const struct health_finding *finding = &report->findings[i];

		if (finding->grade != grade || finding->aside ||
		    strcmp(finding->check, last) == 0 || strcmp(finding->check, "pod") == 0)
			continue;
		last = finding->check;
		fprintf(out, "%s%s", separator, last);
		separator = ", ";
	}
}

void health_print_conclusion(FILE *out, const struct health_report *report)
{
	switch (health_conclude(report)) {
	case HEALTH_WELL:
		fputs("well", out);
		break;
	case HEALTH_NOT_WELL:
		fputs("not well", out);
		print_checks(out, report, GRADE_BAD);
		break;
	default:
		fputs("could not be judged", out);
		print_checks(out, report, GRADE_UNKNOWN);
	}
}

/* --- while it is waited ---------------------------------------------------------------------- */

static bool counts(const struct health_finding *finding)
{
	return finding->grade == GRADE_BAD || (finding->grade == GRADE_UNKNOWN && !finding->aside);
}

/* Bytes are at least as many as columns. */
static void print_cut(FILE *out, const char *line, unsigned int columns)
{
	cleanup_free char *cut = malloc(columns + 1);

	if (!cut)
		return;
	text_copy(cut, columns, line);
	fprintf(out, "%s\n", cut);
}

static void redraw_finding(FILE *out, const struct health_finding *finding, unsigned int columns)
{
	char *line = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&line, &size);

	if (!text)
		return;
	print_finding(text, finding, false);
	fclose(text);
	print_cut(out, line, columns);
	free(line);
}

void health_print_redraw(FILE *out, const struct health_report *report, uint64_t waited_ns,
			 uint64_t wait_ns, struct winsize size, unsigned int *lines)
{
	char line[160];

	if (*lines)
		fprintf(out, "\033[%uA\033[J", *lines);
	*lines = 0;
	if (!report) {
		fflush(out);
		return;
	}
	snprintf(line, sizeof(line),
		 "waiting, %" PRIu64 " s of %" PRIu64 " s: %" PRIu32 " of %" PRIu32
		 " pods are ready",
		 waited_ns / NS_PER_SECOND, wait_ns / NS_PER_SECOND, report->pods_ready,
		 report->pods_expected);
	print_cut(out, line, size.ws_col);
	*lines = 1;
	/* what has scrolled away can't be taken back */
	for (size_t i = 0; i < report->count && *lines + 1 < size.ws_row; i++)
		if (counts(&report->findings[i])) {
			redraw_finding(out, &report->findings[i], size.ws_col);
			++*lines;
		}
	fflush(out);
}

/* The same thing, in another report; NULL if it is not there. */
static const struct health_finding *find_in(const struct health_report *report,
					    const struct health_finding *like)
{
	for (size_t i = 0; report && i < report->count; i++)
		if (strcmp(report->findings[i].check, like->check) == 0 &&
		    strcmp(report->findings[i].subject, like->subject) == 0)
			return &report->findings[i];
	return NULL;
}

static bool changed(const struct health_finding *before, const struct health_finding *now)
{
	if (!before)
		return counts(now);
	/* the count of ready pods goes on; other figures change all the time */
	if (strcmp(now->check, "pods") == 0 && strcmp(before->text, now->text) != 0)
		return true;
	return counts(before) != counts(now) ||
	       (counts(now) &&
		(before->grade != now->grade || strcmp(before->reason, now->reason) != 0));
}

static void print_change(FILE *out, const struct health_finding *finding, uint64_t waited_ns)
{
	fprintf(out, "%4" PRIu64 "s ", waited_ns / NS_PER_SECOND);
	print_finding(out, finding, false);
	fputc('\n', out);
}

void health_print_changes(FILE *out, const struct health_report *before,
			  const struct health_report *now, uint64_t waited_ns)
{
	for (size_t i = 0; before && i < before->count; i++) {
		struct health_finding gone = before->findings[i];

		if (!counts(&gone) || find_in(now, &gone))
			continue;
		gone.grade = GRADE_OK;
		TEXT_COPY(gone.text,
			  strcmp(gone.check, "pod") == 0 ? "ready, or gone" : "no longer so");
		print_change(out, &gone, waited_ns);
	}
	for (size_t i = 0; i < now->count; i++)
		if (changed(find_in(before, &now->findings[i]), &now->findings[i]))
			print_change(out, &now->findings[i], waited_ns);
	fflush(out);
}
