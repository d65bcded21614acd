/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_file_path.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define MINOR_BITS 20

/* From the back to the front: the kernel has the file's own name first. */
void kernel_file_path(const struct wire_file_reads *reads,
		      char ret_path[static KERNEL_FILE_PATH_SIZE])
{
	bool whole = reads->names_whole && reads->names_size <= WIRE_FILE_NAMES;
	size_t size = reads->names_size < WIRE_FILE_NAMES ? reads->names_size : WIRE_FILE_NAMES;
	char path[KERNEL_FILE_PATH_SIZE];
	char *begin = path + sizeof(path) - 1;

	*begin = '\0';
	for (size_t at = 0; at < size;) {
		size_t length = strnlen(reads->names + at, size - at);

		if (at + length == size) { /* its end is cut */
			whole = false;
			break;
		}
		begin -= length;
		memcpy(begin, reads->names + at, length);
		*--begin = '/';
		at += length + 1;
	}
	if (!whole && *begin)
		begin++;
	strcpy(ret_path, begin);
}

static const struct {
	uint32_t magic;
	const char *name;
} kinds[] = {
	{WIRE_MAGIC_NFS, "nfs"},   {WIRE_MAGIC_FUSE, "fuse"}, {WIRE_MAGIC_9P, "9p"},
	{WIRE_MAGIC_CEPH, "ceph"}, {WIRE_MAGIC_CIFS, "smb"},  {WIRE_MAGIC_SMB2, "smb"},
};

static void block_device(const char *dir, uint32_t device, char *ret_name, size_t size)
{
	uint32_t major = device >> MINOR_BITS, minor = device & ((1u << MINOR_BITS) - 1);
	char link[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "%s/%" PRIu32 ":%" PRIu32, dir, major, minor);
	length = readlink(link, target, sizeof(target) - 1);
	if (length > 0) {
		target[length] = '\0';
		const char *slash = strrchr(target, '/');

		text_copy(ret_name, size, slash ? slash + 1 : target);
	} else {
		snprintf(ret_name, size, "%" PRIu32 ":%" PRIu32, major, minor);
	}
}

void kernel_file_device(const char *dir, const struct wire_file_reads *reads, char *ret_name,
			size_t size)
{
	if (reads->disk) {
		block_device(dir, reads->disk, ret_name, size);
		return;
	}
	*ret_name = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].magic == reads->magic)
			text_copy(ret_name, size, kinds[i].name);
}
