/* SPDX-License-Identifier: Apache-2.0 */
/* What a start read from disks: lines below the phase app. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* Prints nothing if it was not measured, or is too little to matter. */
void explain_files(FILE *out, const struct record_start *start);
