/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_load.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "nodewake.skel.h"
#include "source/kernel/kernel_pins.h"
#include "source/kernel/kernel_rings.h"
#include "source/kernel/kernel_stalls.h"

/* As in bpf/probe.h. */
#define PREFIXES_MAX 8
#define PREFIX_WORDS 8

struct settings {
	bool memory_on_v1;
	const struct kernel_source_options *options;
	struct kernel_pins *pins;
	uint64_t memcg_oom_start, memcg_oom_end;
};

bool kernel_program_on_demand(const struct bpf_program *program)
{
	return strncmp(bpf_program__name(program), "watch_", 6) == 0;
}

bool kernel_program_of_threads(const struct bpf_program *program)
{
	return kernel_program_on_demand(program) &&
	       strstr(bpf_program__section_name(program), "/sched_");
}

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
static void find_memcg_oom(struct settings *settings)
{
	cleanup_fclose FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	uint64_t address, start = 0;

	while (file && fgets(line, sizeof(line), file)) {
		/* a hundred thousand lines, while containerd waits for the agent's unit */
		if (!start && !strstr(line, " mem_cgroup_out_of_memory"))
			continue;
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

static bool kernel_has(const struct btf *kernel, const struct bpf_program *program)
{
	const char *name = strchr(bpf_program__section_name(program), '/');
	bool iterates = bpf_program__expected_attach_type(program) == BPF_TRACE_ITER;
	char type[128];

	snprintf(type, sizeof(type), "%s_%s", iterates ? "bpf_iter" : "btf_trace",
		 name ? name + 1 : "");
	return btf__find_by_name_kind(kernel, type, iterates ? BTF_KIND_FUNC : BTF_KIND_TYPEDEF) >=
	       0;
}

/*
 * The programs that follow threads count atomically (since 5.12) and look into system calls (since 5.15): on an older kernel
 * the verifier would refuse them one by one.
 */
static bool can_watch_threads(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_task_pt_regs, NULL) != 0;
}

static void refuse_threads(const struct nodewake *object, int *errors)
{
	struct bpf_program *program;
	int i = 0;

	bpf_object__for_each_program (program, object->obj) {
		if (kernel_program_of_threads(program))
			errors[i] = -ENOTSUP;
		i++;
	}
}

/* A tracepoint that this kernel lacks must not keep the others from loading. */
static int refuse_missing(const struct nodewake *object, int *errors)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct bpf_program *program;
	int i = 0;

	if (!kernel)
		return errno == EPERM ? -EPERM : -ENOTSUP;
	bpf_object__for_each_program (program, object->obj) {
		if (!errors[i] && !kernel_has(kernel, program))
			errors[i] = -ENOENT;
		i++;
	}
	btf__free(kernel);
	return 0;
}

static int place_maps(struct nodewake *object, struct kernel_pins *pins)
{
	object->rodata->my_generation = pins ? kernel_pins_generation(pins) : clock_boot_ns();
	return pins ? kernel_pins_maps(pins, object->obj) : 0;
}

/* Opens and loads the programs without an error. */
static int load(struct nodewake **ret, const struct settings *settings, const int *errors)
{
	struct nodewake *object = nodewake__open();
	struct bpf_program *program;
	int r;

	if (!object)
		return -errno;
	object->rodata->memory_on_v1 = settings->memory_on_v1;
	object->rodata->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	object->rodata->memcg_oom_start = settings->memcg_oom_start;
	object->rodata->memcg_oom_end = settings->memcg_oom_end;
	if (settings->options->start_window_ns) /* 0: the object's own */
		object->rodata->start_window_ns = settings->options->start_window_ns;
	object->rodata->record_names = settings->options->record_names;
	set_cni_dirs(object, settings->options->cni_dirs);
	kernel_stalls_calls((uint8_t *)object->rodata->syscall_waits);
	bpf_object__for_each_program (program, object->obj)
		bpf_program__set_autoload(program, *errors++ == 0);
	kernel_rings_size(object);
	r = place_maps(object, settings->pins);
	if (r == 0)
		r = nodewake__load(object);
	if (r < 0) {
		nodewake__destroy(object);
		return r;
	}
	*ret = object;
	return 0;
}

/* One program that this kernel's verifier refuses takes the whole object with it: find it. */
static void refuse_refused(const struct settings *settings, int count, int *errors)
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

static bool is_settled(int r)
{
	return r == 0 || r == -EPERM || r == -ENOMEM;
}

/* Most kernels take all: what they have is not asked before, for containerd's unit waits for the agent's. */
static int load_what_can_be(struct nodewake **ret, const struct settings *settings,
			    const struct nodewake *object, int *errors)
{
	int r;

	if (!can_watch_threads())
		refuse_threads(object, errors);
	r = load(ret, settings, errors);
	if (is_settled(r))
		return r;
	r = refuse_missing(object, errors);
	if (r < 0)
		return r;
	r = load(ret, settings, errors);
	if (is_settled(r))
		return r;
	refuse_refused(settings, object->skeleton->prog_cnt, errors);
	return load(ret, settings, errors);
}

int kernel_load(struct nodewake **ret, bool memory_on_v1,
		const struct kernel_source_options *options, struct kernel_pins *pins,
		int errors[static KERNEL_PROBES_MAX])
{
	struct settings settings = {
		.memory_on_v1 = memory_on_v1,
		.options = options,
		.pins = pins,
	};
	struct nodewake *object;
	int r;

	libbpf_set_print(on_libbpf);
	object = nodewake__open();
	if (!object)
		return -errno;
	find_memcg_oom(&settings);
	r = object->skeleton->prog_cnt > KERNEL_PROBES_MAX
		    ? -E2BIG
		    : load_what_can_be(ret, &settings, object, errors);
	nodewake__destroy(object);
	malloc_trim(0); /* the kernel's type information took some MB */
	return r;
}
