/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cgroup_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* v1's way to say "no limit" is the highest number of whole pages. */
#define NO_LIMIT (1ull << 62)

/* Returns the length, or a negative errno. One read: the kernel makes these files up as they are read. */
static int read_text(const char *dir, const char *name, char *ret, size_t size)
{
	char path[PATH_MAX];
	size_t used = 0;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (ssize_t n; used < size - 1; used += (size_t)n) {
		n = read(fd, ret + used, size - 1 - used);
		if (n <= 0) {
			int error = n < 0 ? errno : 0;

			close(fd);
			ret[used] = '\0';
			return error ? -error : (int)used;
		}
	}
	close(fd);
	ret[used] = '\0';
	return (int)used;
}

/* A number; v2's word "max" is UINT64_MAX. */
static int read_number(const char *dir, const char *name, uint64_t *ret)
{
	char text[64], *end;
	int r = read_text(dir, name, text, sizeof(text));

	if (r < 0)
		return r;
	if (strcmp(text, "max\n") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || errno)
		return -EBADMSG;
	*ret = value;
	return 0;
}

/* The figure of the line "WORD NUMBER". False where there is none; *ret is untouched then. */
static bool line_value(const char *text, const char *word, uint64_t *ret)
{
	size_t length = strlen(word);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, length) == 0 && line[length] == ' ')
			return sscanf(line + length, " %" SCNu64, ret) == 1;
	}
	return false;
}

static void parse_stat_v1(const char *text, struct cgroup_memory *memory)
{
	line_value(text, "total_rss", &memory->anon_bytes);
	line_value(text, "total_cache", &memory->file_bytes);
	line_value(text, "total_shmem", &memory->shmem_bytes);
	line_value(text, "total_inactive_file", &memory->inactive_file_bytes);
	line_value(text, "total_swap", &memory->swap_bytes);
}

static void parse_stat_v2(const char *text, struct cgroup_memory *memory)
{
	static const char *const parts[] = {"slab", "kernel_stack", "pagetables", "percpu"};

	line_value(text, "anon", &memory->anon_bytes);
	line_value(text, "file", &memory->file_bytes);
	line_value(text, "shmem", &memory->shmem_bytes);
	line_value(text, "inactive_file", &memory->inactive_file_bytes);
	if (line_value(text, "kernel", &memory->kernel_bytes))
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) { /* before 5.18 */
		uint64_t bytes = 0;

		line_value(text, parts[i], &bytes);
		memory->kernel_bytes += bytes;
	}
}

void cgroup_memory_parse_stat(const char *text, bool v1, struct cgroup_memory *memory)
{
	if (v1)
		parse_stat_v1(text, memory);
	else
		parse_stat_v2(text, memory);
}

bool cgroup_memory_parse_pressure(const char *text, struct cgroup_memory *memory)
{
	double short_term, middle, long_term;

	if (sscanf(text, "some avg10=%lf avg60=%lf avg300=%lf", &short_term, &middle, &long_term) !=
	    3)
		return false;
	memory->stalled10 = (uint32_t)(short_term * 10 + 0.5);
	memory->stalled60 = (uint32_t)(middle * 10 + 0.5);
	memory->stalled300 = (uint32_t)(long_term * 10 + 0.5);
	return true;
}

static uint64_t limit_of(uint64_t value)
{
	return value >= NO_LIMIT ? 0 : value;
}

int cgroup_memory_usage(const char *dir, bool v1, uint64_t *ret_bytes)
{
	return read_number(dir, v1 ? "memory.usage_in_bytes" : "memory.current", ret_bytes);
}

int cgroup_memory_limit(const char *dir, bool v1, uint64_t *ret_bytes)
{
	uint64_t limit;
	int r = read_number(dir, v1 ? "memory.limit_in_bytes" : "memory.max", &limit);

	if (r == 0)
		*ret_bytes = limit_of(limit);
	return r;
}

/* Memory and swap have one limit together, which CRI sets to memory's: no swap then. */
static void read_v1(const char *dir, struct cgroup_memory *memory)
{
	uint64_t both = UINT64_MAX, hits = 0;
	char text[512];

	read_number(dir, "memory.max_usage_in_bytes", &memory->peak_bytes);
	read_number(dir, "memory.kmem.usage_in_bytes", &memory->kernel_bytes);
	read_number(dir, "memory.failcnt", &memory->limit_hits);
	read_number(dir, "memory.memsw.failcnt", &hits);
	if (hits > memory->limit_hits)
		memory->limit_hits = hits;
	read_number(dir, "memory.memsw.limit_in_bytes", &both);
	if (limit_of(both) && both >= memory->limit_bytes) {
		memory->swap_limit_bytes = both - memory->limit_bytes;
		memory->swap_forbidden = both == memory->limit_bytes;
	}
	if (read_text(dir, "memory.oom_control", text, sizeof(text)) > 0)
		line_value(text, "oom_kill", &memory->kills);
}

static void read_v2(const char *dir, struct cgroup_memory *memory)
{
	uint64_t swap_limit = UINT64_MAX;
	char text[512];

	read_number(dir, "memory.peak", &memory->peak_bytes);
	read_number(dir, "memory.swap.current", &memory->swap_bytes);
	read_number(dir, "memory.swap.max", &swap_limit);
	memory->swap_limit_bytes = limit_of(swap_limit);
	memory->swap_forbidden = swap_limit == 0;
	if (read_text(dir, "memory.events", text, sizeof(text)) > 0) {
		line_value(text, "max", &memory->limit_hits);
		line_value(text, "oom_kill", &memory->kills);
	}
}

int cgroup_memory_read(const char *dir, const char *psi_dir, bool v1, struct cgroup_memory *ret)
{
	struct cgroup_memory memory = {0};
	char text[8192];
	int r = cgroup_memory_usage(dir, v1, &memory.usage_bytes);

	if (r < 0)
		return r;
	/* v2 without the controller has a memory.stat neither */
	if (read_text(dir, "memory.stat", text, sizeof(text)) > 0)
		cgroup_memory_parse_stat(text, v1, &memory);
	cgroup_memory_limit(dir, v1, &memory.limit_bytes);
	if (v1)
		read_v1(dir, &memory);
	else
		read_v2(dir, &memory);
	if (read_text(psi_dir ? psi_dir : dir, "memory.pressure", text, sizeof(text)) > 0)
		cgroup_memory_parse_pressure(text, &memory);
	*ret = memory;
	return 0;
}

uint64_t cgroup_memory_working_set(const struct cgroup_memory *memory)
{
	return memory->usage_bytes > memory->inactive_file_bytes
		       ? memory->usage_bytes - memory->inactive_file_bytes
		       : 0;
}

static void add_processes(const char *dir, uint32_t *pids, uint32_t max, uint32_t *count)
{
	char path[PATH_MAX];
	uint32_t pid;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		return;
	cleanup_fclose FILE *file = fopen(path, "re");

	for (; file && fscanf(file, "%" SCNu32, &pid) == 1; (*count)++)
		if (*count < max)
			pids[*count] = pid;
}

int cgroup_processes(const char *dir, uint32_t *ret_pids, uint32_t max)
{
	char *const roots[] = {(char *)dir, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT | FTS_XDEV, NULL);
	uint32_t count = 0;

	if (!walk)
		return -errno;
	for (FTSENT *entry; (entry = fts_read(walk));)
		if (entry->fts_info == FTS_D)
			add_processes(entry->fts_path, ret_pids, max, &count);
	fts_close(walk);
	return (int)count;
}
