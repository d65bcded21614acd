/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text format 0.0.4: families, samples, histograms. metrics.c and metrics_figures.c write with
 * it; it knows no metric by name. Times go in as ns and out as seconds, exactly.
 *
 *	metrics_family(out, "nodewake_exits_total", "counter", "Containers that ended.");
 *	metrics_count(out, "nodewake_exits_total", 3, METRICS_LABEL("verdict", "error"));
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct metrics_label {
	const char *name; /* NULL ends the list */
	const char *value;
};

#define METRICS_LABEL(name_, value_) ((struct metrics_label){(name_), (value_)})
#define METRICS_LABELS(...) \
	((const struct metrics_label[]){__VA_ARGS__ __VA_OPT__(, ){.name = NULL}})

/* HELP and TYPE: counter, gauge or histogram. */
void metrics_family(FILE *out, const char *name, const char *type, const char *help);

void metrics_write_count(FILE *out, const char *name, uint64_t value,
			 const struct metrics_label *labels);
void metrics_write_seconds(FILE *out, const char *name, uint64_t ns,
			   const struct metrics_label *labels);
#define metrics_count(out, name, value, ...) \
	metrics_write_count(out, name, value, METRICS_LABELS(__VA_ARGS__))
#define metrics_seconds(out, name, ns, ...) \
	metrics_write_seconds(out, name, ns, METRICS_LABELS(__VA_ARGS__))

#define METRICS_BOUNDS 25

/* Starts as zeroes. The bounds are those of kubelet_pod_start_duration_seconds: one query compares both. */
struct metrics_histogram {
	uint64_t buckets[METRICS_BOUNDS + 1]; /* each alone; the last is above all bounds */
	uint64_t sum_ns;
};

void metrics_observe(struct metrics_histogram *histogram, uint64_t ns);

/* The samples of one histogram; `label` is none (name NULL) or one beside le. */
void metrics_write_histogram(FILE *out, const char *name, const struct metrics_histogram *histogram,
			     struct metrics_label label);
