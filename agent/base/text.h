/* SPDX-License-Identifier: Apache-2.0 */
/* Texts: bounded copies, units for people, and nothing raw on a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DURATION_TEXT_SIZE 32
#define BYTES_TEXT_SIZE	   16

/* Copies and terminates, cutting at the end; never splits a UTF-8 sequence. */
void text_copy(char *to, size_t size, const char *from);

/* The same from a text that may not be terminated. */
void text_copy_n(char *to, size_t size, const char *from, size_t length);

/* The same, cutting at the front. */
void text_copy_tail(char *to, size_t size, const char *from);

#define TEXT_COPY(array, from) text_copy(array, sizeof(array), from)

/* Length of the valid UTF-8 sequence that text (not terminated) begins with, 0 if there is none. */
size_t text_utf8_length(const char *text, size_t length);

bool text_is_hex(const char *text, size_t length);

/*
 * Writes text so that it can stand in one line on a terminal: valid printable UTF-8 as it is,
 * everything else (control characters, escape codes, bidirectional marks, bad UTF-8) as \xNN.
 */
void text_print_safe(FILE *out, const char *text);

/* "812ns", "4.2ms", "9.81s", "2min 31.4s", "3h 12min", "2d 4h". */
void text_duration(uint64_t ns, char ret_text[static DURATION_TEXT_SIZE]);

/* "512B", "64KiB", "1.5GiB". */
void text_bytes(uint64_t bytes, char ret_text[static BYTES_TEXT_SIZE]);

/* The same as one of a few texts, which take turns: for the arguments of a printf, at most eight and four. */
const char *text_of_duration(uint64_t ns);
const char *text_of_bytes(uint64_t bytes);
