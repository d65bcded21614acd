/* SPDX-License-Identifier: Apache-2.0 */
/* How far a boot is: how many pods are back, what that is worth, and the record that says so. */
#pragma once

#include "track/boot/boot_facts.h"

struct boot_standing {
	uint32_t expected, ready;
	const struct boot_pod *last;  /* Ready last */
	const struct boot_pod *first; /* of those that are not Ready */
	uint64_t last_ns;
	bool last_reconstructed;
	bool failed; /* one of them has failed in this boot */
	bool all;    /* everything is ready */
};

/* The agent began to watch after the deadline. */
bool boot_is_late(const struct boot_facts *facts);

/* When it is told for good, ready or not. */
uint64_t boot_end_ns(const struct boot_facts *facts);

struct boot_standing boot_stand(const struct boot_facts *facts, uint64_t now_ns);

/* How long all have to stay Ready until that is believed. */
uint64_t boot_settle_ns(const struct boot_facts *facts, const struct boot_standing *standing);

/* At the end: whether the node has recovered nobody can tell. */
bool boot_is_unknown(const struct boot_facts *facts, const struct boot_standing *standing);

/* All but how the boot before ended. */
void boot_build(const struct boot_facts *facts, const struct boot_standing *standing,
		enum boot_state state, uint64_t now_ns, struct record_boot *ret);
