/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of why a start took its time, a line each; raw: print it safely. */
#pragma once

#include "model/why.h"

#define EXPLAIN_WORDS_SIZE 768

/* "read /models/llama-7b.gguf 4.1GiB at 174 MB/s from vda (cold, the disk at work 98% of the time, 4.1ms a request)" */
void explain_words_file(const struct file_read *file, char ret[static EXPLAIN_WORDS_SIZE]);

/* Why the breakdown is not what each switch of each thread tells; "" where it is. */
void explain_words_grade(const struct phase_stalls *stalls, char ret[static EXPLAIN_WORDS_SIZE]);

/* "all 8 threads together 6.40s", where the work of this kind was shared; else "". */
void explain_words_threads(const struct phase_stalls *stalls, enum stall stall,
			   char ret[static EXPLAIN_WORDS_SIZE]);
