// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Containers' cgroups come and go.
 *
 * runc makes and joins a container's cgroups before it clones the container's first process, so
 * `known` is complete before anything happens inside. The name tells the id: no look-up can race.
 */
#include "bpf/window.bpf.c"

static __always_inline bool decides(struct cgroup *cgroup)
{
	if (memory_on_v1)
		return BPF_CORE_READ(cgroup, root, subsys_mask) &
		       (1u << bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == 0;
}

/*
 * By length, which the verifier likes and the agent checks: 64 hex (cgroupfs driver), or
 * cri-containerd-<id>.scope, docker-<id>.scope, crio-<id>.scope (systemd driver).
 */
static __always_inline bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static __always_inline bool is_container_name(const char name[WIRE_NAME], long size)
{
	switch (size - 1) {
	case 64: /* kubepods-burstable-pod<uid>.slice has 64 characters too */
		return is_hex(name[0]) && is_hex(name[8]) && is_hex(name[63]);
	case 64 + 15 + 6:
		return name[0] == 'c' && name[4] == 'c' && name[14] == '-' && name[79] == '.';
	case 64 + 7 + 6:
		return name[0] == 'd' && name[6] == '-' && name[71] == '.';
	case 64 + 5 + 6:
		return name[0] == 'c' && name[4] == '-' && name[69] == '.';
	}
	return false;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	if (!is_mine())
		return 0;
	struct known entry = {};
	__u64 id = cgroup_id_of(cgroup), parent_id;

	if (!decides(cgroup))
		return 0;
	struct cgroup *parent = BPF_CORE_READ(cgroup, self.parent, cgroup);

	parent_id = parent ? cgroup_id_of(parent) : 0;
	struct known *outer = find_known(parent_id);

	if (outer) { /* made by the container itself: systemd or another runtime inside */
		entry.container_id = outer->container_id;
		if (is_watched(entry.container_id))
			watched[id & (WIRE_WATCHED - 1)] = 1;
		know(id, &entry);
		return 0;
	}

	char name[WIRE_NAME] = {};
	long size = bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(cgroup, kn, name));

	if (!is_container_name(name, size))
		return 0;
	entry.container_id = id;
	know(id, &entry);

	struct wire_cgroup *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return 0;
	}
	fill_header(&record->header, WIRE_CGROUP_NEW, sizeof(*record), WIRE_ROLE_NONE, id,
		    (struct task_struct *)bpf_get_current_task());
	__builtin_memcpy(record->name, name, sizeof(name));
	if (bpf_probe_read_kernel_str(record->path, sizeof(record->path), path) < 0)
		record->path[0] = 0;
	submit(&ring_main, &record->header, windows_wanted && !attached_ns); /* a start begins */
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	if (!is_mine())
		return 0;
	__u64 id = cgroup_id_of(cgroup);
	struct known *entry = find_known(id);

	if (!entry)
		return 0;
	bool nested = entry->container_id != id;

	forget(id);
	if (nested)
		return 0;
	struct wire_cgroup_gone *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return 0;
	}
	fill_header(&record->header, WIRE_CGROUP_GONE, sizeof(*record), WIRE_ROLE_NONE, id,
		    (struct task_struct *)bpf_get_current_task());
	container_name(cgroup, id, record->name);
	submit(&ring_main, &record->header, false);
	return 0;
}
