/* SPDX-License-Identifier: Apache-2.0 */
/* The gauges of this boot, made of its record in its latest form. Only metrics.c asks. */
#pragma once

#include <stdio.h>

#include "model/boot_history.h"

/* Starts as zeroes: no boot is known, there are no series. */
struct metrics_boot {
	struct record_boot boot;
	struct boot_history earlier;
};

void metrics_boot_write(FILE *out, const struct metrics_boot *boot);
