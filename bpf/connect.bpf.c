// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a container waits for while it starts: connections that come to nothing. A part of socket.bpf.c.
 *
 * Only connect(2) itself runs as the process that connects; how it ends is found out by whoever handles the
 * packet or the timer. So the first notes whose the socket is, and the second looks that up. What
 * connect(2) refuses before it has sent anything (no route at all) changes no state: it is not told.
 */
#include "bpf/probe.h"

#define CONNECTS_MAX 512
#define FAILURES_MAX 1024
#define TARGETS_MAX  64 /* of one container */
/*
 * A program that closes its socket unanswered has given up if it waited so long. One that is quicker ends, or
 * tries two addresses at once and takes the first to answer (RFC 8305).
 */
#define GIVEN_UP_NS 200000000ull

const volatile __u64 start_window_ns = 300000000000ull;

struct connecting {
	struct wire_header header; /* its time is that of the connect */
	char container[WIRE_NAME];
};

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

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FAILURES_MAX);
	__type(key, struct wire_target);
	__type(value, struct wire_failures);
} failures SEC(".maps");

/* From its entrypoint until it listens, or the window is over. */
static __always_inline bool is_starting(const struct known *container, __u64 now_ns)
{
	return container->began_ns && !container->listens &&
	       now_ns - container->began_ns < start_window_ns;
}

static __always_inline void begin_connect(const struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct known *entry = known_of(task);
	__u64 key = (__u64)sk;

	/* MPTCP's own socket changes state too, beside that of its first flow */
	if (!entry || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		goto forget;
	__u64 id = entry->container_id;
	struct known *container = bpf_map_lookup_elem(&known, &id);

	if (!container || !is_starting(container, bpf_ktime_get_boot_ns()) ||
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

static __always_inline struct wire_failures *failures_of(const struct wire_target *target)
{
	struct wire_failures *found = bpf_map_lookup_elem(&failures, target), none = {};
	__u64 id = target->container_id;

	if (found)
		return found;
	struct known *container = bpf_map_lookup_elem(&known, &id);

	if (!container || ++container->targets > TARGETS_MAX)
		return NULL;
	bpf_map_update_elem(&failures, target, &none, BPF_NOEXIST); /* or another CPU has */
	return bpf_map_lookup_elem(&failures, target);
}

/* At most one record per target and interval, so that a loop without a pause can't fill the ring. */
static __always_inline void tell_failure(const struct connecting *connect,
					 const struct wire_target *target, __u64 now_ns)
{
	struct wire_failures *failed = failures_of(target);

	if (!failed) {
		count_loss(WIRE_LOSS_CONNECTS);
		return;
	}
	failed->began_ns = connect->header.boot_ns;
	failed->last_ns = now_ns;
	__sync_fetch_and_add(&failed->total, 1);
	if (failed->told && now_ns - failed->told_ns < WIRE_CONNECT_INTERVAL_NS)
		return;
	struct wire_connect_failed *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_CONNECTS);
		return;
	}
	record->header = connect->header;
	record->header.cpu = bpf_get_smp_processor_id();
	record->header.boot_ns = now_ns;
	__builtin_memcpy(record->container, connect->container, sizeof(record->container));
	record->target = *target;
	record->began_ns = connect->header.boot_ns;
	record->total = failed->total;
	record->count = record->total - failed->told;
	failed->told = record->total;
	failed->told_ns = now_ns;
	submit(&ring_main, &record->header, false);
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

	if (new_state != TCP_CLOSE)
		goto forget;
	connect = bpf_map_lookup_elem(&connects, &key);
	if (!connect)
		return;
	struct wire_target target = {
		.container_id = connect->header.cgroup_id,
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
