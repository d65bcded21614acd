/* SPDX-License-Identifier: Apache-2.0 */
/* What the probes keep in their maps and are told through them; of an object that kernel_probes.c has loaded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "source/kernel/kernel_probes.h"

/*
 * Tells the probes of what exists already. What they have learnt meanwhile is better, and stays. Returns false if they saw
 * the container being made and nothing of runc's in it yet: its first process must not be taken for one that was executed.
 */
bool kernel_tables_adopt(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t container_id);

/*
 * An init that is not executed is runc's, on its way to the entrypoint. Returns false if the probes follow it already, or can't:
 * then nothing was changed, and nothing may be taken back.
 */
bool kernel_tables_adopt_init(struct kernel_probes *probes, uint64_t container_id, uint32_t pid,
			      uint64_t start_ns, bool executed);
void kernel_tables_forget_init(struct kernel_probes *probes, uint32_t pid);

/* How many like deaths the kernel counted. 0 or -ENOENT. */
int kernel_tables_children(const struct kernel_probes *probes, const struct wire_child_key *key,
			   struct wire_children *ret);
uint32_t kernel_tables_children_told(const struct kernel_probes *probes,
				     const struct wire_child_key *key);
void kernel_tables_tell_children(struct kernel_probes *probes, const struct wire_child_key *key,
				 uint32_t total);
void kernel_tables_each_children(const struct kernel_probes *probes,
				 void (*each)(void *context, const struct wire_child_key *key),
				 void *context);
void kernel_tables_forget_children(struct kernel_probes *probes, const struct wire_child_key *key);

/* How often connections to a target failed. Returns 0, or -ENOENT if that is not known any more. */
int kernel_tables_failures(const struct kernel_probes *probes, const struct wire_target *target,
			   struct wire_failures *ret);

/* The maps of bpf/file.bpf.c; iterator is NULL if this kernel lacks it. */
struct kernel_file_maps {
	int reads, files, large_files; /* descriptors */
	const struct bpf_program *iterator;
};

void kernel_tables_file_maps(const struct kernel_probes *probes, struct kernel_file_maps *ret);

/*
 * Goes through the DNS questions without an answer, and forgets those that are over; then calls forgotten, unless an
 * answer came first.
 */
void kernel_tables_questions(struct kernel_probes *probes,
			     bool (*over)(void *context, const struct wire_question *question),
			     void (*forgotten)(void *context), void *context);

/* Nobody sees their answers from now on. */
void kernel_tables_forget_questions(struct kernel_probes *probes);

/* A start is over: its threads are not watched any longer. */
void kernel_tables_close(struct kernel_probes *probes, uint64_t cgroup_id);

/* The cgroup ids of all windows that the kernel has opened. Returns how many. */
uint32_t kernel_tables_opened(const struct kernel_probes *probes,
			      uint64_t ret_ids[static WIRE_WINDOWS_MAX]);

/* Return 0 or -ENOENT. */
int kernel_tables_window(const struct kernel_probes *probes, uint64_t cgroup_id,
			 struct wire_window *ret);
int kernel_tables_thread(const struct kernel_probes *probes, uint32_t id, struct wire_thread *ret);

/* Calls each with all threads of open windows. */
void kernel_tables_threads(const struct kernel_probes *probes,
			   void (*each)(void *context, uint32_t id,
					const struct wire_thread *thread),
			   void *context);
