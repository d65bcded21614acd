/* SPDX-License-Identifier: Apache-2.0 */
/* What would have made a start shorter: one line, where the evidence is clear. A pure function of the record. */
#pragma once

#include "model/record.h"

/*
 * Fills why.advice_rule and why.advice of a start whose phases and causes are complete. Of all rules that hold (the
 * table in advice.c), the one with the greatest saving is told, and none that would save less than 5 s or less than
 * a fifth of the start (since the pod has had a node). Names in the text are as they came from outside.
 */
void advice_give(struct record_start *start);
