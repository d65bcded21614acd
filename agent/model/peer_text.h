/* SPDX-License-Identifier: Apache-2.0 */
/* How it is said whom a start waited for: the same words in boot, explain and Events. */
#pragma once

#include "model/why.h"

#define PEER_TEXT_SIZE 512

/* "14 refused connections to ai/postgres 10.43.0.12:5432"; name: "" not known */
void peer_text_failed(uint32_t count, int32_t error, const char *name, const char *address,
		      uint16_t port, char ret_text[static PEER_TEXT_SIZE]);

/*
 * The same with how long it took, and of DNS and slow connections the longest: "3 dns questions to 10.43.0.10 took
 * 12.1s, 1 unanswered, the longest 5.0s". Names are as they came: text_print_safe's work.
 */
void peer_text(const struct peer_wait *wait, char ret_text[static PEER_TEXT_SIZE]);
