/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Event says: one line that names cause and figures, at most 1024 bytes of printable UTF-8. Only
 * kube_event.c asks.
 */
#pragma once

#include "sink/event/kube_event.h"

/* earlier: the boots before, for a boot's. */
void kube_event_note(const struct record *record, const struct boot_history *earlier,
		     char ret[static KUBE_EVENT_NOTE_SIZE]);
