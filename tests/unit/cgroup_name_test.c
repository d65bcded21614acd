// SPDX-License-Identifier: Apache-2.0
/* What cgroup directories are called, and which of them a walk finds. */
#include "client/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEX63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define HEX64 HEX63 "f"
#define UID   "11111111-2222-3333-4444-555555555555"
#define UID_  "11111111_2222_3333_4444_555555555555"

static void container_names(void **state)
{
	static const char *const good[] = {
		HEX64,
		"cri-containerd-" HEX64 ".scope",
		"docker-" HEX64 ".scope",
		"crio-" HEX64 ".scope",
	};
	static const char *const bad[] = {
		"",
		HEX63,
		HEX64 "0",
		HEX63 "g",
		HEX63 "\n",
		"cri-containerd-" HEX64,
		"cri-containerd-" HEX63 ".scope",
		"cri-containerd-" HEX64 ".scope2",
		"docker-",
		"crio-conmon-" HEX64 ".scope",
		"xdocker-" HEX64 ".scope",
		HEX64 ".scope",
		("pod" UID),
		"kubepods.slice",
		"system.slice",
	};
	char id[80];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		*id = '\0';
		assert_true(cgroup_name_container(good[i], id, sizeof(id)));
		assert_string_equal(id, HEX64);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		strcpy(id, "untouched");
		assert_false(cgroup_name_container(bad[i], id, sizeof(id)));
		assert_string_equal(id, "untouched");
	}
}

static void pod_uids(void **state)
{
	static const struct {
		const char *path, *uid;
	} cases[] = {
		{"/kubepods/burstable/pod" UID "/" HEX64, UID},
		{"/kubepods/pod" UID "/" HEX64, UID},
		{"/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" HEX64,
		 "0123456789abcdef0123456789abcdef"}, /* a static pod's is a hash */
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
		 ".slice/cri-containerd-" HEX64 ".scope",
		 UID},
		{"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" HEX64 ".scope", UID},
		{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
		 "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" HEX64 ".scope",
		 UID},
		{"/kubepods/burstable/pod" UID "/" HEX64 "/init.scope", UID},
		{"/k8s.io/" HEX64, ""},
		{"/system.slice/docker-" HEX64 ".scope", ""},
		{"/kubepods/burstable", ""},
		{"/", ""},
		{"", ""},
	};
	char uid[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strcpy(uid, "before");
		cgroup_path_pod_uid(cases[i].path, uid, sizeof(uid));
		assert_string_equal(uid, cases[i].uid);
	}
}

static void make(const char *root, const char *path)
{
	char full[PATH_MAX];

	assert_true(snprintf(full, sizeof(full), "%s/%s", root, path) < (int)sizeof(full));
	assert_int_equal(mkdir(full, 0700), 0);
}

static void remove_tree(const char *root)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
}

static void deciding_dirs(void **state)
{
	char root[] = "/tmp/cgroup-name-test.XXXXXX", dir[64], expected[64];

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(cgroup_deciding_dir(root, false, dir, sizeof(dir)), 0);
	assert_string_equal(dir, root); /* v2 alone */
	make(root, "unified");
	assert_int_equal(cgroup_deciding_dir(root, false, dir, sizeof(dir)), 0);
	snprintf(expected, sizeof(expected), "%s/unified", root);
	assert_string_equal(dir, expected);
	assert_int_equal(cgroup_deciding_dir(root, true, dir, sizeof(dir)), 0);
	snprintf(expected, sizeof(expected), "%s/memory", root);
	assert_string_equal(dir, expected);
	assert_int_equal(cgroup_deciding_dir(root, true, dir, 10), -ENAMETOOLONG);
	remove_tree(root);
}

struct seen {
	int count;
	char paths[8][256];
	uint64_t ids[8], containers[8];
};

static void on_found(void *context, const struct cgroup_found *found)
{
	struct seen *seen = context;
	struct stat stat_of;

	assert_in_range(seen->count, 0, 7);
	snprintf(seen->paths[seen->count], sizeof(seen->paths[0]), "%s", found->path);
	seen->ids[seen->count] = found->id;
	seen->containers[seen->count++] = found->container_id;
	assert_int_equal(stat(found->full_path, &stat_of), 0);
	assert_int_equal(found->id, stat_of.st_ino);
}

static const struct seen *sort_key;

static int by_path(const void *left, const void *right)
{
	return strcmp(sort_key->paths[*(const int *)left], sort_key->paths[*(const int *)right]);
}

/* Directories inside a container's belong to it; a neighbour's do not. */
static void walk(void **state)
{
	static const char *const dirs[] = {
		"a",
		"a/" HEX64,
		"a/" HEX64 "/init.scope",
		"a/" HEX64 "/system.slice",
		"a/" HEX64 "/system.slice/docker-" HEX64 ".scope",
		"a/other",
		"a/other/deep",
		"b",
		"b/crio-" HEX64 ".scope",
		"b/later",
	};
	char root[] = "/tmp/cgroup-name-test.XXXXXX";
	struct seen seen = {0};
	int order[8];

	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		make(root, dirs[i]);
	assert_int_equal(cgroup_walk_containers(root, on_found, &seen), 0);
	remove_tree(root);
	assert_int_equal(seen.count, 5);
	for (int i = 0; i < seen.count; i++)
		order[i] = i;
	sort_key = &seen;
	qsort(order, (size_t)seen.count, sizeof(*order), by_path);
	assert_string_equal(seen.paths[order[0]], "/a/" HEX64);
	assert_int_equal(seen.containers[order[0]], seen.ids[order[0]]);
	assert_string_equal(seen.paths[order[1]], "/a/" HEX64 "/init.scope");
	assert_string_equal(seen.paths[order[2]], "/a/" HEX64 "/system.slice");
	assert_string_equal(seen.paths[order[3]],
			    "/a/" HEX64 "/system.slice/docker-" HEX64 ".scope");
	for (int i = 1; i < 4; i++) {
		assert_int_equal(seen.containers[order[i]], seen.ids[order[0]]);
		assert_true(order[i] > order[0]); /* the container's own comes first */
	}
	assert_string_equal(seen.paths[order[4]], "/b/crio-" HEX64 ".scope");
	assert_int_equal(seen.containers[order[4]], seen.ids[order[4]]);
}

static void walk_of_nothing(void **state)
{
	struct seen seen = {0};

	(void)state;
	cgroup_walk_containers("/nonexistent/dir", on_found, &seen);
	assert_int_equal(seen.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_names), cmocka_unit_test(pod_uids),
		cmocka_unit_test(deciding_dirs),   cmocka_unit_test(walk),
		cmocka_unit_test(walk_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
