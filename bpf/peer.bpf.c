// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Whom containers that start wait for: what their connections and questions came to, folded by target.
 * A part of connect.bpf.c and dns.bpf.c, which find it out.
 */
#pragma once

#include "bpf/window.bpf.c"

#define FAILURES_MAX 1024
#define TARGETS_MAX  64 /* of one container */

const volatile __u64 start_window_ns = 300000000000ull;

/* Who began what is under way. */
struct connecting {
	struct wire_header header; /* its time is that of the connect, or the question */
	char container[WIRE_NAME];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FAILURES_MAX);
	__type(key, struct wire_target);
	__type(value, struct wire_failures);
} failures SEC(".maps");

static const __u8 no_question[WIRE_QUESTION] = {};
static struct wire_failures new_failures; /* all 0 but made_ns */

/*
 * From its entrypoint until it listens; one that is watched closely until the agent says that its start is over: what
 * it waits for before it is ready may come behind the listen.
 */
static __always_inline bool is_starting(const struct known *container, __u64 container_id,
					__u64 now_ns)
{
	__u32 slot = container->window - 1;

	if (!container->began_ns || now_ns - container->began_ns >= start_window_ns)
		return false;
	if (!container->listens)
		return true;
	struct wire_window *window = bpf_map_lookup_elem(&windows, &slot);

	return window && window->container_id == container_id;
}

static __always_inline struct wire_failures *failures_of(const struct wire_target *target)
{
	struct wire_failures *found = bpf_map_lookup_elem(&failures, target);
	__u64 id = target->container_id;

	if (found)
		return found;
	struct known *container = find_known(id);

	if (!container || container->targets >= TARGETS_MAX)
		return NULL;
	new_failures.made_ns = bpf_ktime_get_boot_ns();
	/* or another CPU has */
	if (!bpf_map_update_elem(&failures, target, &new_failures, BPF_NOEXIST))
		container->targets++;
	return bpf_map_lookup_elem(&failures, target);
}

/*
 * They end in order: only the part of one that none before it covers is more waiting. Another CPU may end one at the
 * same time, so the end is noted first.
 */
static __always_inline void add_wait(struct wire_failures *failed, __u64 began_ns, __u64 now_ns,
				     const __u8 *question)
{
	__u64 last_ns = failed->last_ns, ns = 0;

	failed->last_ns = now_ns;
	if (now_ns - began_ns > failed->longest_ns) {
		failed->longest_ns = now_ns - began_ns;
		if (question)
			__builtin_memcpy(failed->question, question, WIRE_QUESTION);
	}
	if (began_ns >= last_ns) {
		ns = now_ns - began_ns;
		failed->busy_ns = began_ns;
	} else if (now_ns > last_ns) {
		ns = now_ns - last_ns;
		if (began_ns < failed->busy_ns) {
			ns += failed->busy_ns - began_ns;
			failed->busy_ns = began_ns;
		}
	}
	__sync_fetch_and_add(&failed->wait_ns, ns);
	failed->began_ns = began_ns;
}

/* A record without the counts of its target, if it has none. Returns whether there was room. */
static __always_inline bool write_wait(const struct connecting *who,
				       const struct wire_target *target, __u64 now_ns,
				       const struct wire_failures *failed)
{
	if (!has_room_for_chatter())
		return false;
	struct wire_connect_failed *record = bpf_ringbuf_reserve(&ring_main, sizeof(*record), 0);

	if (!record) {
		count_loss(WIRE_LOSS_CONNECTS);
		return false;
	}
	record->header = who->header;
	record->header.type = target->kind;
	record->header.size = sizeof(*record);
	record->header.cpu = bpf_get_smp_processor_id();
	record->header.boot_ns = now_ns;
	__builtin_memcpy(record->container, who->container, sizeof(record->container));
	record->target = *target;
	record->began_ns = who->header.boot_ns;
	record->made_ns = failed ? failed->made_ns : 0;
	record->wait_ns = failed ? failed->wait_ns : 0;
	record->told_wait_ns = failed ? failed->told_wait_ns : 0;
	record->longest_ns = failed ? failed->longest_ns : 0;
	record->total = failed ? failed->total : 0;
	record->count = failed ? failed->total - failed->told : 0;
	__builtin_memcpy(record->question, failed ? failed->question : no_question, WIRE_QUESTION);
	submit(&ring_main, &record->header, false);
	return true;
}

/* At most one record per target and interval, so that a loop without a pause can't fill the ring. */
static __always_inline void tell_wait(const struct connecting *who,
				      const struct wire_target *target, __u64 now_ns,
				      const __u8 *question)
{
	struct wire_failures *failed = failures_of(target);

	if (!failed) {
		count_loss(WIRE_LOSS_CONNECTS);
		return;
	}
	add_wait(failed, who->header.boot_ns, now_ns, question);
	__sync_fetch_and_add(&failed->total, 1);
	if (failed->told && now_ns - failed->told_ns < WIRE_CONNECT_INTERVAL_NS)
		return;
	if (!write_wait(who, target, now_ns, failed))
		return;
	failed->told = failed->total;
	failed->told_wait_ns = failed->wait_ns;
	failed->told_ns = now_ns;
}
