/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "bpf/wire.h"
#include "nodewake.skel.h"

/* As in bpf/probe.h. */
#define PREFIXES_MAX 8
#define PREFIX_WORDS 8

struct known {
	uint64_t container_id, sessions_from_ns;
	uint32_t init_pid, by_runc, reexecs, sessions, listens, pad;
};

struct tracked {
	uint64_t cgroup_id;
	uint32_t role, flags;
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

struct kernel_probes_settings {
	bool memory_on_v1;
	const char *cni_dirs;
	uint64_t memcg_oom_start, memcg_oom_end;
};

/* libbpf's own words, one line each; the verifier's log is for developers. */
__attribute__((format(printf, 2, 0))) static int on_libbpf(enum libbpf_print_level level,
							   const char *format, va_list arguments)
{
	char text[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libbpf", LOG_TEXT("text", text));
	return 0;
}

static void set_cni_dirs(struct nodewake *object, const char *dirs)
{
	char *prefixes = (char *)object->rodata->cni_prefixes,
	     *masks = (char *)object->rodata->cni_masks;

	for (int i = 0; dirs && *dirs && i < PREFIXES_MAX;) {
		size_t length = strcspn(dirs, ":");
		size_t used = length < PREFIX_WORDS * 8 ? length : PREFIX_WORDS * 8;

		if (used) {
			memcpy(prefixes + (size_t)i * PREFIX_WORDS * 8, dirs, used);
			memset(masks + (size_t)i * PREFIX_WORDS * 8, 0xff, used);
			i++;
		}
		dirs += length + (dirs[length] == ':');
	}
}

/* mem_cgroup_out_of_memory's range: a frame in it means that a limit, not the node, was exhausted. */
static void find_memcg_oom(struct kernel_probes_settings *settings)
{
	cleanup_fclose FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	uint64_t address, start = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 " %*c %255s", &address, name) != 2 || !address)
			continue;
		if (!start && strcmp(name, "mem_cgroup_out_of_memory") == 0) {
			start = address;
		} else if (start && address > start) {
			settings->memcg_oom_start = start;
			settings->memcg_oom_end = address;
			return;
		}
	}
	log_info("kernel symbols can't be read: whose limit an OOM kill hit is told by usage");
}

/* A tracepoint that this kernel lacks must not keep the others from loading. */
static void refuse_missing(const struct nodewake *object, const struct btf *kernel, int *errors)
{
	struct bpf_program *program;
	char type[128];
	int i = 0;

	bpf_object__for_each_program (program, object->obj) {
		const char *name = strchr(bpf_program__section_name(program), '/');

		snprintf(type, sizeof(type), "btf_trace_%s", name ? name + 1 : "");
		if (btf__find_by_name_kind(kernel, type, BTF_KIND_TYPEDEF) < 0)
			errors[i] = -ENOENT;
		i++;
	}
}

/* Opens and loads the programs without an error. */
static int load(struct nodewake **ret, const struct kernel_probes_settings *settings,
		const int *errors)
{
	struct nodewake *object = nodewake__open();
	struct bpf_program *program;
	int r;

	if (!object)
		return -errno;
	object->rodata->memory_on_v1 = settings->memory_on_v1;
	object->rodata->memcg_oom_start = settings->memcg_oom_start;
	object->rodata->memcg_oom_end = settings->memcg_oom_end;
	set_cni_dirs(object, settings->cni_dirs);
	bpf_object__for_each_program (program, object->obj)
		bpf_program__set_autoload(program, *errors++ == 0);
	r = nodewake__load(object);
	if (r < 0) {
		nodewake__destroy(object);
		return r;
	}
	*ret = object;
	return 0;
}

/* One program that this kernel's verifier refuses takes the whole object with it: find it. */
static void refuse_refused(const struct kernel_probes_settings *settings, int count, int *errors)
{
	for (int i = 0; i < count; i++) {
		int alone[KERNEL_PROBES_MAX];
		struct nodewake *object;

		if (errors[i])
			continue;
		for (int j = 0; j < KERNEL_PROBES_MAX; j++)
			alone[j] = i == j ? 0 : -ECANCELED;
		errors[i] = load(&object, settings, alone);
		if (!errors[i])
			nodewake__destroy(object);
	}
}

