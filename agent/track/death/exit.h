/* SPDX-License-Identifier: Apache-2.0 */
/* A container's death as a record with its verdict, from the facts known by now. */
#pragma once

#include "track/container.h"

void exit_build(const struct containers *all, const struct container *container,
		struct record_exit *ret);

/* True if the entrypoint can't have been executed: the kernel source watched and saw no exec. */
bool exit_never_started(const struct container *container);
