/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define TRIM_BYTES (4 << 20)

struct mapping {
	uintptr_t from, to;
	bool file, writable, private;
};

static bool read_mapping(const char *line, struct mapping *ret)
{
	struct mapping mapping;
	unsigned long inode;
	char rights[5];

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*x:%*x %lu", &mapping.from,
		   &mapping.to, rights, &inode) != 4)
		return false;
	mapping.file = inode != 0;
	mapping.writable = rights[1] == 'w';
	mapping.private = rights[3] == 'p';
	*ret = mapping;
	return true;
}

static void unmap_read_pages(void)
{
	cleanup_fclose FILE *file = fopen("/proc/self/smaps", "re");
	struct mapping mapping = {0};
	unsigned long anonymous;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (read_mapping(line, &mapping) ||
		    sscanf(line, "Anonymous: %lu kB", &anonymous) != 1)
			continue;
		/* relocated constants are read-only too, but no longer what the file says */
		if (mapping.file && mapping.private && !mapping.writable && anonymous == 0)
			madvise((void *)mapping.from, mapping.to - mapping.from, MADV_DONTNEED);
	}
}

void memory_trim(void)
{
	static size_t left; /* malloc goes on counting what it gave back */
	size_t unused = mallinfo2().fordblks;

	if (unused > left + TRIM_BYTES) {
		malloc_trim(0);
		left = mallinfo2().fordblks;
	} else if (unused < left) {
		left = unused;
	}
}

void memory_give_back(void)
{
	static bool done;

	memory_trim();
	if (!done)
		unmap_read_pages();
	done = true;
}
