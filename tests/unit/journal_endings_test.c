// SPDX-License-Identifier: Apache-2.0
/* How the boot before ended, and which one that was, from real journal files, pstore and what the store knows. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/journal_fixture.h"

/* This kernel's start; the boots before it ended that long before. */
#define START (clock_wall_offset_ns())
#define SS    ((int64_t)S)

static void this_boot(struct machine *machine, int64_t start_wall_ns)
{
	machine_boot(machine, THIS_BOOT, start_wall_ns);
	machine_entry(machine, S, "kernel", "", "Linux version 6.1.0");
	machine_entry(machine, 2 * S, "systemd", "init.scope", "hello");
}

/* 1000 s of running, with what a boot says in its first seconds. */
static void life(struct machine *machine, const char *boot_id, int64_t end_wall_ns)
{
	machine_boot(machine, boot_id, end_wall_ns - 1000 * SS);
	machine_entry(machine, S, "kernel", "", "Linux version 6.1.0");
	/* the initrd's journald */
	machine_entry(machine, 3 * S, "systemd-journald", "systemd-journald.service",
		      "Journal stopped");
	for (uint64_t i = 0; i < 3000; i++)
		machine_entry(machine, 4 * S + i * MS, "app", "app.service", "lives");
}

static void reboot_in_order(struct machine *machine)
{
	machine_entry(machine, 990 * S, "systemd-logind", "systemd-logind.service",
		      "System is rebooting.");
	for (uint64_t i = 0; i < 300; i++)
		machine_entry(machine, 991 * S + i * MS, "systemd", "init.scope",
			      "Stopped app.service - An app.");
	machine_entry(machine, 998 * S, "systemd", "init.scope",
		      "Reached target reboot.target - System Reboot.");
	machine_entry(machine, 999 * S, "systemd-shutdown", "", "Syncing filesystems.");
	machine_entry(machine, 1000 * S, "systemd-journald", "systemd-journald.service",
		      "Journal stopped");
}

static const struct event_last_boot *look(struct machine *machine,
					  struct journal_source_options options)
{
	const struct event *event;

	machine->count = 0;
	machine_look(machine, options, 1, NULL);
	event = machine_event(machine, EVENT_LAST_BOOT, 0);
	assert_non_null(event);
	assert_int_equal(event->flags, EVENT_RECONSTRUCTED);
	assert_int_equal(event->boot_ns, 1);
	return &event->last_boot;
}

static void assert_near(int64_t value, int64_t expected)
{
	/* both clocks are read anew, and entries have whole us */
	assert_in_range(llabs(value - expected), 0, SS);
}

static void clean(void **state)
{
	const struct event_last_boot *told;
	struct machine machine;
	int64_t end = START - 42 * SS;

	(void)state;
	machine_open(&machine);
	life(&machine, OLDER_BOOT, end - 5000 * SS);
	life(&machine, LAST_BOOT, end);
	reboot_in_order(&machine);
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, (struct journal_source_options){0});
	assert_int_equal(told->end, BOOT_END_CLEAN);
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_non_null(strstr(told->evidence, "Syncing filesystems"));
	assert_near(told->last_wall_ns, end);
	assert_near((int64_t)told->down_ns, 42 * SS);
	machine_remove(&machine);
}

/* The file that was open when power failed has been renamed by the next journald. */
static void power_loss(void **state)
{
	struct journal_source_options options = {.known_boots = {LAST_BOOT, OLDER_BOOT}};
	const struct event_last_boot *told;
	struct machine machine;
	int64_t end = START - 42 * SS;

	(void)state;
	machine_open(&machine);
	life(&machine, OLDER_BOOT, end - 5000 * SS);
	reboot_in_order(&machine);
	life(&machine, LAST_BOOT, end);
	machine_entry(&machine, 999 * S, "systemd", "user@0.service",
		      "Reached target shutdown.target - Shutdown.");
	machine_entry(&machine, 1000 * S, "app", "app.service", "its last words");
	machine_write(&machine, PERSISTENT, "system@0005.journal~");
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, options);
	assert_int_equal(told->end, BOOT_END_POWER_LOSS);
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_near(told->last_wall_ns, end);
	/* journald writes late, the agent's heartbeat is the later sign */
	options.heartbeat_wall_ns = end + 7 * SS;
	told = look(&machine, options);
	assert_int_equal(told->end, BOOT_END_POWER_LOSS);
	assert_int_equal(told->last_wall_ns, options.heartbeat_wall_ns);
	assert_near((int64_t)told->down_ns, 35 * SS);
	machine_remove(&machine);
}

