/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic boots in a store: what `nodewake boot` is tested with, and what the docs' example is made from. */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "model/record.h"

enum boot_flavour {
	BOOT_SLOW, /* after a power loss: a pull of 61 s on the critical path; nine usual boots before it */
	BOOT_BROKEN,  /* three of nine pods did not come back; two boots before it */
	BOOT_LATE,    /* the agent came late: all is reconstructed; no boot before it */
	BOOT_WAKES,   /* this machine's own boot, not ready so far; nine before it */
	BOOT_WOKEN,   /* ... and ready */
	BOOT_HOSTILE, /* every text is an attack */
	BOOT_FLAVOUR_COUNT
};

/* Its name on the command line of tests/report/scene.c. */
const char *boot_flavour_name(enum boot_flavour flavour);

/* Makes or adds to the store in dir. */
void boot_scene_fill(const char *dir, enum boot_flavour flavour);

/* Id of the n-th usual boot of a scene, 0 the oldest. */
void boot_scene_id(unsigned int n, char ret[static BOOT_ID_SIZE]);
