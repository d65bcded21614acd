/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and histograms made of records, and all of /metrics as one text.
 *
 * metrics_sink.c owns one and feeds it. It reads no clock and does no I/O. Labels are enums, or words of a
 * bounded table: no name of a pod or an image is ever one. docs/metrics.md is the list for people.
 */
#pragma once

#include <stddef.h>

#include "model/boot_history.h"
#include "model/record.h"
#include "sink/metrics/metrics_figures.h"

struct metrics;

/* Returns 0 or -ENOMEM. */
int metrics_new(struct metrics **ret);
void metrics_free(struct metrics *metrics);

/* What boots before this one took. */
void metrics_earlier(struct metrics *metrics, const struct boot_history *earlier);

/*
 * before: which form of this record was known until now, in this run of the agent or an earlier one. Each (type,
 * key) counts once: when it is final, but a wait when it begins, since it may have no end. What an
 * earlier run has counted is not counted again. Gauges take every form; a boot's record is this boot's.
 */
void metrics_record(struct metrics *metrics, const struct record *record, enum record_known before);

/* The whole text; free it. now_ns: boot clock. Returns 0 or -ENOMEM. */
int metrics_render(const struct metrics *metrics, const struct metrics_figures *figures,
		   uint64_t now_ns, char **ret_text, size_t *ret_size);
