/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot: from what systemd, the journal, the runtime's socket, the API server and containerd tell, and from the
 * tracker's own records of starts, pulls, waits and deaths, one RECORD_BOOT and the RECORD_UNITs of the boot.
 *
 * It is waking until all expected pods are Ready and have stayed so for a moment; then it is told for the last time.
 * At the deadline it has not recovered, which is final unless it does later. An agent that starts after the deadline
 * tells what can still be known. The rules are in docs/boot.md.
 */
#pragma once

#include "model/event.h"
#include "model/record.h"

struct boot;

struct boot *boot_new(uint64_t deadline_ns, record_fn emit, void *context);
void boot_free(struct boot *boot);

/* After all others have seen the event. */
void boot_event(struct boot *boot, const struct event *event, uint64_t now_ns);

/* What the others concluded; emits nothing. */
void boot_record(struct boot *boot, const struct record *record);

uint64_t boot_next_tick_ns(const struct boot *boot);
void boot_tick(struct boot *boot, uint64_t now_ns);

/* Units, edges, pods and peers that found no room so far. */
uint64_t boot_lost(const struct boot *boot);
