/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pressure.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static bool line_total(const char *text, const char *word, uint64_t *ret_ns)
{
	const char *line = strstr(text, word);
	const char *end = line ? strchr(line, '\n') : NULL;
	const char *total = line ? strstr(line, "total=") : NULL;
	uint64_t us;

	if (!total || (end && total > end) || sscanf(total, "total=%" SCNu64, &us) != 1)
		return false;
	*ret_ns = us * 1000;
	return true;
}

bool pressure_parse(const char *text, uint64_t *ret_some_ns, uint64_t *ret_full_ns)
{
	if (!line_total(text, "some ", ret_some_ns))
		return false;
	line_total(text, "full ", ret_full_ns);
	return true;
}

static int read_small(const char *path, char *ret, size_t size)
{
	cleanup_fclose FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	size_t length = fread(ret, 1, size - 1, file);

	/* with psi=0 the files are there, but can't be read: EOPNOTSUPP */
	if (ferror(file))
		return -ENOENT;
	ret[length] = '\0';
	return 0;
}

int pressure_read(const char *dir, bool cgroup, struct pressure_psi *ret)
{
	struct pressure_psi psi = {0};
	uint64_t ignored;
	const struct {
		const char *name;
		uint64_t *some_ns, *full_ns;
	} files[] = {
		{"cpu", &psi.cpu_some_ns, &ignored},
		{"io", &psi.io_some_ns, &psi.io_full_ns},
		{"memory", &psi.memory_some_ns, &psi.memory_full_ns},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[PATH_MAX], text[512];

		snprintf(path, sizeof(path), "%s/%s%s", dir, files[i].name,
			 cgroup ? ".pressure" : "");
		int r = read_small(path, text, sizeof(text));

		if (r < 0)
			return r;
		if (!pressure_parse(text, files[i].some_ns, files[i].full_ns))
			return -EBADMSG;
	}
	*ret = psi;
	return 0;
}

bool pressure_disk_parse(const char *line, struct pressure_disk *ret)
{
	uint64_t reads, writes, busy_ms, queue_ms, discards = 0, flushes = 0;
	struct pressure_disk disk;
	int found =
		sscanf(line,
		       "%*u %*u %31s %" SCNu64 " %*u %*u %*u %" SCNu64 " %*u %*u %*u %*u %" SCNu64
		       " %" SCNu64 " %" SCNu64 " %*u %*u %*u %" SCNu64,
		       disk.name, &reads, &writes, &busy_ms, &queue_ms, &discards, &flushes);

	/* discards came with 4.18, flushes with 5.5 */
	if (found < 5)
		return false;
	disk.requests = reads + writes + discards + flushes;
	disk.busy_ns = busy_ms * NS_PER_MS;
	disk.queue_ns = queue_ms * NS_PER_MS;
	*ret = disk;
	return true;
}

static bool is_partition(const char *sys, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/block/%s/partition", sys, name);
	return access(path, F_OK) == 0;
}

/* Longest busy first; of two alike the one that is listed first, which lies below the other. */
static uint32_t insert(struct pressure_disk *disks, uint32_t count, uint32_t max,
		       const struct pressure_disk *disk)
{
	uint32_t at = count;

	while (at > 0 && disks[at - 1].busy_ns < disk->busy_ns)
		at--;
	if (at == max)
		return count;
	count += count < max;
	memmove(disks + at + 1, disks + at, (count - at - 1) * sizeof(*disks));
	disks[at] = *disk;
	return count;
}

uint32_t pressure_disks(const char *proc, const char *sys, struct pressure_disk *ret, uint32_t max)
{
	char path[PATH_MAX], line[512];
	uint32_t count = 0;

	snprintf(path, sizeof(path), "%s/diskstats", proc);
	cleanup_fclose FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		struct pressure_disk disk;

		if (!pressure_disk_parse(line, &disk) || !disk.requests)
			continue;
		if (count == max && disk.busy_ns <= ret[max - 1].busy_ns)
			continue;
		if (!is_partition(sys, disk.name))
			count = insert(ret, count, max, &disk);
	}
	return count;
}

int pressure_memory(const char *proc, uint64_t *ret_total_bytes, uint64_t *ret_available_bytes)
{
	char path[PATH_MAX], line[256];
	uint64_t total = 0, available = 0;
	bool known = false;

	snprintf(path, sizeof(path), "%s/meminfo", proc);
	cleanup_fclose FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	while (!known && fgets(line, sizeof(line), file)) {
		sscanf(line, "MemTotal: %" SCNu64 " kB", &total);
		known = sscanf(line, "MemAvailable: %" SCNu64 " kB", &available) == 1;
	}
	if (!known || !total)
		return -EBADMSG;
	*ret_total_bytes = total * 1024;
	*ret_available_bytes = available * 1024;
	return 0;
}
