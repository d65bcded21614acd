/* SPDX-License-Identifier: Apache-2.0 */
/* What may have been missed: times in which a source was away or lost something, as gap records. */
#pragma once

#include "model/event.h"
#include "model/record.h"

struct gaps;

struct gaps *gaps_new(record_fn emit, void *context);
void gaps_free(struct gaps *gaps);

void gaps_event(struct gaps *gaps, const struct event *event, uint64_t now_ns);
uint64_t gaps_next_tick_ns(const struct gaps *gaps);
void gaps_tick(struct gaps *gaps, uint64_t now_ns);

/* True while the source delivers. */
bool gaps_source_up(const struct gaps *gaps, enum source_kind source);
