// SPDX-License-Identifier: Apache-2.0
/* The kernel's counts of what was read from disks become events: the largest files, by the container's own paths. */
#include "source/kernel/kernel_files.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/kernel/kernel_file_path.h"

#define TOLD_MAX 64
#define KEPT_MAX 64
#define ONE	 "one"
#define TWO	 "two"
#define VDA	 (254u << 20)
#define SNAP	 "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"

/* What the kernel has counted, and what was told. */
struct world {
	char dir[32];
	struct kernel_files *files;
	struct wire_file keys[KEPT_MAX];
	struct wire_file_reads values[KEPT_MAX];
	size_t kept;
	struct wire_reads reads[10]; /* by cgroup id */
	uint64_t threads_read;
	bool threads_fail;
	uint64_t forgotten;
	struct event told[TOLD_MAX];
	size_t count;
};

static int fake_reads(void *context, uint64_t cgroup_id, struct wire_reads *ret)
{
	const struct world *world = context;

	if (cgroup_id > 2 ||
	    (!world->reads[cgroup_id].flags && !world->reads[cgroup_id].disk_bytes))
		return -ENOENT;
	*ret = world->reads[cgroup_id];
	return 0;
}

static int fake_files(void *context, kernel_file_fn each, void *each_context)
{
	const struct world *world = context;

	for (size_t i = 0; i < world->kept; i++)
		each(each_context, &world->keys[i], &world->values[i]);
	return 0;
}

static int fake_threads(void *context, uint64_t cgroup_id, uint64_t *ret_bytes)
{
	const struct world *world = context;

	assert_int_equal(cgroup_id, 1);
	if (world->threads_fail)
		return -EPERM;
	*ret_bytes = world->threads_read;
	return 0;
}

static void fake_forget(void *context, uint64_t cgroup_id)
{
	struct world *world = context;

	world->forgotten = cgroup_id;
}

static void on_event(void *context, const struct event *event)
{
	struct world *world = context;

	assert_int_equal(event->type, EVENT_FILE_READ);
	assert_true(world->count < TOLD_MAX);
	world->told[world->count++] = *event;
}

static void write_file(const struct world *world, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", world->dir, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char path[PATH_MAX];

	strcpy(world->dir, "/tmp/files-test-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	snprintf(path, sizeof(path), "%s/42", world->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(world, "42/mountinfo",
		   "600 500 0:52 / / rw - overlay overlay rw,lowerdir=" SNAP "6/fs,upperdir=" SNAP
		   "12/fs\n"
		   "601 600 254:0 /srv/models /models ro - ext4 /dev/vda rw\n");
	snprintf(path, sizeof(path), "%s/254:0", world->dir);
	assert_int_equal(symlink("../../devices/virtio/block/vda", path), 0);
	const struct kernel_file_counts counts = {world, fake_reads, fake_files, fake_threads,
						  fake_forget};

	assert_int_equal(
		kernel_files_new(&world->files, &counts, world->dir, world->dir, on_event, world),
		0);
	world->reads[1].flags = world->reads[2].flags = WIRE_READS_BEGUN;
	kernel_files_begin(world->files, ONE, 1, 42);
	kernel_files_begin(world->files, TWO, 2, 43); /* whose mounts can't be read */
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	char path[PATH_MAX];

	kernel_files_free(world->files);
	snprintf(path, sizeof(path), "rm -r %s", world->dir);
	assert_int_equal(system(path), 0);
	free(world);
	return 0;
}

