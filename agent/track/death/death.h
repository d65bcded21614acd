/* SPDX-License-Identifier: Apache-2.0 */
/* How each pod's container died over its restarts: what makes a crash a crash loop, and of which kind. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

struct deaths;

/* A row of deaths, the last one included. */
struct death_row {
	uint32_t deaths; /* in a row, without success */
	bool looping;	 /* three of them within 20 min: the kubelet's back-off grows to 5 min */
	struct crash_loop loop;
};

struct deaths *deaths_new(void);
void deaths_free(struct deaths *deaths);

/* Counts one death of the record's subject. Success ends a row. Without a pod's name and uid it stands alone. */
void deaths_add(struct deaths *deaths, const struct record *record, struct death_row *ret);
