/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cgroup_cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static FILE *open_in(const char *root, const char *hierarchy, const char *path, const char *file)
{
	char name[4096];
	int length = snprintf(name, sizeof(name), "%s%s%s/%s", root, hierarchy, path, file);

	return length < (int)sizeof(name) ? fopen(name, "re") : NULL;
}

/* A line "WORD NUMBER" of cpu.stat. */
static int read_stat(FILE *file, const char *wanted, uint64_t *ret)
{
	char word[64];
	uint64_t value;

	rewind(file);
	while (fscanf(file, "%63s %" SCNu64, word, &value) == 2)
		if (strcmp(word, wanted) == 0) {
			*ret = value;
			return 0;
		}
	return -ENOENT;
}

/* Both controllers are often mounted together, and linked by their names. */
static int read_v1(const char *root, const char *path, struct cgroup_cpu *ret)
{
	cleanup_fclose FILE *usage = open_in(root, "/cpuacct", path, "cpuacct.usage");
	cleanup_fclose FILE *stat = open_in(root, "/cpu", path, "cpu.stat");

	if (!usage)
		usage = open_in(root, "/cpu,cpuacct", path, "cpuacct.usage");
	if (!stat)
		stat = open_in(root, "/cpu,cpuacct", path, "cpu.stat");
	if (!usage || fscanf(usage, "%" SCNu64, &ret->used_ns) != 1)
		return -ENOENT;
	if (stat)
		read_stat(stat, "throttled_time", &ret->throttled_ns);
	return 0;
}

static int read_v2(const char *root, const char *path, struct cgroup_cpu *ret)
{
	cleanup_fclose FILE *stat = open_in(root, "", path, "cpu.stat");

	if (!stat)
		stat = open_in(root, "/unified", path, "cpu.stat");
	if (!stat || read_stat(stat, "usage_usec", &ret->used_ns) < 0)
		return -ENOENT;
	read_stat(stat, "throttled_usec", &ret->throttled_ns);
	ret->used_ns *= 1000;
	ret->throttled_ns *= 1000;
	return 0;
}

int cgroup_cpu_read(const char *root, const char *path, struct cgroup_cpu *ret)
{
	struct cgroup_cpu cpu = {0};
	int r = read_v1(root, path, &cpu);

	if (r < 0)
		r = read_v2(root, path, &cpu);
	if (r == 0)
		*ret = cpu;
	return r;
}
