/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is watched only while containers start is told of the rest: threads, files and questions in the kernel, what the
 * node waits for. A start is watched until it is told.
 *
 * daemon.c hands in each event before the tracker has it, and each record. A source that is not there is NULL.
 */
#pragma once

#include "model/record.h"
#include "source/kernel/kernel_source.h"
#include "source/pressure_source.h"

struct start_windows {
	struct kernel_source *kernel;
	struct pressure_source *pressure;
};

void start_windows_event(const struct start_windows *windows, const struct event *event);
void start_windows_record(const struct start_windows *windows, const struct record *record);
