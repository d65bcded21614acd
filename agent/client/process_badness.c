/* SPDX-License-Identifier: Apache-2.0 */
#include "client/process_badness.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/process.h"

static FILE *open_of(const char *proc, uint32_t pid, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/%s", proc, pid, name);
	return fopen(path, "re");
}

static int read_int(const char *proc, uint32_t pid, const char *name, int32_t *ret)
{
	cleanup_fclose FILE *file = open_of(proc, pid, name);

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	return fscanf(file, "%" SCNd32, ret) == 1 ? 0 : -ESRCH;
}

int process_oom_score(const char *proc, uint32_t pid, int32_t *ret)
{
	return read_int(proc, pid, "oom_score", ret);
}

/* A zombie has no memory any more, and no lines that would tell of it. */
static int read_status(const char *proc, uint32_t pid, struct process_badness *process)
{
	cleanup_fclose FILE *file = open_of(proc, pid, "status");
	bool has_memory = false;
	char line[256];

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		has_memory |= sscanf(line, "VmRSS: %" SCNu64, &process->rss_kb) == 1;
		sscanf(line, "VmPTE: %" SCNu64, &process->pagetable_kb);
		if (sscanf(line, "VmSwap: %" SCNu64, &process->swap_kb) == 1)
			break;
	}
	return has_memory ? 0 : -ESRCH;
}

int process_badness_read(const char *proc, uint32_t pid, struct process_badness *ret)
{
	struct process_badness process = {.pid = pid};
	struct process_stat stat;
	int r = process_stat_read_at(proc, pid, &stat);

	if (r == 0)
		r = read_status(proc, pid, &process);
	if (r == 0)
		r = read_int(proc, pid, "oom_score_adj", &process.oom_score_adj);
	if (r < 0)
		return r;
	process.parent_pid = stat.parent_pid;
	process.start_ns = stat.start_ns;
	TEXT_COPY(process.comm, stat.comm);
	*ret = process;
	return 0;
}

int64_t process_badness_kb(const struct process_badness *process, uint64_t total_kb)
{
	return (int64_t)(process->rss_kb + process->swap_kb + process->pagetable_kb) +
	       process->oom_score_adj * (int64_t)(total_kb / 1000);
}

int process_cgroup(const char *proc, uint32_t pid, bool memory_on_v1, char *ret_path, uint32_t size)
{
	cleanup_fclose FILE *file = open_of(proc, pid, "cgroup");
	char line[4096], controllers[256];

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*controllers = '\0';
		sscanf(line, "%*u:%255[^:]", controllers);
		if (memory_on_v1 ? strcmp(controllers, "memory") == 0
				 : strncmp(line, "0::", 3) == 0) {
			text_copy(ret_path, size, path + 1);
			return 0;
		}
	}
	return -ENOENT;
}
