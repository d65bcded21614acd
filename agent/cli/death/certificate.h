/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A death certificate as text: what happened, then a row for each thing that is known of it, and nothing for what is
 * not. Reads nothing; all texts from outside come out escaped.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cli/death/deaths.h"

void certificate_print(FILE *out, const struct death *death, bool colour);

/* --- private to certificate*.c -------------------------------------------------------------------- */

/* Writes what stands behind the label; the row is left out where it writes nothing. Lines may follow. */
typedef void (*certificate_fn)(FILE *out, const struct death *death);

struct certificate_row {
	const char *label;
	certificate_fn print;
};

/* Each table ends with a row without label. */
extern const struct certificate_row certificate_exit_rows[]; /* death->exit is there */
extern const struct certificate_row certificate_oom_rows[];  /* death->oom */
extern const struct certificate_row certificate_child_rows[];

/* "06:20:14Z", or with the day where it is not that of the head. */
void certificate_time(FILE *out, const struct death *death, uint64_t boot_ns);

/* In the column of the texts. */
void certificate_next_line(FILE *out);
