/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the rings (bpf/wire.h) as events. Trusts no length and no text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"
#include "model/event.h"

/* Returns 0, or (*ret untouched) -EBADMSG for what is truncated or not known, -ENOMSG for what is right and tells nothing. */
int kernel_wire_decode(const void *data, size_t size, struct event *ret);

/* The name of a DNS question in its usual writing; "" if there is none. A text, without sanitising. */
void kernel_wire_question(const uint8_t *question, char ret_name[static NAME_SIZE]);

/* A question that had no answer until boot_ns. Returns 0 or -EBADMSG. */
int kernel_wire_unanswered(const struct wire_question *wire, uint64_t boot_ns, struct event *ret);

/* True if the reader was woken for this record. */
bool kernel_wire_urgent(const void *data, size_t size);

/* True if it tells of threads that nobody watched: the agent that has done so ended before since_ns. */
bool kernel_wire_unwatched(const void *data, size_t size, uint64_t since_ns);
