/* SPDX-License-Identifier: Apache-2.0 */
/* A pull in a sentence; sentence.c calls it. */
#pragma once

#include <stdio.h>

#include "model/record.h"

#define LAYER_NAME_SIZE 13

/* As much of a layer's digest as people use: "cdc26e266176". */
const char *sentence_layer(const char *digest, char ret[static LAYER_NAME_SIZE]);

/* "pulling 2.1GiB of 4.2GiB at 69 MB/s, 30.0s left", "pulled 4.2GiB in 61.0s: download ..." */
void sentence_pull(FILE *out, const struct record *record);
