/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup's processes used of the CPUs, and how long its limit held them back: v1 and v2. */
#pragma once

#include <stdint.h>

struct cgroup_cpu {
	uint64_t used_ns;
	uint64_t throttled_ns; /* of all CPUs together */
};

/* root is where cgroups are mounted, path the cgroup's below its hierarchy. Returns 0 or -ENOENT. */
int cgroup_cpu_read(const char *root, const char *path, struct cgroup_cpu *ret);
