/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a container's program was not executed, from the words of those who tried: containerd's message (which
 * quotes runc's or crun's), or the line that runc's init or a loader wrote into the container's log. Pure text.
 */
#pragma once

#include <stdbool.h>

#include "model/death.h"

/*
 * Reads a message or a line. True if it names a failure of a known kind; false leaves *ret alone. `text` is what
 * remains of it without the layers that say no more than that something failed.
 */
bool failed_start_read(const char *text, struct failed_start *ret);

/* The same of the runtime's message, which tells of a failure whatever it says: else it is FAILURE_OTHER. */
void failed_start_of_message(const char *message, struct failed_start *ret);
