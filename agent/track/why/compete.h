/* SPDX-License-Identifier: Apache-2.0 */
/* How many other starts were under way at the same time: they share the CPUs, the disk and containerd. */
#pragma once

#include "track/container.h"

/*
 * The largest number at one moment of the sandbox, create, runtime or app of this start. A pod's sandbox that is being
 * made counts too; its own pod's does not. A container without a listen is starting until its program is executed.
 */
uint32_t compete_count(const struct containers *all, const struct container *container,
		       const struct record_start *start);
