/* SPDX-License-Identifier: Apache-2.0 */
/* explain: whom a start waited for, below its phase app. */
#pragma once

#include "model/record.h"

/* A line each; none if the phase is another, or nothing was waited for. */
void explain_peers(const struct record_start *start, const struct phase_span *phase);
