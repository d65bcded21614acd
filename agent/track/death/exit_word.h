/* SPDX-License-Identifier: Apache-2.0 */
/* What CRI and Kubernetes say of an end, beside what the kernel saw of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

/*
 * True if reason and code contradict the verdict and the exit code that the kernel saw (128 + signal if killed). Only what the kernel saw is held against a word: not a verdict that
 * was itself made from CRI's, nor an end that nobody saw. An empty word says nothing and is not wrong.
 */
bool exit_word_wrong(const struct record_exit *exit, int32_t kernel_code, const char *reason,
		     int32_t code);
