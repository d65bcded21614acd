/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the annotations' lines: a record in few words, of bounded length. Only node_summary.c asks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

#define NODE_WORDS_SIZE	  112 /* leaves room for "1234 in 24h, last 06:20Z " */
#define NODE_SUBJECT_SIZE 52
#define NODE_CLOCK_SIZE	  20

/* Appends all of text if it fits into size with `spare` bytes left, else nothing. */
bool node_words_append(char *line, size_t size, const char *text, size_t spare);

/* "06:14Z" */
void node_words_clock(int64_t wall_ns, char ret[static NODE_CLOCK_SIZE]);

/* "ai-stack/aidb"; a longer name loses its middle: its end tells pods of one Deployment apart. */
void node_words_subject(const struct subject *subject, char ret[static NODE_SUBJECT_SIZE]);

/* "ai-stack/llama-cpp 94s at 06:14Z: pull 61s, app 24s (disk 22s), probe 6s" */
#define NODE_START_SIZE 139 /* a whole line */
void node_words_start(const struct record *record, char ret[static NODE_START_SIZE]);

/* "ai-stack/aidb python3 (child, container survived), container limit 512Mi, a leak" */
void node_words_oom(const struct record *record, char ret[static NODE_WORDS_SIZE]);

/* "exit 1", "SIGSEGV", "never started": one of several in a line */
#define NODE_EXIT_SIZE 24
void node_words_exit(const struct record_exit *exit, char ret[static NODE_EXIT_SIZE]);

/* "ai-stack/aidb SIGSEGV (null pointer)", "ai-stack/web never started (no such program: /srv/app)" */
void node_words_death(const struct record *record, char ret[static NODE_WORDS_SIZE]);

/* "kernel: the ring was full for 2s, 312 lost" */
void node_words_gap(const struct record *record, char ret[static NODE_WORDS_SIZE]);
