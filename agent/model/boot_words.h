/* SPDX-License-Identifier: Apache-2.0 */
/* What people call the parts of a boot: in the report, in sentences, on the Node. Raw: print it safely. */
#pragma once

#include "model/record.h"

/* "kernel", "node ready", "pods"; the runtime by its unit: "k3s", "containerd", else "runtime". */
void boot_words_phase(const struct record_boot *boot, enum boot_phase phase,
		      char ret[static UNIT_SIZE]);

/* How a boot ended: "clean shutdown", "kernel panic", ...; "" where it is not known. */
const char *boot_words_end(enum boot_end end);

/* "ready after ", to be followed by the time; without one where nobody saw how it went. */
const char *boot_words_state(enum boot_state state);
