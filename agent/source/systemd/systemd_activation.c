/* SPDX-License-Identifier: Apache-2.0 */
#include "source/systemd/systemd_activation.h"

uint64_t systemd_boot_ns(uint64_t us, const struct systemd_frame *frame)
{
	if (!us || us > frame->now_us)
		return 0;
	return us * 1000 + (us > frame->began_us ? frame->suspended_ns : 0);
}

static bool is_restart(const struct systemd_unit *unit, const struct systemd_frame *frame)
{
	bool was_inactive = unit->inactive_enter_us > frame->userspace_us &&
			    unit->inactive_enter_us < unit->inactive_exit_us;
	bool was_active = unit->active_exit_us > unit->inactive_exit_us &&
			  unit->active_exit_us < unit->active_enter_us;

	return was_inactive || was_active;
}

enum systemd_activation systemd_activation(const struct systemd_unit *unit,
					   const struct systemd_frame *frame, struct event *ret)
{
	uint64_t begin_us = unit->inactive_exit_us, last_us;
	struct event_unit told = {.begin_ns = systemd_boot_ns(begin_us, frame)};
	bool restart = is_restart(unit, frame);

	if (!told.begin_ns)
		return SYSTEMD_NEVER;
	if (frame->finish_us && begin_us > frame->finish_us + SYSTEMD_BEHIND_US)
		return SYSTEMD_RESTARTED;
	last_us = begin_us;
	/* earlier ones are of an activation before */
	if (unit->active_enter_us >= begin_us)
		told.active_ns = systemd_boot_ns(unit->active_enter_us, frame);
	if (unit->inactive_enter_us >= begin_us)
		told.end_ns = systemd_boot_ns(unit->inactive_enter_us, frame);
	if (told.active_ns)
		last_us = unit->active_enter_us;
	else if (told.end_ns)
		last_us = unit->inactive_enter_us;
	bool over = told.active_ns || told.end_ns;

	*ret = (struct event){
		.type = EVENT_UNIT,
		.flags = restart || (over && last_us < frame->began_us) ? EVENT_RECONSTRUCTED : 0,
		.boot_ns = systemd_boot_ns(last_us, frame),
		.unit = told,
	};
	return restart ? SYSTEMD_AGAIN : SYSTEMD_FIRST;
}

uint64_t systemd_activation_ns(const struct event_unit *unit)
{
	uint64_t last_ns = unit->active_ns ?: unit->end_ns;

	return last_ns ? last_ns - unit->begin_ns : 0;
}
