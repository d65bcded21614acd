/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "nodewake.skel.h"
#include "source/kernel/kernel_load.h"

/* As in bpf/probe.h. */
struct known {
	uint64_t container_id, sessions_from_ns, began_ns;
	uint32_t init_pid, by_runc, reexecs, sessions, listens, targets, window, failures;
};

struct tracked {
	uint64_t cgroup_id;
	uint32_t role, flags, hooks, pad;
	struct wire_signal last[2];
};

struct kernel_probes {
	struct nodewake *object;
	struct bpf_link *links[KERNEL_PROBES_MAX];
	int errors
		[KERNEL_PROBES_MAX]; /* why a program is not attached, by its place in the object */
	int cpus;
	uint64_t *per_cpu; /* room for one value of each */
};

int kernel_probes_new(struct kernel_probes **ret, bool memory_on_v1,
		      const struct kernel_source_options *options)
{
	struct kernel_probes *probes = calloc(1, sizeof(*probes));
	int r;

	if (!probes)
		return -ENOMEM;
	probes->cpus = libbpf_num_possible_cpus();
	probes->per_cpu = calloc((size_t)(probes->cpus > 0 ? probes->cpus : 1), sizeof(uint64_t));
	r = probes->per_cpu ? kernel_load(&probes->object, memory_on_v1, options, probes->errors)
			    : -ENOMEM;
	if (r < 0) {
		kernel_probes_free(probes);
		return r;
	}
	*ret = probes;
	return 0;
}

void kernel_probes_free(struct kernel_probes *probes)
{
	if (!probes)
		return;
	for (size_t i = 0; i < KERNEL_PROBES_MAX; i++)
		bpf_link__destroy(probes->links[i]);
	if (probes->object)
		nodewake__destroy(probes->object);
	free(probes->per_cpu);
	free(probes);
}

static const char *probe_name(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	const char *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
}

/* An iterator runs when it is read. */
static bool is_iterator(const struct bpf_program *program)
{
	return bpf_program__expected_attach_type(program) == BPF_TRACE_ITER;
}

int kernel_probes_attach(struct kernel_probes *probes,
			 void (*failed)(void *context, const char *name, int error), void *context)
{
	struct bpf_program *program;
	int attached = 0;
	size_t i = 0;

	bpf_object__for_each_program (program, probes->object->obj) {
		if (!probes->errors[i] && !kernel_program_on_demand(program) &&
		    !is_iterator(program)) {
			probes->links[i] = bpf_program__attach(program);
			probes->errors[i] = probes->links[i] ? 0 : -errno;
		}
		if (probes->errors[i])
			failed(context, probe_name(program), probes->errors[i]);
		attached += probes->links[i] != NULL;
		i++;
	}
	probes->object->bss->windows_wanted = 1;
	return attached;
}

int kernel_probes_ring_main(const struct kernel_probes *probes)
{
	return bpf_map__fd(probes->object->maps.ring_main);
}

int kernel_probes_ring_chatter(const struct kernel_probes *probes)
{
	return bpf_map__fd(probes->object->maps.ring_chatter);
}

void kernel_probes_adopt(struct kernel_probes *probes, uint64_t cgroup_id, uint64_t container_id)
{
	/* by_runc: what begins in it from now on is an exec session, unless runc's init is found */
	struct known known = {.container_id = container_id, .by_runc = 1};

	bpf_map_update_elem(bpf_map__fd(probes->object->maps.known), &cgroup_id, &known,
			    BPF_NOEXIST);
}

void kernel_probes_adopt_init(struct kernel_probes *probes, uint64_t container_id, uint32_t pid,
			      uint64_t start_ns, bool executed)
{
	int fd = bpf_map__fd(probes->object->maps.known);
	struct tracked init = {
		.cgroup_id = executed ? container_id : 0,
		.role = executed ? WIRE_ROLE_ENTRYPOINT : WIRE_ROLE_NONE,
	};
	struct known known;

	if (executed && bpf_map_lookup_elem(fd, &container_id, &known) == 0 && !known.init_pid) {
		known.init_pid = pid;
		known.began_ns = start_ns;
		bpf_map_update_elem(fd, &container_id, &known, BPF_EXIST);
	}
	bpf_map_update_elem(bpf_map__fd(probes->object->maps.tracked), &pid, &init, BPF_NOEXIST);
}

void kernel_probes_forget_init(struct kernel_probes *probes, uint32_t pid)
{
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.tracked), &pid);
}

uint64_t kernel_probes_urgent(const struct kernel_probes *probes)
{
	return __atomic_load_n(&probes->object->bss->urgent_records, __ATOMIC_ACQUIRE);
}

static bool program_info(const struct bpf_program *program, struct bpf_prog_info *ret)
{
	uint32_t size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_program__fd(program) >= 0 &&
	       bpf_obj_get_info_by_fd(bpf_program__fd(program), ret, &size) == 0;
}

/* Each packet of the node, and each end of a disk request, in whatever context. */
static bool is_anybodys(const struct kernel_probes *probes, const struct bpf_program *program)
{
	return program == probes->object->progs.on_signal ||
	       program == probes->object->progs.watch_dns_in ||
	       program == probes->object->progs.watch_dns_out ||
	       program == probes->object->progs.watch_bio_complete ||
	       program == probes->object->progs.watch_rq_complete;
}

