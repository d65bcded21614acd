/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same program killed for memory again and again: of one pod's container, over its restarts.
 *
 * A leak is told where the last three victims had each lived a minute or longer and grown at about the same rate, the
 * fastest by half more than the slowest at most. Growth is what a victim held over its age: a program that takes a lot
 * when it starts and no more looks like one that grows, until it has lived for long.
 */
#pragma once

#include "model/record.h"

struct containers;
struct oom_serieses;

struct oom_serieses *oom_serieses_new(const struct containers *containers);
void oom_serieses_free(struct oom_serieses *all);

/* Counts this kill, of record->oom.victims[0], and fills in record->oom.series. */
void oom_serieses_add(struct oom_serieses *all, struct record *record);

/* Series that gave way to newer ones while their pod was there: their count begins anew. */
uint64_t oom_serieses_evicted(const struct oom_serieses *all);
