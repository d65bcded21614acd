/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/metrics_format.h"

#include <inttypes.h>

#include "base/clock.h"

#define SECONDS_TEXT_SIZE 32

/* pkg/kubelet/metrics/metrics.go of Kubernetes: the buckets of podStartDuration. */
static const uint64_t bounds_ms[METRICS_BOUNDS] = {
	500,	1000,	2000,	3000,	 4000,	  5000,	   6000,    8000,   10000,
	20000,	30000,	45000,	60000,	 120000,  180000,  240000,  300000, 360000,
	480000, 600000, 900000, 1200000, 1800000, 2700000, 3600000,
};

void metrics_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label(FILE *out, const struct metrics_label *label)
{
	fprintf(out, "%s=\"", label->name);
	for (const char *at = label->value; *at; at++)
		switch (*at) {
		case '\\':
			fputs("\\\\", out);
			break;
		case '"':
			fputs("\\\"", out);
			break;
		case '\n':
			fputs("\\n", out);
			break;
		default:
			fputc(*at, out);
		}
	fputc('"', out);
}

static void write_name(FILE *out, const char *name, const struct metrics_label *labels)
{
	fputs(name, out);
	for (const struct metrics_label *label = labels; label->name; label++) {
		fputc(label == labels ? '{' : ',', out);
		write_label(out, label);
	}
	if (labels->name)
		fputc('}', out);
}

/* "12", "0.5", "0.000000001": a double would lose the ns of a long uptime. */
static const char *seconds_text(uint64_t ns, char text[static SECONDS_TEXT_SIZE])
{
	int length = snprintf(text, SECONDS_TEXT_SIZE, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_SECOND,
			      ns % NS_PER_SECOND);

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
	return text;
}

void metrics_write_count(FILE *out, const char *name, uint64_t value,
			 const struct metrics_label *labels)
{
	write_name(out, name, labels);
	fprintf(out, " %" PRIu64 "\n", value);
}

void metrics_write_seconds(FILE *out, const char *name, uint64_t ns,
			   const struct metrics_label *labels)
{
	char text[SECONDS_TEXT_SIZE];

	write_name(out, name, labels);
	fprintf(out, " %s\n", seconds_text(ns, text));
}

void metrics_observe(struct metrics_histogram *histogram, uint64_t ns)
{
	int i = 0;

	while (i < METRICS_BOUNDS && ns > bounds_ms[i] * NS_PER_MS)
		i++;
	histogram->buckets[i]++;
	histogram->sum_ns += ns;
}

static void write_bucket(FILE *out, const char *name, struct metrics_label label, const char *le,
			 uint64_t count)
{
	fprintf(out, "%s_bucket{", name);
	if (label.name) {
		write_label(out, &label);
		fputc(',', out);
	}
	fprintf(out, "le=\"%s\"} %" PRIu64 "\n", le, count);
}

void metrics_write_histogram(FILE *out, const char *name, const struct metrics_histogram *histogram,
			     struct metrics_label label)
{
	const struct metrics_label labels[] = {label, {.name = NULL}};
	char part[128], text[SECONDS_TEXT_SIZE];
	uint64_t count = 0;

	for (int i = 0; i < METRICS_BOUNDS; i++) {
		count += histogram->buckets[i];
		write_bucket(out, name, label, seconds_text(bounds_ms[i] * NS_PER_MS, text), count);
	}
	count += histogram->buckets[METRICS_BOUNDS];
	write_bucket(out, name, label, "+Inf", count);
	snprintf(part, sizeof(part), "%s_sum", name);
	metrics_write_seconds(out, part, histogram->sum_ns, labels);
	snprintf(part, sizeof(part), "%s_count", name);
	metrics_write_count(out, part, count, labels);
}
