/* SPDX-License-Identifier: Apache-2.0 */
#include "source/journal/last_boot.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Services have 90 s to stop by default; some ask for more. */
#define SHUTDOWN_MAX_NS ((int64_t)(300 * NS_PER_SECOND))
/* What was logged that long before the end explains it. */
#define LAST_WORDS_NS (120 * NS_PER_SECOND)

/*
 * How entries that tell of the end read. Looked at: systemd 252 (Debian 12's binaries), journals of Debian 11 and
 * Ubuntu 20.04 (Reached target Reboot.) and of newer ones (Reached target reboot.target - System Reboot.), kernel
 * logs of 5.10 to 6.12.
 */
static const struct ending {
	const char *identifier; /* NULL: the kernel */
	const char *text;
	bool inside; /* text is anywhere in the message, else its begin */
	size_t sign;
} endings[] = {
#define SIGN(name) offsetof(struct last_boot_evidence, name)
	{"systemd", "Reached target reboot.target", false, SIGN(shutdown)},
	{"systemd", "Reached target poweroff.target", false, SIGN(shutdown)},
	{"systemd", "Reached target halt.target", false, SIGN(shutdown)},
	{"systemd", "Reached target kexec.target", false, SIGN(shutdown)},
	{"systemd", "Reached target shutdown.target", false, SIGN(shutdown)},
	{"systemd", "Reached target Reboot", false, SIGN(shutdown)},
	{"systemd", "Reached target Power-Off", false, SIGN(shutdown)},
	{"systemd", "Reached target Shutdown", false, SIGN(shutdown)},
	{"systemd", "Shutting down.", false, SIGN(shutdown)},
	{"systemd-logind", "System is rebooting", false, SIGN(shutdown)},
	{"systemd-logind", "System is powering down", false, SIGN(shutdown)},
	{"systemd-logind", "System is halting", false, SIGN(shutdown)},
	{"systemd-logind", "The system will reboot now", false, SIGN(shutdown)},
	{"systemd-logind", "The system will power off now", false, SIGN(shutdown)},
	{"systemd-shutdown", "Syncing filesystems", false, SIGN(shutdown)},
	{"systemd-shutdown", "Sending SIGTERM to remaining processes", false, SIGN(shutdown)},
	{"systemd-journald", "Journal stopped", false, SIGN(stopped)},
	{NULL, "Kernel panic - not syncing", true, SIGN(panic)},
	{NULL, "detected hard LOCKUP", true, SIGN(watchdog)},
	{NULL, "BUG: soft lockup", true, SIGN(watchdog)},
	{"watchdog", "shutting down the system", false, SIGN(watchdog)},
#undef SIGN
};

static bool meets(const struct ending *ending, const struct last_boot_entry *entry)
{
	bool kernel = strcmp(entry->transport, "kernel") == 0;

	/* users' own managers shut down when they log out */
	if (strcmp(entry->identifier, "systemd") == 0 && strcmp(entry->pid, "1") != 0)
		return false;
	/* What systemd-shutdown says goes through /dev/kmsg; what the kernel says has no other name. */
	if (ending->identifier ? strcmp(entry->identifier, ending->identifier) != 0
			       : !kernel || strcmp(entry->identifier, "kernel") != 0)
		return false;
	return ending->inside ? strstr(entry->message, ending->text) != NULL
			      : strncmp(entry->message, ending->text, strlen(ending->text)) == 0;
}

void last_boot_note(struct last_boot_evidence *evidence, const struct last_boot_entry *entry)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		struct last_boot_sign *sign = (void *)((char *)evidence + endings[i].sign);

		if (!meets(&endings[i], entry))
			continue;
		if (!*sign->text || entry->boot_ns >= sign->boot_ns) {
			TEXT_COPY(sign->text, entry->message);
			sign->boot_ns = entry->boot_ns;
		}
		return;
	}
}

/* It said so within its last words; a machine that went on for hours was not ended by it. */
static bool ended_by(const struct last_boot_evidence *evidence, const struct last_boot_sign *sign,
		     uint64_t within_ns)
{
	return *sign->text && sign->boot_ns + within_ns >= evidence->journal_boot_ns;
}

/* The agent lived on long after its journal's end: that end was journald's alone. */
static bool outlived(const struct last_boot_evidence *evidence)
{
	return evidence->heartbeat_wall_ns - evidence->journal_wall_ns > SHUTDOWN_MAX_NS;
}

__attribute__((format(printf, 3, 4))) static void conclude(struct event_last_boot *ret,
							   enum boot_end end, const char *format,
							   ...)
{
	va_list arguments;

	ret->end = end;
	va_start(arguments, format);
	vsnprintf(ret->evidence, sizeof(ret->evidence), format, arguments);
	va_end(arguments);
}

static void judge_end(const struct last_boot_evidence *evidence, struct event_last_boot *ret)
{
	if (*evidence->pstore_panic)
		conclude(ret, BOOT_END_PANIC, "pstore: %.100s", evidence->pstore_panic);
	else if (evidence->journal && ended_by(evidence, &evidence->panic, LAST_WORDS_NS))
		conclude(ret, BOOT_END_PANIC, "journal: %.100s", evidence->panic.text);
	else if (evidence->journal && !outlived(evidence) &&
		 ended_by(evidence, &evidence->shutdown, (uint64_t)SHUTDOWN_MAX_NS))
		conclude(ret, BOOT_END_CLEAN, "journal: %.100s", evidence->shutdown.text);
	else if (evidence->journal && !outlived(evidence) &&
		 ended_by(evidence, &evidence->stopped, 0))
		conclude(ret, BOOT_END_CLEAN, "journal: %.100s", evidence->stopped.text);
	else if (evidence->watchdog_reset)
		conclude(ret, BOOT_END_WATCHDOG, "the watchdog device reports a reset");
	else if (evidence->journal && !outlived(evidence) &&
		 ended_by(evidence, &evidence->watchdog, LAST_WORDS_NS))
		conclude(ret, BOOT_END_WATCHDOG, "journal: %.100s", evidence->watchdog.text);
	else if (evidence->journal)
		conclude(ret, BOOT_END_POWER_LOSS, "the journal ends without a shutdown");
	else if (*evidence->boot_id)
		conclude(ret, BOOT_END_UNKNOWN, "the journal has nothing of that boot");
	else
		conclude(ret, BOOT_END_UNKNOWN, "no trace of a boot before this one");
}

void last_boot_judge(const struct last_boot_evidence *evidence, struct event_last_boot *ret)
{
	struct event_last_boot told = {0};
	int64_t down_ns;

	TEXT_COPY(told.boot_id, evidence->boot_id);
	judge_end(evidence, &told);
	if (evidence->journal)
		told.last_wall_ns = evidence->journal_wall_ns;
	if (evidence->heartbeat_wall_ns > told.last_wall_ns)
		told.last_wall_ns = evidence->heartbeat_wall_ns;
	/* a clock that was set back in between tells nothing of how long it was */
	down_ns = evidence->start_wall_ns - told.last_wall_ns;
	if (told.last_wall_ns && down_ns > 0)
		told.down_ns = (uint64_t)down_ns;
	*ret = told;
}
