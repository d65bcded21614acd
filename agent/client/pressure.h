/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel counts of waiting: PSI (Documentation/accounting/psi.rst), of the node and of a cgroup on a unified
 * hierarchy; what its disks do (Documentation/admin-guide/iostats.rst); its memory. No policy, no state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The counters `total=`, which the kernel keeps in µs. */
struct pressure_psi {
	uint64_t cpu_some_ns, io_some_ns, io_full_ns, memory_some_ns, memory_full_ns;
};

/* One of the files. False, with *ret_x untouched, where it isn't such. Of the CPU older kernels have no `full`. */
bool pressure_parse(const char *text, uint64_t *ret_some_ns, uint64_t *ret_full_ns);

/*
 * dir is /proc/pressure, or a cgroup's directory, where the files are called cpu.pressure and so on. Returns 0;
 * -ENOENT where there is none (psi=0, CONFIG_PSI=n, a v1 hierarchy), or another negative errno.
 */
int pressure_read(const char *dir, bool cgroup, struct pressure_psi *ret);

#define PRESSURE_DISK_SIZE 32

struct pressure_disk {
	char name[PRESSURE_DISK_SIZE];
	uint64_t requests; /* completed: reads, writes, discards, flushes */
	uint64_t busy_ns, queue_ns;
};

/* A line of /proc/diskstats. False where it isn't such. */
bool pressure_disk_parse(const char *line, struct pressure_disk *ret);

/*
 * The disks of proc (/proc) that were asked for anything since the boot, longest busy first: at most max of them.
 * sys (/sys) tells which are partitions, whose disk is listed too. Returns how many.
 */
uint32_t pressure_disks(const char *proc, const char *sys, struct pressure_disk *ret, uint32_t max);

/* /proc/meminfo. Returns 0 or a negative errno. */
int pressure_memory(const char *proc, uint64_t *ret_total_bytes, uint64_t *ret_available_bytes);
