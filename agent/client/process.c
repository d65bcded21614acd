/* SPDX-License-Identifier: Apache-2.0 */
#include "client/process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

int process_stat_read(uint32_t pid, struct process_stat *ret)
{
	return process_stat_read_at("/proc", pid, ret);
}

int process_stat_read_at(const char *proc, uint32_t pid, struct process_stat *ret)
{
	char path[PATH_MAX], line[1024];
	struct process_stat stat = {0};
	uint64_t ticks;

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/stat", proc, pid);
	cleanup_fclose FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	if (!fgets(line, sizeof(line), file))
		return -ESRCH;
	/* comm may hold anything, parentheses too: it ends at the last one */
	char *begin = strchr(line, '('), *end = strrchr(line, ')');
	if (!begin || !end || end < begin ||
	    sscanf(end + 1,
		   " %*c %" SCNu32 " %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
		   " %*d %*d %" SCNu64,
		   &stat.parent_pid, &ticks) != 2)
		return -EBADMSG;
	text_copy_n(stat.comm, sizeof(stat.comm), begin + 1, (size_t)(end - begin - 1));
	stat.start_ns = ticks * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
	*ret = stat;
	return 0;
}

int process_memory_read(struct process_memory *ret)
{
	cleanup_fclose FILE *file = fopen("/proc/self/smaps_rollup", "re");
	uint64_t rss_kb = 0, pss_kb = 0;
	char line[256];

	if (!file)
		return -errno;
	while (!pss_kb && fgets(line, sizeof(line), file))
		if (sscanf(line, "Rss: %" SCNu64, &rss_kb) != 1)
			sscanf(line, "Pss: %" SCNu64, &pss_kb);
	if (!pss_kb)
		return -EBADMSG;
	*ret = (struct process_memory){.rss_bytes = rss_kb * 1024, .pss_bytes = pss_kb * 1024};
	return 0;
}

uint64_t process_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * NS_PER_SECOND + (uint64_t)used.tv_nsec;
}
