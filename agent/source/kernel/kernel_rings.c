/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_rings.h"

#include <bpf/libbpf.h>
#include <unistd.h>

#include "nodewake.skel.h"

#define MIB (1024u * 1024)

/* A container's life takes about 1.2 kB: the least holds 450 of them while the agent does not read at all. */
#define BYTES_MIN (512u * 1024)
#define BYTES_MAX (8 * MIB)
/* What runs at once on two CPUs. */
#define BYTES_PER_CPU (512u * 1024)
/* Its share of the memory is no larger. */
#define MEMORY_SHARE 1024
/* Helpers are read soon, or missed with less harm. */
#define CHATTER_SHARE 4

uint32_t kernel_rings_bytes(uint32_t cpus, uint64_t memory_bytes)
{
	uint64_t most = memory_bytes / MEMORY_SHARE;
	uint32_t bytes = BYTES_MIN;

	while (bytes < BYTES_MAX && bytes < (uint64_t)cpus * BYTES_PER_CPU && 2ull * bytes <= most)
		bytes *= 2;
	return bytes;
}

void kernel_rings_size(struct nodewake *object)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
	uint64_t memory_bytes = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	uint32_t bytes = kernel_rings_bytes(cpus > 0 ? (uint32_t)cpus : 1, memory_bytes);

	bpf_map__set_max_entries(object->maps.ring_main, bytes);
	bpf_map__set_max_entries(object->maps.ring_chatter, bytes / CHATTER_SHARE);
}
