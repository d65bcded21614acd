/* SPDX-License-Identifier: Apache-2.0 */
/* What sentence.c says of an OOM kill, and the parts of it that the death certificate shares. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/*
 * "child python3 (pid 8476, worker 3 of 4) killed for memory, container survived; container limit 512MiB (near it for
 * 41.0s), it held 480MiB anon; triggered by itself; 4 times so far, every 41min 0.0s, growing 12MiB a minute: a leak"
 */
void sentence_oom(FILE *out, const struct record *record);

/* Its beginning: who was killed, by whom, and whether the container survived. */
void sentence_kill(FILE *out, const struct record *record);

/* "child python3 (pid 8476, worker 3 of 4)": of a container; else without its role. */
void sentence_victim(FILE *out, const struct oom_victim *victim, bool container);

/* "container limit 512MiB", "limit of /system.slice 1GiB", "the node ran out of memory" */
void sentence_limit(FILE *out, const struct record_oom *oom);

/* "4 times so far, every 41min 0.0s, growing 12MiB a minute: a leak"; count is 2 or more. */
void sentence_series(FILE *out, const struct oom_series *series);
