// SPDX-License-Identifier: Apache-2.0
/* How the last boot ended: evidence in, verdict out; and which lines of its journal are evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/journal/last_boot.h"

#define S    ((int64_t)NS_PER_SECOND)
#define BOOT "bbbbbbbb-0000-4000-8000-000000000002"
/* kernel's start of this boot, and the end of the journal before it: 60 s earlier, after 1000 s of that boot */
#define START (INT64_C(1790000000) * S)
#define LAST  (START - 60 * S)
#define END   (1000 * NS_PER_SECOND)

static const struct {
	const char *name;
	struct last_boot_evidence evidence; /* boot_id, start and the journal's end are filled in */
	enum boot_end end;
	const char *text; /* is in the evidence told */
	int64_t last_wall_ns;
	uint64_t down_ns;
} cases[] = {
	{"nothing at all", {.journal = false}, BOOT_END_UNKNOWN, "no trace", 0, 0},
	{"the journal ends in a shutdown",
	 {.journal = true, .shutdown = {"Reached target reboot.target - System Reboot.", END}},
	 BOOT_END_CLEAN,
	 "Reached target reboot.target",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a shutdown that takes long is one still",
	 {.journal = true, .shutdown = {"System is rebooting.", END - 200 * NS_PER_SECOND}},
	 BOOT_END_CLEAN,
	 "System is rebooting",
	 LAST,
	 60 * NS_PER_SECOND},
	{"one that was called off is none",
	 {.journal = true, .shutdown = {"System is rebooting.", END - 400 * NS_PER_SECOND}},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST,
	 60 * NS_PER_SECOND},
	{"journald ended last",
	 {.journal = true, .stopped = {"Journal stopped", END}},
	 BOOT_END_CLEAN,
	 "Journal stopped",
	 LAST,
	 60 * NS_PER_SECOND},
	{"journald was restarted, and it went on",
	 {.journal = true, .stopped = {"Journal stopped", END - NS_PER_SECOND}},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST,
	 60 * NS_PER_SECOND},
	{"journald ended, the agent lived on for long",
	 {.journal = true,
	  .stopped = {"Journal stopped", END},
	  .heartbeat_wall_ns = LAST + 301 * S},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST + 301 * S,
	 0},
	{"the journal just ends",
	 {.journal = true},
	 BOOT_END_POWER_LOSS,
	 "ends without a shutdown",
	 LAST,
	 60 * NS_PER_SECOND},
	{"the heartbeat is later than the journal",
	 {.journal = true, .heartbeat_wall_ns = LAST + 8 * S},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST + 8 * S,
	 52 * NS_PER_SECOND},
	{"the heartbeat is earlier",
	 {.journal = true, .heartbeat_wall_ns = LAST - 8 * S},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a panic in the journal's last words",
	 {.journal = true, .panic = {"Kernel panic - not syncing: Fatal exception", END - 100}},
	 BOOT_END_PANIC,
	 "Fatal exception",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a panic in pstore, whatever the journal says",
	 {.journal = true,
	  .shutdown = {"System is rebooting.", END},
	  .pstore_panic = "Kernel panic - not syncing: sysrq triggered crash"},
	 BOOT_END_PANIC,
	 "pstore: Kernel panic - not syncing: sysrq",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a panic in pstore without a journal",
	 {.journal = false, .pstore_panic = "Kernel panic", .heartbeat_wall_ns = LAST},
	 BOOT_END_PANIC,
	 "pstore",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a lockup, and nothing after it",
	 {.journal = true, .watchdog = {"watchdog: BUG: soft lockup - CPU#0 stuck", END}},
	 BOOT_END_WATCHDOG,
	 "soft lockup",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a lockup that it came out of",
	 {.journal = true,
	  .watchdog = {"watchdog: BUG: soft lockup - CPU#0 stuck", END - 121 * NS_PER_SECOND}},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 LAST,
	 60 * NS_PER_SECOND},
	{"the watchdog device says so",
	 {.journal = true, .watchdog_reset = true},
	 BOOT_END_WATCHDOG,
	 "watchdog device",
	 LAST,
	 60 * NS_PER_SECOND},
	{"a device that says so always does not undo a clean shutdown",
	 {.journal = true, .watchdog_reset = true, .shutdown = {"Shutting down.", END}},
	 BOOT_END_CLEAN,
	 "Shutting down",
	 LAST,
	 60 * NS_PER_SECOND},
	{"the store knows the boot, the journal does not",
	 {.journal = false, .heartbeat_wall_ns = LAST},
	 BOOT_END_UNKNOWN,
	 "nothing of that boot",
	 LAST,
	 60 * NS_PER_SECOND},
	{"the clock was set back in between",
	 {.journal = true, .heartbeat_wall_ns = START + 5 * S},
	 BOOT_END_POWER_LOSS,
	 "ends without",
	 START + 5 * S,
	 0},
};

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct last_boot_evidence evidence = cases[i].evidence;
		struct event_last_boot told;

		evidence.start_wall_ns = START;
		if (evidence.journal) {
			evidence.journal_wall_ns = LAST;
			evidence.journal_boot_ns = END;
		}
		if (i > 0)
			TEXT_COPY(evidence.boot_id, BOOT);
		last_boot_judge(&evidence, &told);
		if (told.end != cases[i].end || !strstr(told.evidence, cases[i].text) ||
		    told.last_wall_ns != cases[i].last_wall_ns || told.down_ns != cases[i].down_ns)
			fail_msg("%s: end %d, \"%s\", last %lld, down %llu", cases[i].name,
				 told.end, told.evidence, (long long)(told.last_wall_ns - LAST),
				 (unsigned long long)told.down_ns);
	}
}

