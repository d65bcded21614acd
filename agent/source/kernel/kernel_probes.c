/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_probes_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/kernel/kernel_load.h"
#include "source/kernel/kernel_pins.h"
#include "source/kernel/kernel_tables.h"

static void open_pins(struct kernel_probes *probes, const char *bpffs)
{
	int r = strcmp(bpffs, "off") != 0 ? kernel_pins_open(&probes->pins, bpffs) : 0;

	if (r == -EBUSY)
		log_warning("the probes end with the agent: another one has pinned its own",
			    LOG_TEXT("bpffs", bpffs));
	else if (r < 0)
		log_info("the probes end with the agent", LOG_TEXT("bpffs", bpffs), LOG_ERRNO(r));
}

/* Where one can't be kept, none is: half of them would be worse. */
static void unpin(struct kernel_probes *probes, int error)
{
	log_warning("the probes end with the agent: they can't be pinned", LOG_ERRNO(error));
	kernel_pins_abandon(probes->pins);
	kernel_pins_free(probes->pins);
	probes->pins = NULL;
}

/* Pins that can't be used are no reason to see nothing. */
static int load(struct kernel_probes *probes, bool memory_on_v1,
		const struct kernel_source_options *options)
{
	int r = kernel_load(&probes->object, memory_on_v1, options, probes->pins, probes->errors);

	if (r >= 0 || r == -EPERM || !probes->pins)
		return r;
	unpin(probes, r);
	memset(probes->errors, 0, sizeof(probes->errors));
	return kernel_load(&probes->object, memory_on_v1, options, NULL, probes->errors);
}

int kernel_probes_new(struct kernel_probes **ret, bool memory_on_v1,
		      const struct kernel_source_options *options)
{
	struct kernel_probes *probes = calloc(1, sizeof(*probes));
	int r;

	if (!probes)
		return -ENOMEM;
	probes->cpus = libbpf_num_possible_cpus();
	probes->per_cpu = calloc((size_t)(probes->cpus > 0 ? probes->cpus : 1), sizeof(uint64_t));
	open_pins(probes, options->bpffs);
	r = probes->per_cpu ? load(probes, memory_on_v1, options) : -ENOMEM;
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
	kernel_pins_free(probes->pins);
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

static void pin(struct kernel_probes *probes, const struct bpf_program *program,
		struct bpf_link *link)
{
	int r = link && probes->pins
			? kernel_pins_link(probes->pins, link, bpf_program__name(program))
			: 0;

	if (r < 0)
		unpin(probes, r);
}

/* Starts that another agent watched: how their threads went on meanwhile is not known. */
static void close_inherited(struct kernel_probes *probes)
{
	uint64_t ids[WIRE_WINDOWS_MAX];
	uint32_t count = kernel_tables_opened(probes, ids);

	for (uint32_t i = 0; i < count; i++)
		kernel_tables_close(probes, ids[i]);
}

static void take_over(struct kernel_probes *probes)
{
	kernel_probes_watch(probes, false);
	close_inherited(probes);
	probes->object->bss->windows_wanted = 0;
	__atomic_store_n(&probes->object->bss->generation, probes->object->rodata->my_generation,
			 __ATOMIC_RELEASE);
	if (!probes->object->bss->pinned_ns)
		probes->object->bss->pinned_ns = clock_boot_ns();
	if (probes->pins)
		probes->replaced = kernel_pins_settle(probes->pins);
}

void kernel_probes_want_windows(struct kernel_probes *probes)
{
	probes->object->bss->windows_wanted = 1;
}

enum kernel_heritage kernel_probes_heritage(const struct kernel_probes *probes)
{
	if (probes->pins && kernel_pins_adopted(probes->pins))
		return KERNEL_ADOPTED;
	return probes->replaced ? KERNEL_REPLACED : KERNEL_FRESH;
}

uint64_t kernel_probes_since(const struct kernel_probes *probes)
{
	return probes->object->bss->pinned_ns;
}

bool kernel_probes_pinned(const struct kernel_probes *probes)
{
	return probes->pins;
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
			pin(probes, program, probes->links[i]);
		}
		if (probes->errors[i])
			failed(context, probe_name(program), probes->errors[i]);
		attached += probes->links[i] != NULL;
		i++;
	}
	take_over(probes);
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

uint64_t kernel_probes_losses_told(const struct kernel_probes *probes,
				   uint64_t ret_losses[static KERNEL_LOSS_COUNT])
{
	memset(ret_losses, 0, KERNEL_LOSS_COUNT * sizeof(*ret_losses));
	memcpy(ret_losses, probes->object->bss->losses_told,
	       sizeof(probes->object->bss->losses_told));
	return probes->object->bss->losses_told_ns;
}

void kernel_probes_tell_losses(struct kernel_probes *probes,
			       const uint64_t losses[static KERNEL_LOSS_COUNT], uint64_t now_ns)
{
	memcpy(probes->object->bss->losses_told, losses, sizeof(probes->object->bss->losses_told));
	probes->object->bss->losses_told_ns = now_ns;
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

void kernel_probes_watch(struct kernel_probes *probes, bool on)
{
	__u64 *attached_ns = &probes->object->bss->attached_ns;

	if (on && attach_on_demand(probes)) {
		__atomic_store_n(attached_ns, clock_boot_ns(), __ATOMIC_RELEASE);
	} else if (!on) {
		__atomic_store_n(attached_ns, 0, __ATOMIC_RELEASE);
		detach_on_demand(probes);
		kernel_tables_forget_questions(probes);
		probes->object->bss->requests_followed = 0;
	}
}

uint64_t kernel_probes_watched_since(const struct kernel_probes *probes)
{
	return __atomic_load_n(&probes->object->bss->attached_ns, __ATOMIC_ACQUIRE);
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
		probe->runs = probe->run_ns = probe->skipped = 0;
		if (program_info(program, &info)) {
			probe->skipped = info.recursion_misses;
			probe->runs = info.run_cnt;
			probe->run_ns = info.run_time_ns;
		}
	}
}
