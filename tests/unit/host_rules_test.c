// SPDX-License-Identifier: Apache-2.0
/* Each rule on a line as Linux 5.10 to 6.18 write it; and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/host/host_fold.h"
#include "source/host/host_rules.h"

static const struct line_case {
	enum host_fact fact;
	const char *resource, *line;
} lines[] = {
	{HOST_READ_ONLY, "sda1", "EXT4-fs (sda1): Remounting filesystem read-only"},
	{HOST_DISK_ERROR, "loop0",
	 "EXT4-fs error (device loop0): ext4_lookup:1858: inode #2: comm ls: deleted inode "
	 "referenced: 12"},
	{HOST_DISK_ERROR, "dm-3",
	 "EXT4-fs warning (device dm-3): ext4_end_bio:343: I/O error 10 writing to inode 131 "
	 "starting block 9)"},
	{HOST_READ_ONLY, "dm-0", "XFS (dm-0): I/O Error Detected. Shutting down filesystem"},
	{HOST_READ_ONLY, "sdb1",
	 "XFS (sdb1): Metadata I/O Error (0x1) detected at xfs_trans_read_buf_map+0x1 "
	 "(fs/xfs/xfs_trans_buf.c:296).  Shutting down filesystem."},
	{HOST_READ_ONLY, "dm-0",
	 "XFS (dm-0): Filesystem has been shut down due to log error (0x2)."},
	{HOST_DISK_ERROR, "dm-0", "XFS (dm-0): log I/O error -5"},
	{HOST_DISK_ERROR, "nvme0n1p2",
	 "XFS (nvme0n1p2): metadata I/O error in \"xfs_da_read_buf+0xe1/0x1a0 [xfs]\" at daddr 0x8 "
	 "len 8 error 5"},
	{HOST_READ_ONLY, "sdb", "BTRFS info (device sdb): forced readonly"},
	{HOST_READ_ONLY, "dm-1", "BTRFS info (device dm-1 state EA): forced readonly"},
	{HOST_DISK_FULL, "dm-1",
	 "BTRFS: error (device dm-1: state A) in btrfs_finish_ordered_io:3124: errno=-28 No space "
	 "left"},
	{HOST_DISK_ERROR, "sdb1",
	 "BTRFS: error (device sdb1) in btrfs_commit_transaction:2279: errno=-5 IO failure (Error "
	 "while writing out transaction)"},
	{HOST_DISK_ERROR, "sda1",
	 "BTRFS error (device sda1): bdev /dev/sda1 errs: wr 0, rd 1, flush 0, corrupt 0, gen 0"},
	{HOST_READ_ONLY, "mmcblk0p2", "F2FS-fs (mmcblk0p2): Remounting filesystem read-only"},
	{HOST_DISK_FULL, "dm-2",
	 "critical space allocation error, dev dm-2, sector 8216 op 0x1:(WRITE) flags 0x800 "
	 "phys_seg 1 prio class 2"},
	{HOST_DISK_ERROR, "sda",
	 "blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg "
	 "1 prio class 0"},
	{HOST_DISK_ERROR, "sda",
	 "I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2"},
	{HOST_DISK_ERROR, "nvme0n1",
	 "blk_update_request: critical medium error, dev nvme0n1, sector 9 op 0x0:(READ) flags 0x0 "
	 "phys_seg 1 prio class 0"},
	{HOST_DISK_ERROR, "sdc",
	 "critical target error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0 phys_seg 1 prio class "
	 "2"},
	{HOST_DISK_ERROR, "sdc",
	 "critical nexus error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0"},
	{HOST_DISK_ERROR, "sdc",
	 "recoverable transport error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0"},
	{HOST_DISK_ERROR, "sdc", "timeout error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0"},
	{HOST_DISK_ERROR, "sdc", "protection error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0"},
	{HOST_DISK_ERROR, "sdc",
	 "device offline error, dev sdc, sector 9 op 0x1:(WRITE) flags 0x0"},
	{HOST_DISK_ERROR, "dm-0",
	 "Buffer I/O error on dev dm-0, logical block 2589, lost async page write"},
	{HOST_DISK_ERROR, "nvme0", "nvme nvme0: I/O 12 QID 3 timeout, aborting"},
	{HOST_DISK_ERROR, "nvme1",
	 "nvme nvme1: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10"},
	{HOST_DISK_FULL, "",
	 "device-mapper: thin: 253:4: switching pool to out-of-data-space (queue IO) mode"},
	{HOST_HUNG_TASK, "postgres:3071",
	 "INFO: task postgres:3071 blocked for more than 120 seconds."},
	{HOST_HUNG_TASK, "my app:x:77",
	 "INFO: task my app:x:77 blocked in I/O wait for more than 122 seconds."},
	{HOST_LOCKUP, "CPU#2", "watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [stress:1234]"},
	{HOST_LOCKUP, "cpu 0", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0"},
	{HOST_LOCKUP, "cpu 3", "watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 3"},
	{HOST_LOCKUP, "rcu_sched", "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:"},
	{HOST_LOCKUP, "rcu_preempt",
	 "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 3-.... } 26 jiffies s: "
	 "133"},
	{HOST_LOCKUP, "rcu_preempt", "rcu: INFO: rcu_preempt self-detected stall on CPU"},
	{HOST_MACHINE_CHECK, "CPU 2",
	 "mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 4: be00000000800400"},
	{HOST_MACHINE_CHECK, "", "mce: [Hardware Error]: Machine check events logged"},
	{HOST_MACHINE_CHECK, "",
	 "mce: Uncorrected hardware memory error in user-access at 3f5c4000"},
	{HOST_MACHINE_CHECK, "",
	 "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 0"},
	{HOST_MEMORY_ERROR, "redis-server:88",
	 "Memory failure: 0x1840200: Sending SIGBUS to redis-server:88 due to hardware memory "
	 "corruption"},
	{HOST_MEMORY_ERROR, "redis-server:88",
	 "Memory failure: 0x1840200: Killing redis-server:88 due to hardware memory corruption"},
	{HOST_MEMORY_ERROR, "app:9",
	 "MCE: Killing app:9 due to hardware memory corruption fault at 7f0012345000"},
	{HOST_MEMORY_ERROR, "MC0",
	 "EDAC MC0: 1 UE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 slot:0 "
	 "page:0x1 offset:0x0)"},
	{HOST_MEMORY_ERROR, "MC1",
	 "EDAC MC1: 3 CE memory scrubbing error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 "
	 "slot:0)"},
};

static bool match(const char *line, struct event_host *ret)
{
	return host_rule_match(line, strlen(line), ret);
}

static void each_wording(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct event_host host;

		if (!match(lines[i].line, &host))
			fail_msg("not seen: %s", lines[i].line);
		if (host.fact != lines[i].fact || strcmp(host.resource, lines[i].resource) != 0)
			fail_msg("%s: fact %d of '%s'", lines[i].line, (int)host.fact,
				 host.resource);
		assert_memory_equal(host.detail, lines[i].line,
				    40 < strlen(lines[i].line) ? 40 : strlen(lines[i].line));
		assert_string_equal(host.told_by, "kernel");
	}
}

/* A rule without a line of its own here would be one that nobody saw match. */
static void each_rule_has_its_line(void **state)
{
	(void)state;
	for (size_t rule = 0; rule < host_rule_count; rule++) {
		const struct host_rule *of = &host_rules[rule];
		bool seen = false;

		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
			seen |= lines[i].fact == of->fact &&
				strncmp(lines[i].line, of->begins, strlen(of->begins)) == 0 &&
				strstr(lines[i].line, of->contains);
		if (!seen)
			fail_msg("no line for '%s…%s'", of->begins, of->contains);
	}
}

