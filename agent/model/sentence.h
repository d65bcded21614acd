/* SPDX-License-Identifier: Apache-2.0 */
/* A record as one line for people. Every text from outside is made safe for a terminal. */
#pragma once

#include <stdio.h>

#include "model/record.h"

/* True if colour is wanted on this stream: a terminal, and NO_COLOR not set. */
bool sentence_colour(FILE *out);

/* "06:20:14Z oom    shop/web-0/app   child python3 killed for memory, ..." and a newline. */
void sentence_line(FILE *out, const struct record *record, bool colour);

/* Only what happened, without time and name: for explain. */
void sentence_text(FILE *out, const struct record *record);

/* "shop/web-0/app", or what is known of it. */
void sentence_subject(FILE *out, const struct record *record);
