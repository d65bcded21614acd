/* SPDX-License-Identifier: Apache-2.0 */
/* A file's path on its own file system from the names that the kernel's side has read, and its device's name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define KERNEL_FILE_PATH_SIZE (WIRE_FILE_NAMES + 2)

/* Without the leading slash where the upper names are missing; "" if there are none. */
void kernel_file_path(const struct wire_file_reads *reads,
		      char ret_path[static KERNEL_FILE_PATH_SIZE]);

/*
 * What it is read from: "vda1", "254:1" if that is not known below dir, which is /sys/dev/block; without a disk the kind
 * of file system, "nfs".
 */
void kernel_file_device(const char *dir, const struct wire_file_reads *reads, char *ret_name,
			size_t size);
