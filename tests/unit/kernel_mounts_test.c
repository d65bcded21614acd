/* SPDX-License-Identifier: Apache-2.0 */
/* The kubelet's `mount`: which directories name a pod and a volume, pairing with the end, bounds. */
#include "source/kernel/kernel_mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UID  "0f0f0f0f-1111-2222-3333-444444444444"
#define PODS "/var/lib/kubelet/pods/" UID

struct command {
	struct wire_exec_helper wire;
	size_t size;
};

/* Arguments divided by blanks. */
static struct command executes(uint32_t pid, uint64_t at, const char *arguments)
{
	struct command command = {.wire = {.header = {.type = WIRE_EXEC_HELPER,
						      .role = WIRE_ROLE_MOUNT,
						      .pid = pid,
						      .boot_ns = at}}};
	size_t length = strlen(arguments) + 1;

	assert_true(length <= sizeof(command.wire.texts));
	memcpy(command.wire.texts, arguments, length);
	for (size_t i = 0; i < length; i++)
		if (command.wire.texts[i] == ' ')
			command.wire.texts[i] = '\0';
	command.wire.head_size = (uint32_t)length;
	command.size = offsetof(struct wire_exec_helper, texts) + length;
	return command;
}

static void begins(struct kernel_mounts *mounts, uint32_t pid, uint64_t at, const char *arguments)
{
	struct command command = executes(pid, at, arguments);
	struct event event;

	assert_true(kernel_mounts_take(mounts, &command.wire, command.size, &event));
	assert_int_equal(event.type, EVENT_NONE);
}

static bool ends(struct kernel_mounts *mounts, uint32_t pid, uint64_t at, struct event *ret)
{
	struct wire_exit_helper wire = {.header = {.type = WIRE_EXIT_HELPER,
						   .role = WIRE_ROLE_MOUNT,
						   .pid = pid,
						   .boot_ns = at}};

	assert_true(kernel_mounts_take(mounts, &wire, sizeof(wire), ret));
	return ret->type == EVENT_WORK;
}

static void assert_volume(const char *arguments, const char *name)
{
	struct kernel_mounts mounts = {0};
	struct event event;

	begins(&mounts, 7, 100, arguments);
	if (!name) {
		assert_false(ends(&mounts, 7, 200, &event));
		return;
	}
	assert_true(ends(&mounts, 7, 200, &event));
	assert_int_equal(event.boot_ns, 200);
	assert_int_equal(event.work.began_ns, 100);
	assert_int_equal(event.work.kind, WORK_VOLUME);
	assert_string_equal(event.work.pod_uid, UID);
	assert_string_equal(event.work.name, name);
	assert_string_equal(event.work.container_id, "");
	assert_false(ends(&mounts, 7, 300, &event)); /* once */
}

/* As k8s.io/mount-utils executes it, by itself or by systemd-run; K3s's directory is the same. */
static void directories(void **state)
{
	(void)state;
	assert_volume("mount -t tmpfs -o size=8Gi tmpfs " PODS
		      "/volumes/kubernetes.io~projected/kube-api-access-x7k2p",
		      "kube-api-access-x7k2p");
	assert_volume("/bin/mount -t nfs 10.0.0.9:/data " PODS "/volumes/kubernetes.io~nfs/data",
		      "data");
	assert_volume("mount --no-canonicalize -o bind /proc/812/fd/23 " PODS
		      "/volume-subpaths/config/app/0",
		      "config");
	assert_volume("mount -t nfs 10.0.0.9:/pods/other " PODS "/volumes/kubernetes.io~nfs/data/",
		      "data");
	assert_volume("mount /dev/sda1 /mnt", NULL);
	assert_volume("mount /dev/sda1 /pods/", NULL);
	assert_volume("mount /dev/sda1 " PODS, NULL);
	assert_volume("mount /dev/sda1 " PODS "/etc-hosts", NULL);
	assert_volume("mount /dev/sda1 " PODS "/volumes/kubernetes.io~nfs", NULL);
	assert_volume("mount /dev/sda1 " PODS "/volumes//data", NULL);
	assert_volume("", NULL);
}

/* Of very many arguments the last ones are in the tail. */
static void in_the_tail(void **state)
{
	static const char last[] = PODS "/volumes/kubernetes.io~cephfs/big";
	struct kernel_mounts mounts = {0};
	struct command command = executes(7, 100, "mount -o");
	struct event event;

	(void)state;
	command.wire.head_size = WIRE_ARGS_HEAD;
	command.wire.tail_size = sizeof(last);
	memcpy(command.wire.texts + WIRE_ARGS_HEAD, last, sizeof(last));
	command.size = offsetof(struct wire_exec_helper, texts) + WIRE_ARGS_HEAD + sizeof(last);
	assert_true(kernel_mounts_take(&mounts, &command.wire, command.size, &event));
	assert_true(ends(&mounts, 7, 200, &event));
	assert_string_equal(event.work.name, "big");
}

static void others_are_left_alone(void **state)
{
	struct kernel_mounts mounts = {0};
	struct wire_exit_helper exit = {
		.header = {.type = WIRE_EXIT_HELPER, .role = WIRE_ROLE_RUNTIME, .pid = 7}};
	struct event event;

	(void)state;
	assert_false(kernel_mounts_take(&mounts, &exit, sizeof(exit), &event));
	assert_false(kernel_mounts_take(&mounts, &exit, 3, &event));
	assert_false(ends(&mounts, 0, 1, &event)); /* a free place is nobody's */
}

/* What lengths say must lie in the record, each of whose bytes is its own here. */
static void cut_records(void **state)
{
	struct command whole = executes(7, 100, "mount x " PODS "/volumes/kubernetes.io~nfs/data");

	(void)state;
	for (size_t size = 0; size <= whole.size; size++) {
		struct kernel_mounts mounts = {0};
		struct event event;
		void *copy = malloc(size ? size : 1);

		memcpy(copy, &whole.wire, size);
		kernel_mounts_take(&mounts, copy, size, &event);
		free(copy);
		assert_int_equal(ends(&mounts, 7, 200, &event), size == whole.size);
	}
	whole.wire.tail_size = UINT32_MAX;
	struct kernel_mounts mounts = {0};
	struct event event;

	assert_true(kernel_mounts_take(&mounts, &whole.wire, whole.size, &event));
	assert_false(ends(&mounts, 7, 200, &event));
}

/* As many that hang, or whose ends were lost, are not waited for; it is counted. */
static void more_than_there_is_room(void **state)
{
	struct kernel_mounts mounts = {0};
	struct event event;

	(void)state;
	for (uint32_t pid = 1; pid <= KERNEL_MOUNTS_MAX + 1; pid++)
		begins(&mounts, pid, pid, "mount x " PODS "/volumes/kubernetes.io~nfs/data");
	assert_int_equal(mounts.lost, 1);
	assert_false(ends(&mounts, 1, 500, &event));
	assert_true(ends(&mounts, 2, 500, &event));
	assert_true(ends(&mounts, KERNEL_MOUNTS_MAX + 1, 500, &event));
	assert_int_equal(event.work.began_ns, KERNEL_MOUNTS_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories),
		cmocka_unit_test(in_the_tail),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(cut_records),
		cmocka_unit_test(more_than_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
