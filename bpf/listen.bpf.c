// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A container's process listens on TCP: the end of a start. A part of socket.bpf.c. */
#include "bpf/window.bpf.c"

#define LISTENS_MAX 8

/* The socket's state changes in listen(2) itself. */
static __always_inline void tell_listen(const struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct known *container = known_of(task);

	if (!container)
		return;
	__u64 id = container->container_id;
	struct known *outer = find_known(id);

	if (!outer || ++outer->listens > LISTENS_MAX)
		return;
	__u64 now_ns = bpf_ktime_get_boot_ns();

	if (outer->listens == 1)
		tell_stalls(task, id, false, now_ns);
	struct wire_listen *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_MAIN_FULL);
		return;
	}
	fill_header(&record->header, WIRE_LISTEN, sizeof(*record), WIRE_ROLE_MEMBER, id, task);
	record->header.boot_ns = now_ns;
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
}
