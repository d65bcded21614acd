/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_takedown.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void boot_takedown_begin(struct boot_takedown *takedown, const struct event *exec)
{
	const char *slash = strrchr(exec->exec.file, '/');

	if (takedown->pid && exec->exec.parent_pid == takedown->pid)
		return;
	if (!takedown->span.from_ns)
		takedown->span.from_ns = exec->boot_ns;
	takedown->pid = exec->exec.who.pid;
	takedown->since_ns = exec->boot_ns;
	TEXT_COPY(takedown->plugin, slash ? slash + 1 : exec->exec.file);
}

bool boot_takedown_end(struct boot_takedown *takedown, const struct event *exit)
{
	uint64_t ns = exit->boot_ns - takedown->since_ns;

	if (!takedown->pid || exit->exit.who.pid != takedown->pid ||
	    exit->boot_ns < takedown->since_ns)
		return false;
	takedown->pid = 0;
	takedown->span.to_ns = exit->boot_ns;
	if (ns > takedown->longest_ns) {
		takedown->longest_ns = ns;
		TEXT_COPY(takedown->longest, takedown->plugin);
	}
	return true;
}

void boot_takedown_text(const struct boot_takedown *takedown, char ret_text[static CAUSE_SIZE])
{
	int used = snprintf(ret_text, CAUSE_SIZE, "its sandbox of before the boot was taken down");

	if (takedown->longest_ns)
		snprintf(ret_text + used, CAUSE_SIZE - (size_t)used, ": %.1fs in CNI plugin %.40s",
			 (double)takedown->longest_ns / (double)NS_PER_SECOND, takedown->longest);
}
