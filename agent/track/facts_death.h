/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is learnt of a container's death beside its end itself: why a start failed, what it wrote last, where its
 * core went, when it is tried again.
 */
#pragma once

#include "track/container.h"

/* Returns the container that the event is about, or NULL. */
struct container *facts_of_death(struct containers *all, const struct event *event);