/*
 * Newer kernels skip a program that is already running on the same CPU, and count that. Left out for
 * signals and packets: interrupts have them too, and nearly all are of no interest; and for the ends of disk
 * requests, which count nothing but time.
 */
static uint64_t skipped_runs(const struct kernel_probes *probes)
{
	struct bpf_program *program;
	struct bpf_prog_info info;
	uint64_t count = 0;

	bpf_object__for_each_program (program, probes->object->obj)
		if (!is_anybodys(probes, program) && program_info(program, &info))
			count += info.recursion_misses;
	return count;
}

void kernel_probes_losses(const struct kernel_probes *probes,
			  uint64_t ret_losses[static KERNEL_LOSS_COUNT])
{
	for (uint32_t cause = 0; cause < WIRE_LOSS_COUNT; cause++) {
		ret_losses[cause] = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.losses), &cause,
					probes->per_cpu) < 0)
			continue;
		for (int cpu = 0; cpu < probes->cpus; cpu++)
			ret_losses[cause] += probes->per_cpu[cpu];
	}
	ret_losses[KERNEL_LOSS_SKIPPED] = skipped_runs(probes);
	ret_losses[KERNEL_LOSS_MOUNTS] = 0;
}

int kernel_probes_failures(const struct kernel_probes *probes, const struct wire_target *target,
			   struct wire_failures *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.failures), target, ret) < 0
		       ? -errno
		       : 0;
}

int kernel_probes_children(const struct kernel_probes *probes, const struct wire_child_key *key,
			   struct wire_children *ret)
{
	int fd = bpf_map__fd(probes->object->maps.children);

	return bpf_map_lookup_elem(fd, key, ret) < 0 ? -errno : 0;
}

void kernel_probes_forget_children(struct kernel_probes *probes, const struct wire_child_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.children), key);
}

void kernel_probes_questions(struct kernel_probes *probes,
			     bool (*over)(void *context, const struct wire_question *question),
			     void (*forgotten)(void *context), void *context)
{
	int fd = bpf_map__fd(probes->object->maps.questions);
	struct wire_question_key key, next;
	struct wire_question question;
	bool found;

	if (!probes->object->bss->questions_asked)
		return;
	found = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (found) {
		key = next;
		found = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &question) == 0 && over(context, &question) &&
		    bpf_map_delete_elem(fd, &key) == 0)
			forgotten(context);
	}
}

void kernel_probes_file_maps(const struct kernel_probes *probes, struct kernel_file_maps *ret)
{
	const struct bpf_program *iterator = probes->object->progs.read_tasks;

	*ret = (struct kernel_file_maps){
		.reads = bpf_map__fd(probes->object->maps.reads),
		.files = bpf_map__fd(probes->object->maps.files),
		.large_files = bpf_map__fd(probes->object->maps.large_files),
		.iterator = bpf_program__fd(iterator) >= 0 ? iterator : NULL,
	};
}

static bool attach_on_demand(struct kernel_probes *probes)
{
	struct bpf_program *program;
	bool all = true;
	size_t i = 0;

	bpf_object__for_each_program (program, probes->object->obj) {
		if (kernel_program_on_demand(program) && !probes->errors[i] && !probes->links[i])
			probes->links[i] = bpf_program__attach(program);
		all = all && (!kernel_program_of_threads(program) || probes->links[i]);
		i++;
	}
	return all;
}

static void detach_on_demand(struct kernel_probes *probes)
{
	struct bpf_program *program;
	size_t i = 0;

	bpf_object__for_each_program (program, probes->object->obj) {
		if (kernel_program_on_demand(program)) {
			bpf_link__destroy(probes->links[i]);
			probes->links[i] = NULL;
		}
		i++;
	}
}

static bool any_question(void *context, const struct wire_question *question)
{
	(void)context;
	(void)question;
	return true;
}

static void say_nothing(void *context)
{
	(void)context;
}

/* Nobody sees their answers from now on. */
static void forget_questions(struct kernel_probes *probes)
{
	kernel_probes_questions(probes, any_question, say_nothing, NULL);
	probes->object->bss->questions_asked = 0;
}

void kernel_probes_watch(struct kernel_probes *probes, bool on)
{
	__u64 *attached_ns = &probes->object->bss->attached_ns;

	if (on && attach_on_demand(probes)) {
		__atomic_store_n(attached_ns, clock_boot_ns(), __ATOMIC_RELEASE);
	} else if (!on) {
		__atomic_store_n(attached_ns, 0, __ATOMIC_RELEASE);
		detach_on_demand(probes);
		forget_questions(probes);
		probes->object->bss->requests_followed = 0;
	}
}

uint64_t kernel_probes_watched_since(const struct kernel_probes *probes)
{
	return __atomic_load_n(&probes->object->bss->attached_ns, __ATOMIC_ACQUIRE);
}

