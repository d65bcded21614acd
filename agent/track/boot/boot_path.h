/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the walk along the critical path share. */
#pragma once

#include "track/boot/boot_facts.h"
#include "track/boot/boot_step.h"

struct boot_path {
	const struct boot_facts *facts;
	const struct record_boot *boot; /* its span and state */
	struct boot_steps steps;
};

/* boot_steps_add, marked. */
struct boot_step *boot_path_step(struct boot_path *path, enum boot_step_kind kind, uint64_t from_ns,
				 const char *name, bool reconstructed);

/* The last milestone before the cursor; 0 if there is none. */
uint64_t boot_path_gate_ns(const struct boot_path *path);

/* From the cursor back to the pod's first sign. */
void boot_path_pod(struct boot_path *path, const struct boot_pod *pod);

/* From the cursor back to the kernel's start. */
void boot_path_node(struct boot_path *path);
