/* SPDX-License-Identifier: Apache-2.0 */
/* The eBPF object's life: open, set, load, attach each probe alone, count, free. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "source/kernel/kernel_source.h"

struct kernel_probes;
struct bpf_program;

/* Opens and loads. Returns 0, -ENOTSUP without BTF, -EPERM without capability, or another errno. */
int kernel_probes_new(struct kernel_probes **ret, bool memory_on_v1,
		      const struct kernel_source_options *options);
void kernel_probes_free(struct kernel_probes *probes);

/*
 * Attaches what can be; calls failed for each that can't. From here on these programs work, and those of an agent before
 * no longer. Returns how many are attached.
 */
int kernel_probes_attach(struct kernel_probes *probes,
			 void (*failed)(void *context, const char *name, int error), void *context);

/* From now on each start opens a window; without an agent that closes them there would soon be too many. */
void kernel_probes_want_windows(struct kernel_probes *probes);

/* After kernel_probes_attach. */
enum kernel_heritage kernel_probes_heritage(const struct kernel_probes *probes);
uint64_t kernel_probes_since(
	const struct kernel_probes *probes); /* they work, the agents' before included */
bool kernel_probes_pinned(const struct kernel_probes *probes); /* they outlive the agent */

/* Descriptors of the maps. */
int kernel_probes_ring_main(const struct kernel_probes *probes);
int kernel_probes_ring_chatter(const struct kernel_probes *probes);

/* How many urgent records were written so far. Costs nothing: it is mapped memory. */
uint64_t kernel_probes_urgent(const struct kernel_probes *probes);

/* Facts that were lost: causes of bpf/wire.h, and runs that the kernel skipped. */
/* The last is user space's own. */
enum { KERNEL_LOSS_SKIPPED = WIRE_LOSS_COUNT, KERNEL_LOSS_MOUNTS, KERNEL_LOSS_COUNT };

void kernel_probes_losses(const struct kernel_probes *probes,
			  uint64_t ret_losses[static KERNEL_LOSS_COUNT]);

/* What was told of each of the causes of bpf/wire.h, also by an agent before. Returns when it was looked at; 0: never. */
uint64_t kernel_probes_losses_told(const struct kernel_probes *probes,
				   uint64_t ret_losses[static KERNEL_LOSS_COUNT]);
void kernel_probes_tell_losses(struct kernel_probes *probes,
			       const uint64_t losses[static KERNEL_LOSS_COUNT], uint64_t now_ns);

/*
 * Attaches, or detaches, the programs on demand (watch_*), all together. One that can't be attached leaves
 * its part out.
 */
void kernel_probes_watch(struct kernel_probes *probes, bool on);

/* Since when they are all attached; 0: they are not. */
uint64_t kernel_probes_watched_since(const struct kernel_probes *probes);

void kernel_probes_stats(const struct kernel_probes *probes, struct kernel_source_stats *ret);