/* The place of a container's window. Returns 0 or -ENOENT. */
static int find_slot(const struct kernel_probes *probes, uint64_t cgroup_id, uint32_t *ret)
{
	int fd = bpf_map__fd(probes->object->maps.slots);
	uint64_t id;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++)
		if (bpf_map_lookup_elem(fd, &slot, &id) == 0 && id == cgroup_id) {
			*ret = slot;
			return 0;
		}
	return -ENOENT;
}

uint32_t kernel_probes_opened(const struct kernel_probes *probes,
			      uint64_t ret_ids[static WIRE_WINDOWS_MAX])
{
	uint32_t count = 0;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++)
		if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.slots), &slot,
					&ret_ids[count]) == 0)
			count++;
	return count;
}

/* Others may share its place in the filter, also ones that were opened just now. */
static void settle_filter(struct kernel_probes *probes, uint64_t closed_id)
{
	int fd = bpf_map__fd(probes->object->maps.slots);
	uint32_t count = 0;
	bool shared = false;
	uint64_t id;

	for (uint32_t slot = 0; slot < WIRE_WINDOWS_MAX; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, &id) < 0 || id == closed_id)
			continue;
		shared |= id % WIRE_WATCHED == closed_id % WIRE_WATCHED;
		count++;
	}
	probes->object->bss->windows_open = count;
	if (!shared)
		probes->object->bss->watched[closed_id % WIRE_WATCHED] = 0;
}

/* Those of one container. A key that is gone meanwhile starts the walk anew, so it has a bound of its own. */
static void forget_threads(struct kernel_probes *probes, uint64_t cgroup_id)
{
	int fd = bpf_map__fd(probes->object->maps.threads);
	uint32_t id, next, seen = 0;
	struct wire_thread thread;
	int r;

	for (r = bpf_map_get_next_key(fd, NULL, &next); r == 0 && seen++ < 2 * WIRE_THREADS_MAX;) {
		id = next;
		r = bpf_map_get_next_key(fd, &id, &next);
		if (bpf_map_lookup_elem(fd, &id, &thread) == 0 && thread.container_id == cgroup_id)
			bpf_map_delete_elem(fd, &id);
	}
}

/* Its place is free when nothing refers to it any longer. */
void kernel_probes_close(struct kernel_probes *probes, uint64_t cgroup_id)
{
	const struct wire_window closed = {0};
	uint32_t slot;

	if (find_slot(probes, cgroup_id, &slot) < 0)
		return;
	settle_filter(probes, cgroup_id);
	bpf_map_update_elem(bpf_map__fd(probes->object->maps.windows), &slot, &closed, BPF_ANY);
	forget_threads(probes, cgroup_id);
	bpf_map_delete_elem(bpf_map__fd(probes->object->maps.slots), &slot);
}

int kernel_probes_window(const struct kernel_probes *probes, uint64_t cgroup_id,
			 struct wire_window *ret)
{
	uint32_t slot;
	int r = find_slot(probes, cgroup_id, &slot);

	if (r < 0)
		return r;
	if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.windows), &slot, ret) < 0)
		return -errno;
	return ret->container_id == cgroup_id ? 0 : -ENOENT;
}

int kernel_probes_thread(const struct kernel_probes *probes, uint32_t id, struct wire_thread *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.threads), &id, ret) < 0 ? -errno
											    : 0;
}

void kernel_probes_threads(const struct kernel_probes *probes,
			   void (*each)(void *context, uint32_t id,
					const struct wire_thread *thread),
			   void *context)
{
	int fd = bpf_map__fd(probes->object->maps.threads);
	uint32_t id, *last = NULL, seen = 0;
	struct wire_thread thread;

	/* a key that is deleted meanwhile starts the walk anew */
	for (; seen++ < WIRE_THREADS_MAX && bpf_map_get_next_key(fd, last, &id) == 0; last = &id)
		if (bpf_map_lookup_elem(fd, &id, &thread) == 0)
			each(context, id, &thread);
}

/* What a map is charged with, as the kernel tells in fdinfo. */
static uint64_t map_bytes(int fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	cleanup_fclose FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	return bytes;
}

void kernel_probes_stats(const struct kernel_probes *probes, struct kernel_source_stats *ret)
{
	struct bpf_program *program;
	struct bpf_map *map;
	size_t i = 0;

	ret->probe_count = 0;
	ret->map_bytes = 0;
	bpf_object__for_each_map (map, probes->object->obj)
		ret->map_bytes += map_bytes(bpf_map__fd(map));
	bpf_object__for_each_program (program, probes->object->obj) {
		struct bpf_prog_info info;
		size_t place = i++;

		if (ret->probe_count == KERNEL_PROBES_MAX)
			break;
		if (is_iterator(program))
			continue;
		struct kernel_probe_stats *probe = &ret->probes[ret->probe_count++];

		TEXT_COPY(probe->name, probe_name(program));
		probe->on_demand = kernel_program_on_demand(program) && !probes->errors[place];
		probe->attached = probes->links[place] != NULL;
		probe->runs = probe->run_ns = 0;
		if (program_info(program, &info)) {
			probe->runs = info.run_cnt;
			probe->run_ns = info.run_time_ns;
		}
	}
}
