// SPDX-License-Identifier: Apache-2.0
/* The path at which a container sees a file, from its mountinfo and the file's place on its own file system. */
#include "client/mounts.h"

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

#define VDA  (254u << 20)
#define VDB  (254u << 20 | 16)
#define SNAP "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"

/* As runc leaves them: the rootfs, volumes, files that the kubelet mounts one by one. */
static const char usual[] =
	"600 500 0:52 / / rw,relatime master:1 - overlay overlay rw,lowerdir=" SNAP "7/fs:" SNAP
	"6/fs,upperdir=" SNAP "12/fs,workdir=" SNAP "12/work,xino=off\n"
	"601 600 0:55 / /proc rw,nosuid - proc proc rw\n"
	"602 600 254:0 /var/lib/kubelet/pods/1234/volumes/kubernetes.io~empty-dir/cache /cache rw "
	"- ext4 /dev/vda rw\n"
	"603 600 254:0 /var/lib/kubelet/pods/1234/etc-hosts /etc/hosts rw - ext4 /dev/vda rw\n"
	"604 600 254:16 / /models\\040here ro - ext4 /dev/vdb rw\n"
	"605 600 254:0 /var/lib/kubelet/pods/1234/volumes/kubernetes.io~empty-dir/cache/deep /deep "
	"rw - ext4 /dev/vda rw\n";

struct place {
	char proc[32];
	struct mounts *mounts;
};

static void write_mounts(struct place *place, const char *text)
{
	char path[PATH_MAX];

	strcpy(place->proc, "/tmp/mounts-test-XXXXXX");
	assert_non_null(mkdtemp(place->proc));
	snprintf(path, sizeof(path), "%s/42", place->proc);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/42/mountinfo", place->proc);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(mounts_read(&place->mounts, place->proc, 42), 0);
}

static void remove_mounts(struct place *place)
{
	char path[PATH_MAX];

	mounts_free(place->mounts);
	snprintf(path, sizeof(path), "%s/42/mountinfo", place->proc);
	unlink(path);
	snprintf(path, sizeof(path), "%s/42", place->proc);
	rmdir(path);
	rmdir(place->proc);
}

static void assert_path(const struct place *place, uint32_t device, const char *path,
			const char *seen)
{
	char ret[128] = "untouched";

	assert_int_equal(mounts_path(place->mounts, device, path, ret, sizeof(ret)), 0);
	assert_string_equal(ret, seen);
}

static void assert_nowhere(const struct place *place, uint32_t device, const char *path)
{
	char ret[128] = "untouched";

	assert_int_equal(mounts_path(place->mounts, device, path, ret, sizeof(ret)), -ENOENT);
	assert_string_equal(ret, "untouched");
}

static void the_image_and_what_was_written_over_it(void **state)
{
	struct place place;

	(void)state;
	write_mounts(&place, usual);
	assert_path(&place, VDA, SNAP "6/fs/usr/bin/python3", "/usr/bin/python3");
	assert_path(&place, VDA, SNAP "12/fs/tmp/x", "/tmp/x");
	/* containerd has a disk of its own: the kernel's path does not begin at the node's root */
	assert_path(&place, VDB, "/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/srv",
		    "/srv");
	/* another container's layer, and the layer's directory itself */
	assert_nowhere(&place, VDA, SNAP "8/fs/usr/bin/python3");
	assert_nowhere(&place, VDA, SNAP "17/fs/usr/bin/python3");
	assert_nowhere(&place, VDA, SNAP "6/fs2/usr/bin/python3");
	remove_mounts(&place);
}

static void a_volume(void **state)
{
	const char *cache = "/var/lib/kubelet/pods/1234/volumes/kubernetes.io~empty-dir/cache";
	struct place place;
	char path[256];

	(void)state;
	write_mounts(&place, usual);
	snprintf(path, sizeof(path), "%s/a/b.bin", cache);
	assert_path(&place, VDA, path, "/cache/a/b.bin");
	snprintf(path, sizeof(path), "%s/deep/b.bin", cache);
	assert_path(&place, VDA, path, "/deep/b.bin");
	snprintf(path, sizeof(path), "%s/deeper/b.bin", cache);
	assert_path(&place, VDA, path, "/cache/deeper/b.bin");
	assert_path(&place, VDA, "/var/lib/kubelet/pods/1234/etc-hosts", "/etc/hosts");
	assert_path(&place, VDB, "/llama.gguf", "/models here/llama.gguf");
	snprintf(path, sizeof(path), "%s/a/b.bin", cache);
	assert_path(&place, VDB, path,
		    "/models here/var/lib/kubelet/pods/1234/volumes/"
		    "kubernetes.io~empty-dir/cache/a/b.bin");
	assert_nowhere(&place, VDA, "/etc/passwd");
	assert_nowhere(&place, VDA, "/var/lib/kubelet/pods/1234/etc-hosts2");
	remove_mounts(&place);
}

/* The whole node mounted into a container does not make its own files those of /host. */
static void the_longest_wins(void **state)
{
	struct place place;

	(void)state;
	write_mounts(&place, "600 500 0:52 / / rw - overlay overlay rw,lowerdir=" SNAP
			     "6/fs,upperdir=" SNAP "12/fs,workdir=" SNAP "12/work\n"
			     "602 600 254:0 / /host rw - ext4 /dev/vda rw\n");
	assert_path(&place, VDA, SNAP "6/fs/usr/bin/python3", "/usr/bin/python3");
	assert_path(&place, VDA, SNAP "5/fs/usr/bin/python3", "/host" SNAP "5/fs/usr/bin/python3");
	assert_path(&place, VDA, "/etc/passwd", "/host/etc/passwd");
	remove_mounts(&place);
}

static void layers_in_other_words(void **state)
{
	struct place place;

	(void)state;
	/* containerd shortens a long list; newer tools add one by one; a volume from the image */
	write_mounts(&place, "600 500 0:52 / / rw - overlay overlay "
			     "rw,lowerdir+=7/fs,lowerdir+=6/fs,upperdir=" SNAP "12/fs,workdir=" SNAP
			     "12/work\n"
			     "601 600 0:52 /data /volume rw - overlay overlay rw,lowerdir+=7/fs\n");
	assert_path(&place, VDA, SNAP "6/fs/usr/bin/python3", "/usr/bin/python3");
	assert_path(&place, VDA, SNAP "7/fs/data/x", "/volume/x");
	remove_mounts(&place);
}

static void only_the_end_of_a_path(void **state)
{
	struct place place;

	(void)state;
	write_mounts(&place, usual);
	assert_path(&place, VDA, "overlayfs/snapshots/6/fs/a/b", "/a/b");
	assert_nowhere(&place, VDA, "shots/6/fs/a/b");
	assert_nowhere(&place, VDB, "deep/in/a/volume");
	remove_mounts(&place);
}

static void what_is_no_mountinfo(void **state)
{
	struct mounts *mounts = NULL;
	struct place place;

	(void)state;
	assert_int_equal(mounts_read(&mounts, "/nowhere", 42), -ESRCH);
	write_mounts(
		&place,
		"x\n - \n1 2 3 4 5 - overlay\n1 2 a:b / / - a b c\n1 2 254:0 / / rw - ext4 a b\n");
	assert_path(&place, VDA, "/a", "/a");
	remove_mounts(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_image_and_what_was_written_over_it),
		cmocka_unit_test(a_volume),
		cmocka_unit_test(the_longest_wins),
		cmocka_unit_test(layers_in_other_words),
		cmocka_unit_test(only_the_end_of_a_path),
		cmocka_unit_test(what_is_no_mountinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
