/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroup directories: which hierarchy decides, what a container's directory is called, and a walk.
 * No policy, no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the memory controller is on a v1 hierarchy; false on pure v2 or when unknown. */
bool cgroup_memory_on_v1(void);

/* The directory of the deciding hierarchy below root (/sys/fs/cgroup). Returns 0 or -ENAMETOOLONG. */
int cgroup_deciding_dir(const char *root, bool memory_on_v1, char *ret_dir, size_t size);

/*
 * The container id in a directory's name: 64 hex (cgroupfs driver), or cri-containerd-<id>.scope,
 * docker-<id>.scope, crio-<id>.scope (systemd driver). False if it is no container's.
 */
bool cgroup_name_container(const char *name, char *ret_id, size_t size);

/*
 * The pod uid in a path, from a part pod<uid> (cgroupfs) or kubepods-...pod<uid>.slice (systemd,
 * where - is written _); "" if there is none.
 */
void cgroup_path_pod_uid(const char *path, char *ret_uid, size_t size);

/* A directory that is a container's, or lies inside one; texts are borrowed. */
struct cgroup_found {
	const char *path; /* below the walk's root, with a leading slash */
	const char *full_path;
	uint64_t id;	       /* inode */
	uint64_t container_id; /* inode of the container's own directory; equals id for that */
};

typedef void (*cgroup_walk_fn)(void *context, const struct cgroup_found *found);

/* Visits a container's own directory before those inside. Returns 0 or a negative errno. */
int cgroup_walk_containers(const char *dir, cgroup_walk_fn visit, void *context);