static void other_lines(void **state)
{
	static const char *const others[] = {
		"",
		"EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)",
		"EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro",
		"XFS (dm-0): Ending clean mount",
		"BTRFS info (device sdb): disk space caching is enabled",
		"operation not supported error, dev sda, sector 0 op 0x3:(DISCARD) flags 0x0",
		"I/O error, dev sr0, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
		"I/O error, dev fd0, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
		"I/O error, dev [123]: segfault at 0 ip 0000 sp 0000 error 4 in app[400000+1000], "
		"x",
		"INFO: task_struct blocked for more than",
		"INFO: lockdep is turned off.",
		"rcu: Hierarchical SRCU implementation.",
		"watchdog: Disabling watchdog on nohz_full cores by default",
		"Memory failure: 0x1840200: recovery action for dirty LRU page: Recovered",
		"EDAC MC: Ver: 3.0.0",
		"mce: CPU supports 22 MCE banks",
		"app[9]: Remounting filesystem read-only",
		"Out of memory: Killed process 9 (a) total-vm:1kB",
		"nvme nvme0: 4/0/0 default/read/poll queues",
	};
	struct event_host host;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (match(others[i], &host))
			fail_msg("taken for %d: %s", (int)host.fact, others[i]);
}

/* --- repeats --- */

struct told {
	uint32_t events, count;
};

static void on_event(void *context, const struct event *event)
{
	struct told *told = context;

	told->events++;
	told->count += event->host.count;
}

static struct event at(uint64_t ns, const char *resource)
{
	struct event event = {.type = EVENT_HOST, .boot_ns = ns};

	event.host.fact = HOST_DISK_ERROR;
	event.host.count = 1;
	strncpy(event.host.resource, resource, sizeof(event.host.resource) - 1);
	return event;
}

static void a_flood_is_few_events(void **state)
{
	struct host_fold fold = {0};
	struct told told = {0};

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) { /* a millisecond each */
		struct event event = at(NS_PER_SECOND + i * NS_PER_MS, "sda");

		host_fold_note(&fold, &event, on_event, &told);
	}
	assert_true(told.events <= 3);
	/* and none of them is lost */
	assert_int_not_equal(host_fold_due(&fold, 10 * NS_PER_SECOND, on_event, &told), UINT64_MAX);
	assert_int_equal(host_fold_due(&fold, 60 * NS_PER_SECOND, on_event, &told), UINT64_MAX);
	assert_int_equal(told.count, 10000);
}

static void kinds_beyond_the_places(void **state)
{
	struct host_fold fold = {0};
	struct told told = {0};
	char name[8] = "sda";

	(void)state;
	for (int round = 0; round < 3; round++)
		for (char letter = 'a'; letter < 'a' + HOST_FOLD_MAX + 4; letter++) {
			name[2] = letter;
			struct event event = at(NS_PER_SECOND, name);

			host_fold_note(&fold, &event, on_event, &told);
		}
	host_fold_due(&fold, 60 * NS_PER_SECOND, on_event, &told);
	assert_int_equal(told.count, 3 * (HOST_FOLD_MAX + 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wording),
		cmocka_unit_test(each_rule_has_its_line),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(a_flood_is_few_events),
		cmocka_unit_test(kinds_beyond_the_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
