/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of explain's waterfall: name, length, bar, note. The axis is the whole start. Names and notes may come from
 * outside: they are made safe here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/why.h"

struct explain_row {
	unsigned int depth; /* 0: a phase, 1: below it, ... */
	const char *name;
	struct span span;
	const char *note; /* NULL: none */
	bool reconstructed;
};

/* A bar that stands where it was: "pull   2.00s           ██████  191MiB at 200 MB/s". */
void explain_row_print(FILE *out, const struct explain_row *row, struct span whole);

/*
 * So much time of a phase, but not when: a lighter bar, which begins with the phase. row->span is the phase's.
 */
void explain_row_share(FILE *out, const struct explain_row *row, uint64_t ns, struct span whole);

/* A line below a row of that depth, without length and bar; text as printf makes it, then made safe. */
void explain_row_line(FILE *out, unsigned int depth, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "191MiB at 200 MB/s" */
#define EXPLAIN_RATE_SIZE 64
void explain_rate(uint64_t bytes, uint64_t ns, char ret[static EXPLAIN_RATE_SIZE]);
