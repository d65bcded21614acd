// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a container waits for while it starts: answers of name servers (UDP, port 53).
 *
 * Both directions are seen at the network device, whoever runs: a question may leave late, after its gateway's
 * address was found, and an answer is read whenever the program likes. The socket says whose a question is. An
 * answer is joined to it by the container's port and the id of the question; neither changes on the way, whatever
 * address translation there is. These run for each packet of the node, and are
 * attached on demand.
 */
#include "bpf/peer.bpf.c"

#define QUESTIONS_MAX  256
#define SLOW_ANSWER_NS 100000000ull
/*
 * Seen again at a device below, or sent to all servers in turn (musl): on a busy machine that takes a while. Who asks
 * again has waited for longer.
 */
#define SAME_PACKET_NS	   100000000ull
#define DNS_PORT	   53
#define DNS_ANSWER	   0x80 /* in the first byte of the flags */
#define DNS_CODE	   0x0f /* in the second */
#define DNS_NXDOMAIN	   3
#define ICMP_UNREACHABLE   3
#define ICMPV6_UNREACHABLE 1
#define ICMP_HEAD	   8

/* What a name is asked for is nobody's business, unless this is set. */
const volatile bool record_names = false;

/* None was asked yet: every packet that comes in is let pass at once. */
__u32 questions_asked = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QUESTIONS_MAX);
	__type(key, struct wire_question_key);
	__type(value, struct wire_question);
} questions SEC(".maps");

/* Of IPv4 or IPv6, up to the addresses. */
struct ip_head {
	union {
		struct {
			__u8 version, pad[8], protocol, pad4[6];
			__u8 to[4];
		} v4;
		struct {
			__u8 version, pad[5], protocol, pad6[17];
			__u8 to[16];
		} v6;
	};
};
_Static_assert(sizeof(struct ip_head) == 40, "ip_head");

struct dns_head { /* with UDP's before it */
	__u16 from_port, to_port, length, sum;
	__u16 id;
	__u8 flags, code;
};

static __always_inline bool is_v6(const struct ip_head *ip)
{
	return ip->v4.version >> 4 == 6;
}

static __always_inline __u8 protocol_of(const struct ip_head *ip)
{
	return is_v6(ip) ? ip->v6.protocol : ip->v4.protocol;
}

static __always_inline __u32 length_of(const struct ip_head *ip)
{
	return is_v6(ip) ? 40 : (ip->v4.version & 0xf) * 4;
}

/* Where the kernel keeps v2's cgroup of a socket; else the one who runs is who sends. */
static __always_inline struct cgroup *cgroup_of_socket(const struct sock *sk)
{
	const struct sock_cgroup_data___old *old;
	struct cgroup *cgroup = NULL;

	if (!memory_on_v1 && bpf_core_field_exists(struct sock_cgroup_data, cgroup)) {
		cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	} else if (!memory_on_v1 && bpf_core_field_exists(struct sock, sk_cgrp_data)) {
		old = (const void *)__builtin_preserve_access_index(&sk->sk_cgrp_data);
		cgroup = (struct cgroup *)BPF_CORE_READ(old, val);
		if ((__u64)cgroup & 1)
			cgroup = NULL;
	}
	return cgroup ? cgroup : deciding_cgroup((struct task_struct *)bpf_get_current_task());
}

/* Fills in who asks. False: no container that starts. */
static __always_inline bool read_asker(struct wire_question *question, const struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct cgroup *cgroup = cgroup_of_socket(sk);
	__u64 id = cgroup_id_of(cgroup), now_ns = bpf_ktime_get_boot_ns();
	struct known *entry = find_known(id);

	if (!entry)
		return false;
	id = entry->container_id;
	struct known *container = find_known(id);

	if (!container || !is_starting(container, id, now_ns) ||
	    (known_of(task) == entry && is_session(container, task)))
		return false;
	question->header.boot_ns = now_ns;
	question->header.cgroup_id = id;
	question->target.container_id = id;
	question->target.kind = WIRE_DNS;
	container_name(cgroup, id, question->container);
	return true;
}