/* names as the kernel has them: "file\0directory\0" */
static struct wire_file_reads *keep(struct world *world, uint64_t cgroup_id, uint64_t inode,
				    const char *names, size_t size, uint64_t bytes)
{
	struct wire_file_reads *value = &world->values[world->kept];

	assert_true(world->kept < KEPT_MAX);
	world->keys[world->kept++] =
		(struct wire_file){.container_id = cgroup_id, .inode = inode, .device = VDA};
	*value = (struct wire_file_reads){.first_ns = 1000 + inode,
					  .last_ns = 2000,
					  .bytes = bytes,
					  .size = 2 * bytes,
					  .latency_ns = 30,
					  .busy_ns = 20,
					  .requests = 3,
					  .completed = 3,
					  .disk = VDA,
					  .names_size = (uint32_t)size,
					  .names_whole = 1};
	memcpy(value->names, names, size);
	world->reads[cgroup_id].disk_bytes += bytes;
	return value;
}

#define KEEP(world, cgroup_id, inode, names, bytes) \
	keep(world, cgroup_id, inode, names, sizeof(names), bytes)

static void each_file_in_its_container(void **state)
{
	struct world *world = *state;

	KEEP(world, 1, 7, "llama.gguf\0models\0srv", 300);
	KEEP(world, 2, 7, "llama.gguf\0models\0srv", 200);
	KEEP(world, 9, 7, "llama.gguf\0models\0srv", 100); /* of no window */
	kernel_files_look(world->files);
	assert_int_equal(world->count, 2);
	const struct event_file_read *one = &world->told[0].file_read,
				     *two = &world->told[1].file_read;

	assert_string_equal(one->container_id, ONE);
	assert_int_equal(one->cgroup_id, 1);
	assert_int_equal(one->disk_bytes, 300);
	assert_string_equal(one->file.path, "/models/llama.gguf");
	assert_false(one->file.outside);
	assert_string_equal(one->file.device, "vda");
	assert_int_equal(one->file.bytes, 300);
	assert_int_equal(one->file.size_bytes, 600);
	assert_int_equal(one->file.requests, 3);
	assert_int_equal(one->file.latency_ns, 30);
	assert_int_equal(one->file.busy_ns, 20);
	assert_int_equal(one->file.span.from_ns, 1007);
	assert_int_equal(one->file.span.to_ns, 2000);
	assert_string_equal(two->container_id, TWO);
	assert_int_equal(two->file.bytes, 200);
	assert_string_equal(two->file.path, "/srv/models/llama.gguf");
	assert_true(two->file.outside);
}

static void only_what_has_grown_is_told(void **state)
{
	struct world *world = *state;
	struct wire_file_reads *value = KEEP(world, 1, 7, "a\0models\0srv", 300);

	KEEP(world, 1, 8, "b\0models\0srv", 10);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 2);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 2);
	value->bytes = 400;
	kernel_files_look(world->files);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->told[2].file_read.file.bytes, 400);
	value->last_ns = 3000; /* its last request has ended */
	kernel_files_look(world->files);
	assert_int_equal(world->count, 4);
	assert_int_equal(world->told[3].file_read.file.span.to_ns, 3000);
}

static void what_the_kernel_forgot_is_not_lost(void **state)
{
	struct world *world = *state;
	struct wire_file_reads *value = KEEP(world, 1, 7, "a\0models\0srv", 300);

	kernel_files_look(world->files);
	value->first_ns = 1500;
	value->bytes = 50;
	kernel_files_look(world->files);
	value->bytes = 60;
	kernel_files_look(world->files);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->told[1].file_read.file.bytes, 350);
	assert_int_equal(world->told[2].file_read.file.bytes, 360);
	assert_int_equal(world->told[2].file_read.file.requests, 6);
	assert_int_equal(world->told[2].file_read.file.span.from_ns, 1007);
}

static void a_small_one_gives_way(void **state)
{
	struct world *world = *state;

	for (uint64_t i = 0; i < 16; i++)
		KEEP(world, 1, 100 + i, "small\0models\0srv", 10 + i);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 16);
	KEEP(world, 1, 200, "smaller\0models\0srv", 9);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 16);
	KEEP(world, 1, 300, "large\0models\0srv", 1000);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 17);
	assert_string_equal(world->told[16].file_read.file.path, "/models/large");
}

