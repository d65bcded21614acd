// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a container waits for while it starts: connections that come to nothing, or come late. A part of
 * socket.bpf.c.
 *
 * Only connect(2) itself runs as the process that connects; how it ends is found out by whoever handles the
 * packet or the timer. So the first notes whose the socket is, and the second looks that up. What
 * connect(2) refuses before it has sent anything (no route at all) changes no state: it is not told.
 */
#include "bpf/peer.bpf.c"

#define CONNECTS_MAX 512
#define SLOW_NS	     200000000ull
/*
 * A program that closes its socket unanswered has given up if it waited so long. One that is quicker ends, or
 * tries two addresses at once and takes the first to answer (RFC 8305).
 */
#define GIVEN_UP_NS 200000000ull

/*
 * By socket. Each entry goes when its socket leaves SYN_SENT, whatever for; one that nobody saw leave is
 * taken over by the next socket at that address.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTS_MAX);
	__type(key, __u64);
	__type(value, struct connecting);
} connects SEC(".maps");

static __always_inline void begin_connect(const struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct known *entry = known_of(task);
	__u64 key = (__u64)sk;

	/* MPTCP's own socket changes state too, beside that of its first flow */
	if (!entry || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		goto forget;
	__u64 id = entry->container_id;
	struct known *container = find_known(id);

	if (!container || !is_starting(container, id, bpf_ktime_get_boot_ns()) ||
	    is_session(container, task))
		goto forget;
	struct connecting connect = {};

	fill_header(&connect.header, WIRE_CONNECT_FAILED, sizeof(struct wire_connect_failed),
		    WIRE_ROLE_MEMBER, id, task);
	container_name(deciding_cgroup(task), id, connect.container);
	if (bpf_map_update_elem(&connects, &key, &connect, BPF_ANY))
		count_loss(WIRE_LOSS_CONNECTS);
	return;
forget: /* what a socket at the same address has left */
	bpf_map_delete_elem(&connects, &key);
}

static __always_inline void read_target(struct wire_target *target, const struct sock *sk)
{
	__u32 *address = (__u32 *)target->address;

	target->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	target->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (target->family == AF_INET) {
		BPF_CORE_READ_INTO(address, sk, __sk_common.skc_daddr);
		return;
	}
	BPF_CORE_READ_INTO(&target->address, sk, __sk_common.skc_v6_daddr);
	if (!address[0] && !address[1] && address[2] == bpf_htonl(0xffff)) { /* ::ffff:… */
		target->family = AF_INET;
		address[0] = address[3];
		address[2] = address[3] = 0;
	}
}

/* Those of a peer that refuses, is silent, or can't be reached: what programs retry. */
static const __s32 retried_errors[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH};

/* The end of a series of failures: the first success says how long the container waited. */
static __always_inline void tell_reached(const struct connecting *connect,
					 struct wire_target *target, __u64 now_ns)
{
	bool was_failing = false;

	for (int i = 0; i < 3; i++) {
		target->kind = WIRE_CONNECT_FAILED;
		target->error = retried_errors[i];
		struct wire_failures *failed = bpf_map_lookup_elem(&failures, target);

		if (failed && failed->reached != failed->total) {
			failed->reached = failed->total;
			was_failing = true;
		}
	}
	target->error = 0;
	target->kind = WIRE_CONNECT_REACHED;
	if (was_failing)
		write_wait(connect, target, now_ns, NULL);
}

static __always_inline void tell_established(const struct sock *sk,
					     const struct connecting *connect)
{
	struct wire_target target = {
		.container_id = connect->header.cgroup_id,
		.kind = WIRE_CONNECT_SLOW,
	};
	__u64 id = connect->header.cgroup_id, now_ns = bpf_ktime_get_boot_ns();
	struct known *container = find_known(id);

	read_target(&target, sk);
	if (now_ns - connect->header.boot_ns >= SLOW_NS)
		tell_wait(connect, &target, now_ns, NULL);
	if (container && container->failures)
		tell_reached(connect, &target, now_ns);
}

static __always_inline void tell_failure(const struct connecting *connect,
					 const struct wire_target *target, __u64 now_ns)
{
	__u64 id = target->container_id;
	struct known *container = find_known(id);

	if (container)
		container->failures++;
	tell_wait(connect, target, now_ns, NULL);
}

/*
 * Whose socket it is says the entry: the current task can be anybody. TCP sets the socket's error before
 * its state: tcp_reset() ECONNREFUSED, tcp_v4_err() and tcp_v6_err() what ICMP says, tcp_write_err()
 * ETIMEDOUT. There is none if the program closes it.
 */
static __always_inline void end_connect(const struct sock *sk, int new_state)
{
	__u64 key = (__u64)sk, now_ns;
	struct connecting *connect;

	connect = bpf_map_lookup_elem(&connects, &key);
	if (!connect)
		return;
	if (new_state == TCP_ESTABLISHED)
		tell_established(sk, connect);
	if (new_state != TCP_CLOSE)
		goto forget;
	struct wire_target target = {
		.container_id = connect->header.cgroup_id,
		.kind = WIRE_CONNECT_FAILED,
		.error = BPF_CORE_READ(sk, sk_err),
	};

	now_ns = bpf_ktime_get_boot_ns();
	if (!target.error) {
		if (now_ns - connect->header.boot_ns < GIVEN_UP_NS)
			goto forget;
		target.error = ETIMEDOUT;
	}
	read_target(&target, sk);
	tell_failure(connect, &target, now_ns);
forget:
	bpf_map_delete_elem(&connects, &key);
}
