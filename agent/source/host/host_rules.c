/* SPDX-License-Identifier: Apache-2.0 */
#include "source/host/host_rules.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

/*
 * Wordings of Linux 5.10 to 6.18: fs/ext4/super.c, fs/xfs/xfs_fsops.c, fs/btrfs/messages.c, fs/f2fs/super.c,
 * block/blk-core.c and blk-mq.c (blk_errors, print_req_error), fs/buffer.c, drivers/nvme/host/pci.c,
 * drivers/md/dm-thin.c, kernel/hung_task.c, kernel/watchdog.c, kernel/rcu/tree_stall.h, arch/x86/kernel/cpu/mce/core.c,
 * arch/x86/mm/fault.c, mm/memory-failure.c, drivers/firmware/efi/cper.c, drivers/edac/edac_mc.c.
 *
 * Block errors of the kinds "operation not supported" and "zone ..." are no failures of a disk. Links are told by
 * netlink: each driver has words of its own.
 */
const struct host_rule host_rules[] = {
	{HOST_READ_ONLY, "EXT4-fs (", "Remounting filesystem read-only", "(", ")", true},
	{HOST_DISK_ERROR, "EXT4-fs error (device ", "", "(device ", ")", true},
	{HOST_DISK_ERROR, "EXT4-fs warning (device ", "I/O error", "(device ", ")", true},
	{HOST_READ_ONLY, "XFS (", "Shutting down filesystem", "(", ")", true},
	{HOST_READ_ONLY, "XFS (", "Filesystem has been shut down", "(", ")", true},
	{HOST_DISK_ERROR, "XFS (", "I/O error", "(", ")", true},
	{HOST_READ_ONLY, "BTRFS", "forced readonly", "(device ", ")", true},
	{HOST_DISK_FULL, "BTRFS", "errno=-28 ", "(device ", ")", true},
	{HOST_DISK_ERROR, "BTRFS", "errno=-5 ", "(device ", ")", true},
	{HOST_DISK_ERROR, "BTRFS error (device ", " errs: ", "(device ", ")", true},
	{HOST_READ_ONLY, "F2FS-fs (", "Remounting filesystem read-only", "(", ")", true},
	{HOST_DISK_FULL, "", "critical space allocation error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "I/O error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "critical medium error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "critical target error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "critical nexus error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "recoverable transport error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "timeout error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "protection error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "", "device offline error, dev ", "error, dev ", ",", true},
	{HOST_DISK_ERROR, "Buffer I/O error on dev ", "", "on dev ", ",", true},
	{HOST_DISK_ERROR, "nvme ", " timeout, ", "nvme ", ":", true},
	{HOST_DISK_ERROR, "nvme ", "controller is down", "nvme ", ":", true},
	{HOST_DISK_FULL, "device-mapper: thin: ", "out-of-data-space", NULL, NULL, false},
	{HOST_HUNG_TASK, "INFO: task ", " for more than ", "INFO: task ", " blocked", false},
	{HOST_LOCKUP, "watchdog: BUG: soft lockup - CPU#", "", "soft lockup - ", " stuck", false},
	{HOST_LOCKUP, "NMI watchdog: ", "Watchdog detected hard LOCKUP on cpu ", "LOCKUP on ", NULL,
	 false},
	{HOST_LOCKUP, "watchdog: ", "Watchdog detected hard LOCKUP on cpu ", "LOCKUP on ", NULL,
	 false},
	{HOST_LOCKUP, "rcu: INFO: rcu_", "detected stalls on CPUs", "INFO: ", " ", false},
	{HOST_LOCKUP, "rcu: INFO: rcu_", "detected expedited stalls", "INFO: ", " ", false},
	{HOST_LOCKUP, "rcu: INFO: rcu_", "self-detected stall on CPU", "INFO: ", " ", false},
	{HOST_MACHINE_CHECK, "mce: [Hardware Error]: CPU ", "Machine Check", "Error]: ", ":",
	 false},
	{HOST_MACHINE_CHECK, "mce: [Hardware Error]: Machine check events logged", "", NULL, NULL,
	 false},
	{HOST_MACHINE_CHECK, "mce: Uncorrected hardware memory error in user-access", "", NULL,
	 NULL, false},
	{HOST_MACHINE_CHECK, "{", "[Hardware Error]: Hardware error from APEI", NULL, NULL, false},
	{HOST_MEMORY_ERROR, "Memory failure: ", ": Sending SIGBUS to ", "SIGBUS to ", " due to",
	 false},
	{HOST_MEMORY_ERROR, "Memory failure: ", ": Killing ", "Killing ", " due to", false},
	{HOST_MEMORY_ERROR, "MCE: Killing ", " due to hardware memory corruption", "Killing ",
	 " due to", false},
	{HOST_MEMORY_ERROR, "EDAC MC", " UE ", "EDAC ", ":", false},
	{HOST_MEMORY_ERROR, "EDAC MC", " CE ", "EDAC ", ":", false},
};

const size_t host_rule_count = sizeof(host_rules) / sizeof(*host_rules);

static const char *find(const char *text, size_t length, const char *words)
{
	return memmem(text, length, words, strlen(words));
}

/* What a container could have put into a line (a process's name) does not look like one. */
static size_t device_length(const char *text, size_t length)
{
	size_t used = 0;

	while (used < length && (isalnum((unsigned char)text[used]) || text[used] == '-' ||
				 text[used] == '_' || text[used] == '!'))
		used++;
	if (used < length && text[used] != ' ' &&
	    text[used] != ':') /* btrfs: "(device dm-0 state EA)" */
		return 0;
	return used;
}

/* A disk drive's tray, and what has no medium in it. */
static bool is_removable(const char *device)
{
	return strncmp(device, "sr", 2) == 0 || strncmp(device, "fd", 2) == 0;
}

static bool take_resource(const struct host_rule *rule, const char *line, size_t length,
			  struct event_host *ret)
{
	const char *end = line + length, *at = find(line, length, rule->before), *stop;

	if (!at)
		return false;
	at += strlen(rule->before);
	stop = rule->until ? find(at, (size_t)(end - at), rule->until) : end;
	if (!stop)
		return false;
	length = (size_t)(stop - at);
	if (rule->device)
		length = device_length(at, length);
	text_copy_n(ret->resource, sizeof(ret->resource), at, length);
	return length && !(rule->device && is_removable(ret->resource));
}

static bool matches(const struct host_rule *rule, const char *line, size_t length,
		    struct event_host *ret)
{
	size_t begin = strlen(rule->begins);

	if (length < begin || memcmp(line, rule->begins, begin) != 0 ||
	    !find(line + begin, length - begin, rule->contains))
		return false;
	*ret = (struct event_host){.fact = rule->fact, .count = 1};
	if (rule->before && !take_resource(rule, line, length, ret))
		return false;
	text_copy_n(ret->detail, sizeof(ret->detail), line, length);
	TEXT_COPY(ret->told_by, "kernel");
	return true;
}

bool host_rule_match(const char *line, size_t length, struct event_host *ret)
{
	for (size_t i = 0; i < host_rule_count; i++)
		if (matches(&host_rules[i], line, length, ret))
			return true;
	return false;
}
