/* SPDX-License-Identifier: Apache-2.0 */
/* The signals by which the container runtime stopped a container, as the kernel saw them. Called by exit.c. */
#pragma once

#include "track/container.h"

/* The container runtime acts on the CRI client's behalf, or that one itself; a program in a container can't pose as either. */
bool stop_sent_by_runtime(const struct containers *all, const struct signal_seen *seen);

/* Fills in when they came, and whether the second had to. */
void stop_signals(const struct containers *all, const struct container *container,
		  struct stop *ret);
