/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the eBPF object, gives it its settings, and loads what this kernel takes of it. */
#pragma once

#include <stdbool.h>

#include "source/kernel/kernel_source.h"

struct nodewake;
struct kernel_pins;
struct bpf_program;

/* Attached only while a container starts: named so in bpf/. */
bool kernel_program_on_demand(const struct bpf_program *program);

/* The part of these that follows threads: it takes all of them, and a newer kernel than the others. */
bool kernel_program_of_threads(const struct bpf_program *program);

/*
 * pins: where the maps are kept, NULL: nowhere. errors (all 0 before) gets the reason of each program that could not be loaded, by its place in
 * the object. Returns 0, -ENOTSUP without BTF, -EPERM without capability, or another errno.
 */
int kernel_load(struct nodewake **ret, bool memory_on_v1,
		const struct kernel_source_options *options, struct kernel_pins *pins,
		int errors[static KERNEL_PROBES_MAX]);
