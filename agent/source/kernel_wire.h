/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the rings (bpf/wire.h) as events. Trusts no length and no text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/event.h"

/* Returns 0, or -EBADMSG (*ret untouched) for what is truncated or not known. */
int kernel_wire_decode(const void *data, size_t size, struct event *ret);

/* True if the reader was woken for this record. */
bool kernel_wire_urgent(const void *data, size_t size);
