/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes that the kubelet mounts: it executes `mount` for each that is a file system of its own (tmpfs of Secrets,
 * NFS, CephFS, ...) and names the pod and the volume in the directory. A CSI driver mounts in its own container, unseen.
 *
 * kernel_source.c hands in the records of `mount`; each that has ended is told as EVENT_WORK.
 */
#pragma once

#include <stddef.h>

#include "bpf/wire.h"
#include "model/event.h"

#define KERNEL_MOUNTS_MAX 256

struct kernel_mount {
	uint32_t pid; /* 0: free */
	struct event_work work;
};

struct kernel_mounts {
	struct kernel_mount all[KERNEL_MOUNTS_MAX];
	uint32_t next; /* the place that gives way when all are taken */
	uint64_t lost; /* how often that was so */
};

/* A record, which may lie anywhere. Returns whether it was of `mount`; ret->type EVENT_NONE: nothing to tell. */
bool kernel_mounts_take(struct kernel_mounts *mounts, const void *record, size_t size,
			struct event *ret);
