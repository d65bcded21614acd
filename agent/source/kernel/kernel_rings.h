/* SPDX-License-Identifier: Apache-2.0 */
/* How large the rings are: by how many things can happen on a node at once, and by what memory it has. */
#pragma once

#include <stdint.h>

struct nodewake;

/* Bytes of the ring of starts and deaths, a power of two, on a node with so many CPUs and bytes of memory. */
uint32_t kernel_rings_bytes(uint32_t cpus, uint64_t memory_bytes);

/* Sets the rings of an object that isn't loaded yet. */
void kernel_rings_size(struct nodewake *object);
