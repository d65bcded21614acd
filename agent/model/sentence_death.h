/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths of children and facts of the host in one line each. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* "worker (of gunicorn) killed by SIGSEGV, 3x, every 41min: the container goes on" */
void sentence_child(FILE *out, const struct record_child *child);

/* "unit-failed: exit-code, 3x" */
void sentence_host(FILE *out, const struct record_host *host);
