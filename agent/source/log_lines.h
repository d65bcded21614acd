/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container wrote last, out of the end of its log file in CRI's format ("TIME stdout F text"): its lines,
 * those that the runtime had cut in parts made whole, and the complaint of a program's loader. Pure text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/death.h"

/* cut: the block begins somewhere in a line. The last `want` lines, as many of them as fit. */
void log_lines_last(const char *block, size_t length, bool cut, uint32_t want,
		    struct log_tail *ret);

/*
 * Whether the log ends in the words of glibc's or musl's loader about a library. Kept of them are the library's
 * name and which of the fixed phrases it was, nothing else: a log may hold secrets.
 */
bool log_lines_complaint(const char *block, size_t length, bool cut, struct failed_start *ret);
