/* SPDX-License-Identifier: Apache-2.0 */
/* How often each pod's container died lately: what makes a crash a crash loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

struct deaths;

struct deaths *deaths_new(void);
void deaths_free(struct deaths *deaths);

/*
 * Counts one death of the subject's container. Success ends a row of deaths. Sets how many in a
 * row this makes, and whether three of them fell within the window (20 min: the kubelet's back-off
 * grows to 5 min between restarts, so a loop shows three within that time however old it is).
 */
void deaths_add(struct deaths *deaths, const struct subject *subject, bool success,
		uint64_t boot_ns, uint32_t *ret_in_a_row, bool *ret_looping);