static __always_inline void read_server(struct wire_target *target, const struct ip_head *ip)
{
	target->family = is_v6(ip) ? AF_INET6 : AF_INET;
	target->port = DNS_PORT;
	if (is_v6(ip))
		__builtin_memcpy(target->address, ip->v6.to, sizeof(ip->v6.to));
	else
		__builtin_memcpy(target->address, ip->v4.to, sizeof(ip->v4.to));
}

/* A wire_question begins as a connecting does. */
static __always_inline void tell_question(const struct wire_question *question, __s32 code,
					  __u64 now_ns)
{
	struct wire_target target = question->target;

	target.error = code;
	tell_wait((const struct connecting *)question, &target, now_ns, question->question);
}

/* Asked again: the one before had no answer. */
static __always_inline void ask(const struct wire_question_key *key,
				const struct wire_question *question)
{
	struct wire_question *before = bpf_map_lookup_elem(&questions, key);
	__u64 now_ns = question->header.boot_ns;

	if (before) {
		if (now_ns - before->header.boot_ns < SAME_PACKET_NS)
			return;
		tell_question(before, WIRE_DNS_UNANSWERED, now_ns);
	}
	questions_asked = 1;
	if (bpf_map_update_elem(&questions, key, question, BPF_ANY))
		count_loss(WIRE_LOSS_QUESTIONS);
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(watch_dns_out, struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (!sk || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	const unsigned char *head = skb->head;
	const unsigned char *udp = head + skb->transport_header;
	struct dns_head dns;
	struct ip_head ip;

	if (bpf_probe_read_kernel(&dns, sizeof(dns), udp) || dns.to_port != bpf_htons(DNS_PORT) ||
	    dns.flags & DNS_ANSWER)
		return 0;
	struct wire_question question = {};
	struct wire_question_key key = {.port = dns.from_port, .id = dns.id};

	if (!read_asker(&question, sk) ||
	    bpf_probe_read_kernel(&ip, sizeof(ip), head + skb->network_header))
		return 0;
	read_server(&question.target, &ip);
	if (record_names)
		bpf_probe_read_kernel(question.question, WIRE_QUESTION, udp + 8 + 12);
	ask(&key, &question);
	return 0;
}

/* A server, or a router on the way, says that nobody is there: what it was about follows. */
static __always_inline bool is_unreachable(__u8 protocol, const unsigned char *icmp)
{
	__u8 type = 0;

	bpf_probe_read_kernel(&type, sizeof(type), icmp);
	return protocol == IPPROTO_ICMP ? type == ICMP_UNREACHABLE : type == ICMPV6_UNREACHABLE;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(watch_dns_in, struct sk_buff *skb)
{
	if (!questions_asked)
		return 0;
	const unsigned char *data = skb->data; /* the network header: none is set yet */
	bool unreachable = false;
	struct dns_head dns;
	struct ip_head ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), data))
		return 0;
	__u8 protocol = protocol_of(&ip);

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		data += length_of(&ip);
		if (!is_unreachable(protocol, data))
			return 0;
		unreachable = true;
		data += ICMP_HEAD;
		if (bpf_probe_read_kernel(&ip, sizeof(ip), data))
			return 0;
		protocol = protocol_of(&ip);
	}
	if (protocol != IPPROTO_UDP ||
	    bpf_probe_read_kernel(&dns, sizeof(dns), data + length_of(&ip)))
		return 0;
	if ((unreachable ? dns.to_port : dns.from_port) != bpf_htons(DNS_PORT) ||
	    (!unreachable && !(dns.flags & DNS_ANSWER)))
		return 0;
	struct wire_question_key key = {
		.port = unreachable ? dns.from_port : dns.to_port,
		.id = dns.id,
	};
	struct wire_question *question = bpf_map_lookup_elem(&questions, &key);

	if (!question)
		return 0;
	__u64 now_ns = bpf_ktime_get_boot_ns();
	__s32 code = unreachable ? WIRE_DNS_UNANSWERED : dns.code & DNS_CODE;

	/* that a name does not exist is a good answer: search lists are made of them */
	if (now_ns - question->header.boot_ns >= SLOW_ANSWER_NS || (code && code != DNS_NXDOMAIN))
		tell_question(question, code, now_ns);
	bpf_map_delete_elem(&questions, &key);
	return 0;
}
