/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a process is connected to over TCP, as /proc tells. No policy. */
#pragma once

#include <stdint.h>

#define PEER_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */

struct process_peer {
	char address[PEER_ADDRESS_SIZE];
	uint16_t port;
};

/*
 * The one peer that the process has connected to; several connections to it are one. Returns 0, -ENOENT (none),
 * -E2BIG (several, or too many sockets to look through), or another negative errno: another user's process is not
 * shown without CAP_SYS_PTRACE.
 */
int process_peer_read(const char *proc, uint32_t pid, struct process_peer *ret);
