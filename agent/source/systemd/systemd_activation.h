/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a unit's stamps to its activation in this boot: whether they are the boot's, and how they stand on the boot clock.
 * Called by the systemd source; knows no connection and reads no clock.
 *
 * systemd keeps only the last of each stamp. So a unit that was restarted shows the restart's, and is told by
 * another stamp: it went inactive after systemd began (earlier it was the initrd's) and before it last began; or,
 * restarted directly (RestartMode=direct), it left the active state before it last entered it. Such a restart
 *  - while the boot went on, or shortly behind it (a service that failed and came back), is told, and is flagged
 *    EVENT_RECONSTRUCTED: the attempt before is not known;
 *  - later is not told at all: the boot's times are gone, and wrong ones would be worse than none.
 * A first activation is flagged EVENT_RECONSTRUCTED, too, where it was over before the agent watched.
 *
 * Monotonic time is boot time until the machine is suspended for the first time, which a boot does not do: stamps
 * from before the agent's start are taken as they are, those behind it get what the machine slept so far.
 */
#pragma once

#include "client/systemd.h"
#include "model/event.h"

/* What stamps are measured against; us on the monotonic clock. */
struct systemd_frame {
	uint64_t began_us;     /* the agent watches from here */
	uint64_t now_us;       /* of the reading: stamps beyond it are nonsense */
	uint64_t suspended_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	uint64_t userspace_us, finish_us;
};

/* A unit that begins later than this behind the boot's end is not the boot's. */
#define SYSTEMD_BEHIND_US UINT64_C(600000000)

enum systemd_activation {
	SYSTEMD_NEVER,	  /* not activated in this boot */
	SYSTEMD_FIRST,	  /* its first activation */
	SYSTEMD_AGAIN,	  /* a restart that belongs to the boot */
	SYSTEMD_RESTARTED /* a restart, or a first start, behind the boot */
};

uint64_t systemd_boot_ns(uint64_t us, const struct systemd_frame *frame);

/* Fills all but the name and the result, where the answer is FIRST or AGAIN. */
enum systemd_activation systemd_activation(const struct systemd_unit *unit,
					   const struct systemd_frame *frame, struct event *ret);

/* How long it took, as systemd-analyze blame has it; 0 while it goes on. */
uint64_t systemd_activation_ns(const struct event_unit *unit);
