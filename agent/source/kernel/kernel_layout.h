/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probes and the agent must agree on, as one number: the maps, what is in them, and the records in the rings.
 *
 * kernel_pins.c keeps pinned maps below a folder of this name, so that an agent takes over only what it understands.
 */
#pragma once

#include <stdint.h>

struct bpf_object;

/* Of an opened object, its maps' sizes as they are set. Two builds with the same records and maps have the same. */
uint64_t kernel_layout(const struct bpf_object *object);