static void lockup(void **state)
{
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, LAST_BOOT, START - 42 * SS);
	machine_entry(&machine, 1000 * S, "kernel", "",
		      "watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [app:77]");
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, (struct journal_source_options){0});
	assert_int_equal(told->end, BOOT_END_WATCHDOG);
	machine_remove(&machine);
}

static void set_time(const struct machine *machine, const char *path, int64_t wall_ns)
{
	const struct timespec times[2] = {{.tv_sec = wall_ns / SS}, {.tv_sec = wall_ns / SS}};
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", machine->root, path);
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

/* Where the kernel left it, and where systemd-pstore moved it to; an older boot's is not this one's. */
static void panic(void **state)
{
	static const char panicked[] = "Panic#1 Part1\n"
				       "<6>[  311.000000] before it\n"
				       "<0>[  312.345678] Kernel panic - not syncing: sysrq "
				       "triggered crash\n"
				       "<4>[  312.345680] CPU: 0 PID: 1203 Comm: sh\n";
	static const char oops[] = "Oops#1 Part1\n<1>[ 1.0] BUG: kernel NULL pointer\n";
	static const char record[] = "sys/fs/pstore/dmesg-ramoops-0";
	static const char moved[] = "var/lib/systemd/pstore/1790000000/001/dmesg.txt";
	const struct event_last_boot *told;
	struct machine machine;
	int64_t end = START - 42 * SS;

	(void)state;
	machine_open(&machine);
	life(&machine, LAST_BOOT, end);
	machine_entry(&machine, 1000 * S, "app", "app.service", "its last words");
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");

	machine_put(&machine, record, oops, strlen(oops));
	set_time(&machine, record, end);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end,
			 BOOT_END_POWER_LOSS);

	machine_put(&machine, record, panicked, strlen(panicked));
	set_time(&machine, record, end - 2000 * SS);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end,
			 BOOT_END_POWER_LOSS);

	set_time(&machine, record, end);
	told = look(&machine, (struct journal_source_options){0});
	assert_int_equal(told->end, BOOT_END_PANIC);
	assert_string_equal(told->evidence,
			    "pstore: Kernel panic - not syncing: sysrq triggered crash");
	machine_put(&machine, record, oops, strlen(oops));

	machine_put(&machine, moved, panicked, strlen(panicked));
	set_time(&machine, moved, START - 10 * SS);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end,
			 BOOT_END_POWER_LOSS);
	set_time(&machine, moved, START + 10 * SS);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end, BOOT_END_PANIC);
	machine_remove(&machine);
}

static void the_watchdog_device(void **state)
{
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, LAST_BOOT, START - 42 * SS);
	machine_entry(&machine, 1000 * S, "app", "app.service", "its last words");
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_put(&machine, "sys/class/watchdog/watchdog0/bootstatus", "0\n", 2);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end,
			 BOOT_END_POWER_LOSS);
	machine_put(&machine, "sys/class/watchdog/watchdog0/bootstatus", "32\n", 3);
	assert_int_equal(look(&machine, (struct journal_source_options){0})->end,
			 BOOT_END_WATCHDOG);
	machine_remove(&machine);
}

/* The store knows the boot before; its journal is gone, an older one's is there. */
static void vacuumed(void **state)
{
	struct journal_source_options options = {.known_boots = {LAST_BOOT, OLDER_BOOT},
						 .heartbeat_wall_ns = START - 50 * SS};
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, OLDER_BOOT, START - 5000 * SS);
	reboot_in_order(&machine);
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, options);
	assert_int_equal(told->end, BOOT_END_UNKNOWN);
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_string_equal(told->evidence, "the journal has nothing of that boot");
	assert_int_equal(told->last_wall_ns, options.heartbeat_wall_ns);
	assert_near((int64_t)told->down_ns, 50 * SS);
	machine_remove(&machine);
}

