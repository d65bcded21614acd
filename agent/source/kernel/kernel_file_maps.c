/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_file_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static int read_reads(void *context, uint64_t cgroup_id, struct wire_reads *ret)
{
	const struct kernel_file_maps *maps = context;

	return bpf_map_lookup_elem(maps->reads, &cgroup_id, ret) < 0 ? -errno : 0;
}

static void forget(void *context, uint64_t cgroup_id)
{
	const struct kernel_file_maps *maps = context;

	bpf_map_delete_elem(maps->reads, &cgroup_id);
}

/* At once, by one call: a walk from key to key would take two for each file. */
static int read_map(int fd, uint32_t max, kernel_file_fn each, void *context)
{
	cleanup_free struct wire_file *keys = calloc(max, sizeof(*keys));
	cleanup_free struct wire_file_reads *values = calloc(max, sizeof(*values));
	uint32_t count = max, position;

	if (!keys || !values)
		return -ENOMEM;
	/* ENOENT: these were all */
	if (bpf_map_lookup_batch(fd, NULL, &position, keys, values, &count, NULL) < 0 &&
	    errno != ENOENT)
		return -errno;
	for (uint32_t i = 0; i < count; i++)
		each(context, &keys[i], &values[i]);
	return 0;
}

static int read_files(void *context, kernel_file_fn each, void *each_context)
{
	const struct kernel_file_maps *maps = context;
	int r = read_map(maps->large_files, WIRE_LARGE_FILES_MAX, each, each_context);

	return r < 0 ? r : read_map(maps->files, WIRE_FILES_MAX, each, each_context);
}

/* The iterator writes as many whole records as there is room for. */
static int sum_threads(int fd, uint64_t cgroup_id, uint64_t *ret_bytes)
{
	struct wire_thread_read read_by[256];
	uint64_t sum = 0;
	ssize_t size;

	while ((size = read(fd, read_by, sizeof(read_by))) > 0)
		for (size_t i = 0; i < (size_t)size / sizeof(*read_by); i++)
			if (read_by[i].container_id == cgroup_id)
				sum += read_by[i].bytes;
	if (size < 0)
		return -errno;
	*ret_bytes = sum;
	return 0;
}

static int read_threads(void *context, uint64_t cgroup_id, uint64_t *ret_bytes)
{
	const struct kernel_file_maps *maps = context;
	struct bpf_link *link =
		maps->iterator ? bpf_program__attach_iter(maps->iterator, NULL) : NULL;
	int r = -ENOTSUP;

	if (!link)
		return maps->iterator ? -errno : r;
	cleanup_close int fd = bpf_iter_create(bpf_link__fd(link));

	r = fd < 0 ? -errno : sum_threads(fd, cgroup_id, ret_bytes);
	bpf_link__destroy(link);
	return r;
}

void kernel_file_counts_of(struct kernel_file_maps *maps, struct kernel_file_counts *ret)
{
	*ret = (struct kernel_file_counts){maps, read_reads, read_files, read_threads, forget};
}
