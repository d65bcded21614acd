/* SPDX-License-Identifier: Apache-2.0 */
/* What explain says below the phases of a start: what the node waited for, what probes cost, what to do. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* Lines of their own, indented by two; nothing where nothing is known. */
void explain_advice(FILE *out, const struct record_start *start);