/* A boot in which no agent ran came after the last one that the store knows. */
static void a_boot_without_the_agent(void **state)
{
	struct journal_source_options options = {.known_boots = {OLDER_BOOT},
						 .heartbeat_wall_ns = START - 5000 * SS};
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, OLDER_BOOT, START - 5000 * SS);
	life(&machine, LAST_BOOT, START - 42 * SS);
	reboot_in_order(&machine);
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, options);
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_int_equal(told->end, BOOT_END_CLEAN);
	assert_near((int64_t)told->down_ns, 42 * SS);
	machine_remove(&machine);
}

/*
 * No battery: this boot began in 1970 by its own clock, and was set later. The boot before the last had a clock
 * that was a year ahead.
 */
static void a_clock_that_steps(void **state)
{
	struct journal_source_options options = {.known_boots = {LAST_BOOT, OLDER_BOOT}};
	const struct event_last_boot *told;
	struct machine machine;
	int64_t end = START - 42 * SS;

	(void)state;
	machine_open(&machine);
	life(&machine, OLDER_BOOT, START + 365 * 86400 * SS);
	machine_write(&machine, PERSISTENT, "system@1.journal");
	life(&machine, LAST_BOOT, end);
	reboot_in_order(&machine);
	machine_write(&machine, PERSISTENT, "system@2.journal");
	this_boot(&machine, 1000 * SS);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, options);
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_int_equal(told->end, BOOT_END_CLEAN);
	assert_near((int64_t)told->down_ns, 42 * SS);
	machine_remove(&machine);
}

/* The last boot's clock was ahead: how long the node was down can't be told. */
static void a_clock_that_was_ahead(void **state)
{
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, LAST_BOOT, START + 3600 * SS);
	reboot_in_order(&machine);
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	told = look(&machine, (struct journal_source_options){0});
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_int_equal(told->end, BOOT_END_CLEAN);
	assert_int_equal(told->down_ns, 0);
	machine_remove(&machine);
}

/* A container that boots keeps its journal beside the host's. */
static void another_machine(void **state)
{
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	life(&machine, LAST_BOOT, START - 42 * SS);
	reboot_in_order(&machine);
	this_boot(&machine, START);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine.machine_id = "33333333333333333333333333333333";
	life(&machine, OLDER_BOOT, START - 5 * SS);
	machine_entry(&machine, 1000 * S, "app", "app.service", "its last words");
	machine_write(&machine, "var/log/journal/33333333333333333333333333333333",
		      "system.journal");
	told = look(&machine, (struct journal_source_options){0});
	assert_string_equal(told->boot_id, LAST_BOOT);
	assert_int_equal(told->end, BOOT_END_CLEAN);
	machine_remove(&machine);
}

/* An agent on a host whose journal is not kept. */
static void only_this_boot(void **state)
{
	const struct event_last_boot *told;
	struct machine machine;

	(void)state;
	machine_open(&machine);
	this_boot(&machine, START);
	machine_write(&machine, VOLATILE, "system.journal");
	told = look(&machine, (struct journal_source_options){0});
	assert_int_equal(told->end, BOOT_END_UNKNOWN);
	assert_string_equal(told->boot_id, "");
	assert_int_equal(told->last_wall_ns, 0);
	assert_int_equal(told->down_ns, 0);
	machine_remove(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean),
		cmocka_unit_test(power_loss),
		cmocka_unit_test(lockup),
		cmocka_unit_test(panic),
		cmocka_unit_test(the_watchdog_device),
		cmocka_unit_test(vacuumed),
		cmocka_unit_test(a_boot_without_the_agent),
		cmocka_unit_test(a_clock_that_steps),
		cmocka_unit_test(a_clock_that_was_ahead),
		cmocka_unit_test(another_machine),
		cmocka_unit_test(only_this_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
