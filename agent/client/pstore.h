/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel that died left behind: pstore's records, also where systemd-pstore moved them to, and what
 * watchdog devices say of the last reset. No policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The panic's own line ("Kernel panic - not syncing: ...") of the latest record below root's sys/fs/pstore that
 * was written since after_wall_ns, or of one that systemd-pstore has put to var/lib/systemd/pstore since
 * moved_wall_ns. Returns 0, -ENOENT if there is none, or another negative errno.
 */
int pstore_panic(const char *root, int64_t after_wall_ns, int64_t moved_wall_ns, char *ret_line,
		 size_t size);

/* True if a device below root's sys/class/watchdog says that the machine was last reset by it. */
bool watchdog_was_reset(const char *root);
