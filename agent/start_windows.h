/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's watch over starts is told of the rest: a start's threads are watched until it is told.
 *
 * daemon.c hands in each event before the tracker has it, and each record.
 */
#pragma once

#include "model/record.h"
#include "source/kernel_source.h"

void start_windows_event(struct kernel_source *kernel, const struct event *event);
void start_windows_record(struct kernel_source *kernel, const struct record *record);
