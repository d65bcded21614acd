/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of containers that failed again and again: what a program waited for before it went on. */
#pragma once

#include "model/event.h"
#include "model/record.h"
#include "track/why/peer_series.h"

#define BOOT_PEERS_MAX 256

/* Tries of one container to reach one address, without success so far. */
struct boot_peer {
	char container_id[ID_SIZE];
	char address[ADDRESS_SIZE];
	uint16_t port;
	struct peer_series tries;
};

struct boot_peers {
	struct boot_peer *all;
	uint32_t count;
	uint64_t lost;
};

void boot_peers_clear(struct boot_peers *peers);

/* After until_ns the one that was tried longest ago makes room. */
bool boot_peers_note(struct boot_peers *peers, const struct event *event, uint64_t until_ns);

/* From its first try until the one that was due after the last failure. */
struct span boot_peer_span(const struct boot_peer *peer);

/*
 * Of the container's series with at least two tries before before_ns, the one that ended last; NULL if there is none
 * with time after after_ns.
 */
const struct boot_peer *boot_peers_last(const struct boot_peers *peers, const char *container_id,
					uint64_t after_ns, uint64_t before_ns);

/* "14 refused connections to 10.0.0.1:5432" */
void boot_peer_text(const struct boot_peer *peer, char ret_text[static CAUSE_SIZE]);
