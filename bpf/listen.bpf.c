// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A container's process listens on TCP: the end of a start. The socket's state changes in listen(2) itself. */
#include "bpf/probe.h"

#define LISTENS_MAX 8

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_sock_state, const struct sock *sk, int old_state, int new_state)
{
	struct task_struct *task;
	struct known *container;

	if (new_state != TCP_LISTEN)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	container = known_of(task);
	if (!container)
		return 0;
	__u64 id = container->container_id;
	struct known *outer = bpf_map_lookup_elem(&known, &id);

	if (!outer || ++outer->listens > LISTENS_MAX)
		return 0;
	struct wire_listen *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return 0;
	}
	fill_header(&record->header, WIRE_LISTEN, sizeof(*record), WIRE_ROLE_MEMBER, id, task);
	container_name(deciding_cgroup(task), id, record->container);
	__builtin_memset(record->address, 0, sizeof(record->address));
	record->pad = 0;
	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	record->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (record->family == AF_INET6)
		BPF_CORE_READ_INTO(&record->address, sk, __sk_common.skc_v6_rcv_saddr);
	else
		BPF_CORE_READ_INTO((__u32 *)record->address, sk, __sk_common.skc_rcv_saddr);
	submit(&ring_main, &record->header, true);
	return 0;
}
