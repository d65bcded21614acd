/* SPDX-License-Identifier: Apache-2.0 */
/* What sentence.c says of ends of containers and children and of the host, and the parts that the certificate shares. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* "crashed: SIGSEGV at address 0x10: not mapped, a null pointer, core dumped after 2.00s; crash loop, death 4 in a row" */
void sentence_exit(FILE *out, const struct record *record);

/* "worker (pid 31, of gunicorn) crashed: SIGSEGV at address 0x10, 3x, every 41.0s: the container goes on" */
void sentence_child(FILE *out, const struct record_child *child);

/* "unit-failed: exit-code, 3x" */
void sentence_host(FILE *out, const struct record_host *host);

/* "crashed: SIGSEGV at address 0x10: not mapped": the verdict alone. */
void sentence_verdict(FILE *out, const struct record_exit *exit);

/* "its liveness probe failed"; NULL for STOP_UNKNOWN. */
const char *sentence_stop_cause(enum stop_cause cause);

/* "no such program: /srv/app"; kind is not FAILURE_NONE. */
void sentence_failed_start(FILE *out, const struct failed_start *failed);

/* "the same end each time after 3.10s to 3.30s"; NULL pattern: nothing, false. */
bool sentence_loop_pattern(FILE *out, const struct crash_loop *loop);
