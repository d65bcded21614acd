/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot's line among the annotations. Pure; only node_summary.c asks.
 *
 *	waking for 45s: 7 of 9 pods ready, waits for ai-stack/llama-cpp (pull)
 *	ready 2m31s after power-on (usual 58s): pods 86s, k3s 21s, userspace 14s, firmware 6s, kernel 2s
 *	not recovered after 10m: 2 of 9 pods missing: ai-stack/aidb CrashLoopBackOff, shop/db Pending
 */
#pragma once

#include "model/boot_history.h"
#include "sink/node/node_summary.h"

/* awake_ns: the boot clock now. A boot that wakes is told in steps of time: each change of a line is a write. */
void node_boot_line(const struct record_boot *boot, const struct boot_history *earlier,
		    uint64_t awake_ns, char ret[static SUMMARY_LINE_SIZE]);

/* When, on the boot clock and after awake_ns, the line changes by itself; UINT64_MAX: never. */
uint64_t node_boot_next_ns(const struct record_boot *boot, uint64_t awake_ns);
