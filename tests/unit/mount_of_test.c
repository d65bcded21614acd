// SPDX-License-Identifier: Apache-2.0
/* Where a device of the kernel's log is mounted, out of a mountinfo and a sysfs of our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/mount_of.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/nodewake-mount-of-XXXXXX");
	assert_non_null(mkdtemp(root));
	put("/proc/1/mountinfo",
	    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	    "30 22 8:17 / /mnt/backup rw - ext4 /dev/sdb1 rw\n"
	    "31 22 253:0 / /var/lib/kubelet/pods/0f0f/volumes/x/data rw - xfs /dev/mapper/vg-data "
	    "rw\n"
	    "32 22 253:0 / /srv/with\\040blank rw - xfs /dev/mapper/vg-data rw\n"
	    "33 22 259:3 / /var/lib/containerd rw - ext4 /dev/nvme0n1p3 rw\n"
	    "34 22 259:3 / /data rw - ext4 /dev/nvme0n1p3 rw\n"
	    "35 22 0:45 / /srv/pool rw - btrfs /dev/sdc rw\n"
	    "36 22 0:46 / /proc rw - proc proc rw\n"
	    "garbage\n");
	put("/sys/class/block/dm-0/dev", "253:0\n");
	put("/sys/class/block/sda1/dev", "8:1\n");
	return 0;
}

static int gone(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void is(const char *device, const char *mount)
{
	char found[128] = "";

	assert_int_equal(mount_of_device(root, device, found, sizeof(found)), *mount ? 0 : -ENOENT);
	assert_string_equal(found, mount);
}

static void devices(void **state)
{
	(void)state;
	is("sda1", "/");
	is("sdb1", "/mnt/backup");
	is("sdb", "/mnt/backup"); /* the disk that has the partition */
	is("dm-0", "/var/lib/kubelet/pods/0f0f/volumes/x/data");
	is("nvme0n1", "/var/lib/containerd"); /* what most depends on */
	is("nvme0n1p3", "/var/lib/containerd");
	is("sdc", "/srv/pool");
	is("sd", "");
	is("nvme0n", "");
	is("sdd", "");
	is("", "");
	is("../../../etc", "");
}

static void without_a_mountinfo(void **state)
{
	char found[128] = "as it was";

	(void)state;
	assert_int_equal(mount_of_device("/nowhere", "sda1", found, sizeof(found)), -ENOENT);
	assert_string_equal(found, "as it was");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(devices, make, gone),
		cmocka_unit_test(without_a_mountinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
