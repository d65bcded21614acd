/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the eBPF object: its life (kernel_probes.c) and its maps (kernel_tables.c). */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nodewake.skel.h"
#include "source/kernel/kernel_probes.h"

struct kernel_probes {
	struct nodewake *object;
	struct kernel_pins *pins; /* NULL: the probes end with the agent */
	bool replaced;
	struct bpf_link *links[KERNEL_PROBES_MAX];
	int errors
		[KERNEL_PROBES_MAX]; /* why a program is not attached, by its place in the object */
	int cpus;
	uint64_t *per_cpu; /* room for one value of each */
};
