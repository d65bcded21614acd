/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Event of a boot says: the whole, what is usual, its phases, what is missing, and where most of the time
 * of the critical path went. Only kube_event_note.c asks; the reader bounds the length.
 */
#pragma once

#include <stdio.h>

#include "model/boot_history.h"

void kube_boot_note(FILE *out, const struct record_boot *boot, const struct boot_history *earlier);
