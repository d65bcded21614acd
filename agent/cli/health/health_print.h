/* SPDX-License-Identifier: Apache-2.0 */
/* How health is shown: the report, and what goes on while it is waited for. */
#pragma once

#include <stdio.h>
#include <sys/ioctl.h>

#include "cli/health/health.h"

void health_print_text(FILE *out, const struct health_report *report, bool colour);
void health_print_json(FILE *out, const struct health_report *report, uint64_t waited_ns);

/* "well", "not well: api, pods", "could not be judged: pods" */
void health_print_conclusion(FILE *out, const struct health_report *report);

/*
 * A terminal: what is not well, in the place of what stood there (*lines of it, 0 at first), no more than fits. With
 * report NULL that is taken away.
 */
void health_print_redraw(FILE *out, const struct health_report *report, uint64_t waited_ns,
			 uint64_t wait_ns, struct winsize size, unsigned int *lines);

/* Else: a line for each finding that is not as it was. before NULL: all that is not well. */
void health_print_changes(FILE *out, const struct health_report *before,
			  const struct health_report *now, uint64_t waited_ns);
