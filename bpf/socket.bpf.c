// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TCP sockets change their state: a container's listens and failed connections are told.
 *
 * This runs for every connection on the node, in whatever context its packets are handled: what is of no
 * interest is sorted out by the two states alone.
 */
#include "bpf/probe.h"

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_sock_state, const struct sock *sk, int old_state, int new_state)
{
	if (!is_mine())
		return 0;
	if (old_state == TCP_SYN_SENT)
		end_connect(sk, new_state);
	else if (new_state == TCP_SYN_SENT)
		begin_connect(sk);
	else if (new_state == TCP_LISTEN)
		tell_listen(sk);
	return 0;
}
