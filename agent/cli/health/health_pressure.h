/* SPDX-License-Identifier: Apache-2.0 */
/* Health's view of the machine's resources: memory, disks, and what processes wait for (PSI). */
#pragma once

#include "cli/health/health.h"

/* Of /proc/pressure/X: share of the last 10 and 60 seconds, in percent. */
struct health_psi {
	bool seen;
	double some10, some60, full10, full60;
};

struct health_disk {
	char path[200];
	uint64_t bytes, bytes_free;   /* free for everybody, not for root only */
	uint64_t inodes, inodes_free; /* 0, 0 where the file system has no such number */
};

#define HEALTH_DISKS_MAX 4

struct health_pressure {
	struct health_psi cpu, memory, io;
	double load;
	uint32_t cores;
	uint64_t memory_bytes, available_bytes; /* 0: could not be read */
	struct health_disk disks[HEALTH_DISKS_MAX];
	size_t disk_count;
};

void health_pressure_read(struct health_pressure *ret, const char *root);

/* Lines of /proc/pressure/X and of /proc/meminfo. False, and *ret is untouched, where they aren't such. */
bool health_psi_parse(const char *text, struct health_psi *ret);
bool health_meminfo_parse(const char *text, uint64_t *ret_total, uint64_t *ret_available);

void health_judge_cpu(struct health_report *report, const struct health_pressure *pressure);
void health_judge_memory(struct health_report *report, const struct health_pressure *pressure);
void health_judge_io(struct health_report *report, const struct health_pressure *pressure);
void health_judge_disks(struct health_report *report, const struct health_pressure *pressure);
