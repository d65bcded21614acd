// SPDX-License-Identifier: Apache-2.0
#include "model/boot_words.h"

#include <string.h>

#include "base/text.h"
#include "model/json.h"

static const char *unit_of(const struct record_boot *boot, enum boot_phase phase)
{
	for (uint32_t i = 0; i < boot->phase_count && i < BOOT_PHASES_MAX; i++)
		if (boot->phases[i].phase == phase && *boot->phases[i].unit)
			return boot->phases[i].unit;
	return NULL;
}

void boot_words_phase(const struct record_boot *boot, enum boot_phase phase,
		      char ret[static UNIT_SIZE])
{
	const char *unit = phase == BOOT_PHASE_RUNTIME ? unit_of(boot, phase) : NULL;
	const char *end = unit ? strrchr(unit, '.') : NULL;

	if (unit && end && end > unit && strcmp(end, ".service") == 0)
		text_copy_n(ret, UNIT_SIZE, unit, (size_t)(end - unit));
	else if (unit)
		text_copy(ret, UNIT_SIZE, unit);
	else
		text_copy(ret, UNIT_SIZE,
			  phase == BOOT_PHASE_NODE ? "node ready" : boot_phase_name(phase));
}

const char *boot_words_end(enum boot_end end)
{
	switch (end) {
	case BOOT_END_CLEAN:
		return "clean shutdown";
	case BOOT_END_PANIC:
		return "kernel panic";
	case BOOT_END_WATCHDOG:
		return "watchdog reset";
	case BOOT_END_POWER_LOSS:
		return "power loss, reset or hang";
	default:
		return "";
	}
}

const char *boot_words_state(enum boot_state state)
{
	switch (state) {
	case BOOT_READY:
		return "ready after ";
	case BOOT_NOT_RECOVERED:
		return "not recovered after ";
	case BOOT_WAKING:
		return "waking for ";
	default:
		return "how it went was not seen";
	}
}
