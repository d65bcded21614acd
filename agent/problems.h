/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with the agent now, a sentence each: the same for `nodewake status`, /readyz and
 * whoever else asks, so that they never disagree. daemon.c and status.c call it.
 */
#pragma once

#include <stdbool.h>

#include "status.h"

/*
 * unready: something that it is set up to watch is not watched. Not so what was turned off, nor a
 * disk that fails. text dies on return.
 */
typedef void (*problem_fn)(void *context, bool unready, const char *text);

void problems_list(const struct status_parts *parts, problem_fn on_problem, void *context);