static void how_much_it_read_in_all(void **state)
{
	struct world *world = *state;

	world->reads[1].read_before = 40;
	world->threads_read = 540;
	kernel_files_tell(world->files, ONE);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->told[0].file_read.read_bytes, 500);
	assert_int_equal(world->told[0].file_read.file.bytes, 0);
	world->threads_fail = true;
	kernel_files_tell(world->files, ONE);
	assert_int_equal(world->told[1].file_read.read_bytes, 0);
	world->reads[1].flags |= WIRE_READS_ENDED;
	world->reads[1].read_ended = 740;
	kernel_files_tell(world->files, ONE);
	assert_int_equal(world->told[2].file_read.read_bytes, 700);
	world->reads[1].flags = WIRE_READS_ENDED; /* its exec was not seen */
	kernel_files_tell(world->files, ONE);
	assert_int_equal(world->told[3].file_read.read_bytes, 0);
	kernel_files_tell(world->files, "three");
	kernel_files_tell(world->files, "");
	assert_int_equal(world->count, 4);
}

static void the_end(void **state)
{
	struct world *world = *state;

	KEEP(world, 1, 7,
	     "python3\0bin\0fs\0"
	     "6\0snapshots",
	     300);
	kernel_files_end(world->files, ONE);
	assert_int_equal(world->count, 2);
	assert_string_equal(world->told[0].file_read.file.path, "/bin/python3");
	assert_int_equal(world->told[1].file_read.file.bytes, 0);
	assert_int_equal(world->told[1].file_read.disk_bytes, 300);
	assert_int_equal(world->forgotten, 1);
	kernel_files_end(world->files, ONE);
	kernel_files_look(world->files);
	assert_int_equal(world->count, 2);
}

static void assert_names(const char *names, size_t size, bool whole, const char *path)
{
	struct wire_file_reads reads = {.names_size = (uint32_t)size, .names_whole = whole};
	char ret[KERNEL_FILE_PATH_SIZE];

	memcpy(reads.names, names, size < sizeof(reads.names) ? size : sizeof(reads.names));
	kernel_file_path(&reads, ret);
	assert_string_equal(ret, path);
}

static void paths_of_names(void **state)
{
	char names[WIRE_FILE_NAMES + 300];

	(void)state;
	assert_names("c\0b\0a", 6, true, "/a/b/c");
	assert_names("c\0b\0a", 6, false, "a/b/c");
	assert_names("c\0b\0abc", 6, false, "b/c"); /* without its NUL */
	assert_names("", 0, true, "");
	assert_names("", 1, true, "/");
	memset(names, 'x', sizeof(names));
	assert_names(names, sizeof(names), true, "");
	names[255] = '\0';
	names[256 + 50] = '\0';
	char path[KERNEL_FILE_PATH_SIZE];

	snprintf(path, sizeof(path), "%.50s/%.255s", names, names);
	assert_names(names, sizeof(names), true, path);
}

static void devices(void **state)
{
	struct world *world = *state;
	char name[16];

	struct wire_file_reads reads = {.disk = VDA, .magic = WIRE_MAGIC_FUSE};

	kernel_file_device(world->dir, &reads, name, sizeof(name));
	assert_string_equal(name, "vda");
	reads.disk = VDA | 3;
	kernel_file_device(world->dir, &reads, name, sizeof(name));
	assert_string_equal(name, "254:3");
	reads.disk = 0;
	kernel_file_device(world->dir, &reads, name, sizeof(name));
	assert_string_equal(name, "fuse");
	reads.magic = 0xef53;
	kernel_file_device(world->dir, &reads, name, sizeof(name));
	assert_string_equal(name, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_file_in_its_container),
		TEST(only_what_has_grown_is_told),
		TEST(what_the_kernel_forgot_is_not_lost),
		TEST(a_small_one_gives_way),
		TEST(how_much_it_read_in_all),
		TEST(the_end),
		cmocka_unit_test(paths_of_names),
		TEST(devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
