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

/* "vda1"; "254:1" if it is not known below dir, which is /sys/dev/block. */
void kernel_file_device(const char *dir, uint32_t device, char *ret_name, size_t size);