enum which { NOTHING, SHUTDOWN, STOPPED, PANIC, WATCHDOG };

static const struct {
	const char *identifier, *transport, *message;
	enum which which;
} lines[] = {
	/* systemd 252, 247 */
	{"systemd", "journal", "Reached target reboot.target - System Reboot.", SHUTDOWN},
	{"systemd", "journal", "Reached target poweroff.target - System Power Off.", SHUTDOWN},
	{"systemd", "journal", "Reached target halt.target - System Halt.", SHUTDOWN},
	{"systemd", "journal", "Reached target kexec.target - Reboot via kexec.", SHUTDOWN},
	{"systemd", "journal", "Reached target shutdown.target - System Shutdown.", SHUTDOWN},
	{"systemd", "journal", "Reached target Reboot.", SHUTDOWN},
	{"systemd", "journal", "Reached target Power-Off.", SHUTDOWN},
	{"systemd", "journal", "Reached target Shutdown.", SHUTDOWN},
	{"systemd", "journal", "Shutting down.", SHUTDOWN},
	{"systemd-logind", "journal", "System is rebooting.", SHUTDOWN},
	{"systemd-logind", "journal", "System is powering down.", SHUTDOWN},
	{"systemd-logind", "journal", "System is halting.", SHUTDOWN},
	{"systemd-logind", "journal", "The system will reboot now!", SHUTDOWN},
	{"systemd-logind", "journal", "The system will power off now!", SHUTDOWN},
	{"systemd-shutdown", "kernel", "Syncing filesystems and block devices.", SHUTDOWN},
	{"systemd-shutdown", "kernel", "Sending SIGTERM to remaining processes...", SHUTDOWN},
	{"systemd-journald", "driver", "Journal stopped", STOPPED},
	{"kernel", "kernel", "Kernel panic - not syncing: sysrq triggered crash", PANIC},
	{"kernel", "kernel", "watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [a:1]", WATCHDOG},
	{"kernel", "kernel", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", WATCHDOG},
	{"watchdog", "syslog", "shutting down the system because of error 14", WATCHDOG},
	/* what reads alike and says nothing of an end */
	{"systemd", "journal", "Reached target multi-user.target - Multi-User System.", NOTHING},
	{"systemd", "journal", "Stopped target reboot.target - System Reboot.", NOTHING},
	{"systemd-logind", "journal", "System is suspending.", NOTHING},
	{"systemd-journald", "driver", "Journal started", NOTHING},
	{"sshd", "syslog", "Shutting down.", NOTHING},
	{"app", "stdout", "Kernel panic - not syncing: told by a program", NOTHING},
	{"kernel", "stdout", "Kernel panic - not syncing: by a program of that name", NOTHING},
	{"kernel", "kernel", "watchdog: watchdog0: watchdog did not stop!", NOTHING},
};

static void what_is_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct last_boot_evidence evidence = {0};
		const struct last_boot_sign *signs[] = {
			[SHUTDOWN] = &evidence.shutdown,
			[STOPPED] = &evidence.stopped,
			[PANIC] = &evidence.panic,
			[WATCHDOG] = &evidence.watchdog,
		};
		struct last_boot_entry entry = {
			.identifier = lines[i].identifier,
			.transport = lines[i].transport,
			.pid = "1",
			.message = lines[i].message,
			.boot_ns = 7,
		};

		last_boot_note(&evidence, &entry);
		for (enum which which = SHUTDOWN; which <= WATCHDOG; which++)
			if ((*signs[which]->text != '\0') != (which == lines[i].which))
				fail_msg("%s: %s", lines[i].identifier, lines[i].message);
	}
}

/* root has logged out; its manager says the same as process 1 */
static void a_users_manager(void **state)
{
	struct last_boot_evidence evidence = {0};
	struct last_boot_entry entry = {
		.identifier = "systemd",
		.transport = "journal",
		.pid = "1234",
		.message = "Reached target shutdown.target - Shutdown.",
		.boot_ns = 20,
	};

	(void)state;
	last_boot_note(&evidence, &entry);
	assert_string_equal(evidence.shutdown.text, "");
	entry.pid = "1";
	last_boot_note(&evidence, &entry);
	assert_string_not_equal(evidence.shutdown.text, "");
}

static void the_latest_sign_counts(void **state)
{
	struct last_boot_evidence evidence = {0};
	struct last_boot_entry entry = {
		.identifier = "systemd-logind",
		.transport = "journal",
		.pid = "500",
		.message = "System is rebooting.",
		.boot_ns = 20,
	};

	(void)state;
	last_boot_note(&evidence, &entry);
	entry.message = "System is powering down.";
	entry.boot_ns = 10;
	last_boot_note(&evidence, &entry);
	assert_string_equal(evidence.shutdown.text, "System is rebooting.");
	entry.boot_ns = 30;
	last_boot_note(&evidence, &entry);
	assert_string_equal(evidence.shutdown.text, "System is powering down.");
	assert_int_equal(evidence.shutdown.boot_ns, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(what_is_evidence),
		cmocka_unit_test(a_users_manager),
		cmocka_unit_test(the_latest_sign_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
