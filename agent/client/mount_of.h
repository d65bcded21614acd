/* SPDX-License-Identifier: Apache-2.0 */
/* Where the host has a block device mounted. */
#pragma once

#include <stddef.h>

/*
 * device: as the kernel's log names it: sda1, dm-0, a whole disk (then any partition of it). Of several mount points
 * the one that most depends on: the container runtime's and the kubelet's data before a pod's volume before others.
 * root: where the host's proc and sys are, "" for ours. Returns 0, -ENOENT if it is mounted nowhere, or a
 * negative errno.
 */
int mount_of_device(const char *root, const char *device, char *ret_mount, size_t size);
