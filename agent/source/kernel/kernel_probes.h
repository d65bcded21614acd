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

/*
 * Tells the probes of what exists already. What they have learnt meanwhile is better, and stays.
 * An init that is not executed is runc's, on its way to the entrypoint.
 */
void kernel_probes_adopt(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t container_id);
void kernel_probes_adopt_init(struct kernel_probes *probes, uint64_t container_id, uint32_t pid,
			      uint64_t start_ns, bool executed);
void kernel_probes_forget_init(struct kernel_probes *probes, uint32_t pid);

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

/* How many like deaths the kernel counted. 0 or -ENOENT. */
int kernel_probes_children(const struct kernel_probes *probes, const struct wire_child_key *key,
			   struct wire_children *ret);
uint32_t kernel_probes_children_told(const struct kernel_probes *probes,
				     const struct wire_child_key *key);
void kernel_probes_tell_children(struct kernel_probes *probes, const struct wire_child_key *key,
				 uint32_t total);
void kernel_probes_each_children(const struct kernel_probes *probes,
				 void (*each)(void *context, const struct wire_child_key *key),
				 void *context);
void kernel_probes_forget_children(struct kernel_probes *probes, const struct wire_child_key *key);

/* How often connections to a target failed. Returns 0, or -ENOENT if that is not known any more. */
int kernel_probes_failures(const struct kernel_probes *probes, const struct wire_target *target,
			   struct wire_failures *ret);

/* The maps of bpf/file.bpf.c; iterator is NULL if this kernel lacks it. */
struct kernel_file_maps {
	int reads, files, large_files; /* descriptors */
	const struct bpf_program *iterator;
};

void kernel_probes_file_maps(const struct kernel_probes *probes, struct kernel_file_maps *ret);
/*
 * Goes through the DNS questions without an answer, and forgets those that are over; then calls forgotten, unless an
 * answer came first.
 */
void kernel_probes_questions(struct kernel_probes *probes,
			     bool (*over)(void *context, const struct wire_question *question),
			     void (*forgotten)(void *context), void *context);

/* Nobody sees their answers from now on. */
void kernel_probes_forget_questions(struct kernel_probes *probes);

/*
 * Attaches, or detaches, the programs on demand (watch_*), all together. One that can't be attached leaves
 * its part out.
 */
void kernel_probes_watch(struct kernel_probes *probes, bool on);

/* Since when they are all attached; 0: they are not. */
uint64_t kernel_probes_watched_since(const struct kernel_probes *probes);

/* A start is over: its threads are not watched any longer. */
void kernel_probes_close(struct kernel_probes *probes, uint64_t cgroup_id);

/* The cgroup ids of all windows that the kernel has opened. Returns how many. */
uint32_t kernel_probes_opened(const struct kernel_probes *probes,
			      uint64_t ret_ids[static WIRE_WINDOWS_MAX]);

/* Return 0 or -ENOENT. */
int kernel_probes_window(const struct kernel_probes *probes, uint64_t cgroup_id,
			 struct wire_window *ret);
int kernel_probes_thread(const struct kernel_probes *probes, uint32_t id, struct wire_thread *ret);

/* Calls each with all threads of open windows. */
void kernel_probes_threads(const struct kernel_probes *probes,
			   void (*each)(void *context, uint32_t id,
					const struct wire_thread *thread),
			   void *context);

void kernel_probes_stats(const struct kernel_probes *probes, struct kernel_source_stats *ret);