static int load_what_can_be(struct nodewake **ret, const struct kernel_probes_settings *settings,
			    int *errors)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct nodewake *object = kernel ? nodewake__open() : NULL;
	int r, count;

	if (!object) {
		r = kernel || errno == EPERM ? -errno : -ENOTSUP;
		btf__free(kernel);
		return r;
	}
	refuse_missing(object, kernel, errors);
	count = object->skeleton->prog_cnt;
	nodewake__destroy(object);
	btf__free(kernel);
	if (count > KERNEL_PROBES_MAX)
		return -E2BIG;
	r = load(ret, settings, errors);
	if (r == 0 || r == -EPERM || r == -ENOMEM)
		return r;
	refuse_refused(settings, count, errors);
	return load(ret, settings, errors);
}

int kernel_probes_new(struct kernel_probes **ret, bool memory_on_v1, const char *cni_dirs)
{
	struct kernel_probes *probes = calloc(1, sizeof(*probes));
	struct kernel_probes_settings settings = {.memory_on_v1 = memory_on_v1,
						  .cni_dirs = cni_dirs};
	int r;

	if (!probes)
		return -ENOMEM;
	libbpf_set_print(on_libbpf);
	find_memcg_oom(&settings);
	probes->cpus = libbpf_num_possible_cpus();
	probes->per_cpu = calloc((size_t)(probes->cpus > 0 ? probes->cpus : 1), sizeof(uint64_t));
	r = probes->per_cpu ? load_what_can_be(&probes->object, &settings, probes->errors)
			    : -ENOMEM;
	malloc_trim(0); /* the kernel's type information took some MB */
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

int kernel_probes_attach(struct kernel_probes *probes,
			 void (*failed)(void *context, const char *name, int error), void *context)
{
	struct bpf_program *program;
	int attached = 0;
	size_t i = 0;

	bpf_object__for_each_program (program, probes->object->obj) {
		if (!probes->errors[i]) {
			probes->links[i] = bpf_program__attach(program);
			probes->errors[i] = probes->links[i] ? 0 : -errno;
		}
		if (probes->errors[i])
			failed(context, probe_name(program), probes->errors[i]);
		else
			attached++;
		i++;
	}
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
			      bool executed)
{
	int fd = bpf_map__fd(probes->object->maps.known);
	struct tracked init = {
		.cgroup_id = executed ? container_id : 0,
		.role = executed ? WIRE_ROLE_ENTRYPOINT : WIRE_ROLE_NONE,
	};
	struct known known;

	if (executed && bpf_map_lookup_elem(fd, &container_id, &known) == 0 && !known.init_pid) {
		known.init_pid = pid;
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

void kernel_probes_losses(const struct kernel_probes *probes, uint64_t *ret_losses)
{
	for (uint32_t cause = 0; cause < WIRE_LOSS_COUNT; cause++) {
		ret_losses[cause] = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(probes->object->maps.losses), &cause,
					probes->per_cpu) < 0)
			continue;
		for (int cpu = 0; cpu < probes->cpus; cpu++)
			ret_losses[cause] += probes->per_cpu[cpu];
	}
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

	ret->probe_count = 0;
	ret->map_bytes = 0;
	bpf_object__for_each_map (map, probes->object->obj)
		ret->map_bytes += map_bytes(bpf_map__fd(map));
	bpf_object__for_each_program (program, probes->object->obj) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (ret->probe_count == KERNEL_PROBES_MAX)
			break;
		struct kernel_probe_stats *probe = &ret->probes[ret->probe_count];

		TEXT_COPY(probe->name, probe_name(program));
		probe->attached = probes->links[ret->probe_count++] != NULL;
		probe->runs = probe->run_ns = 0;
		if (bpf_program__fd(program) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0) {
			probe->runs = info.run_cnt;
			probe->run_ns = info.run_time_ns;
		}
	}
}
