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

void memory_give_back(void)
{
	cleanup_fclose FILE *file = fopen("/proc/self/smaps", "re");
	struct mapping mapping = {0};
	unsigned long anonymous;
	char line[512];

	malloc_trim(0);
	while (file && fgets(line, sizeof(line), file)) {
		if (read_mapping(line, &mapping) ||
		    sscanf(line, "Anonymous: %lu kB", &anonymous) != 1)
			continue;
		/* relocated constants are read-only too, but no longer what the file says */
		if (mapping.file && mapping.private && !mapping.writable && anonymous == 0)
			madvise((void *)mapping.from, mapping.to - mapping.from, MADV_DONTNEED);
	}
}
