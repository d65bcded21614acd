/* SPDX-License-Identifier: Apache-2.0 */
/* Below which phase of a start a wait or a read is printed. */
#pragma once

#include "model/record.h"

/* The one of app and probe in which most of it lies; else app, or the last: a start that waits may never get there. */
const struct phase_span *explain_place(const struct record_start *start, struct span span);
