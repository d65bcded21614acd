/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot_peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void boot_peers_clear(struct boot_peers *peers)
{
	free(peers->all);
	peers->all = NULL;
	peers->count = 0;
}

static struct boot_peer *get(struct boot_peers *peers, const struct event_connect_failed *told)
{
	struct boot_peer *peer;

	for (uint32_t i = 0; i < peers->count; i++) {
		peer = &peers->all[i];
		if (peer->port == told->port &&
		    strcmp(peer->container_id, told->container_id) == 0 &&
		    strcmp(peer->address, told->address) == 0)
			return peer;
	}
	if (!peers->all)
		peers->all = calloc(BOOT_PEERS_MAX, sizeof(*peers->all));
	if (!peers->all || peers->count == BOOT_PEERS_MAX) {
		peers->lost++;
		return NULL;
	}
	peer = &peers->all[peers->count++];
	TEXT_COPY(peer->container_id, told->container_id);
	TEXT_COPY(peer->address, told->address);
	peer->port = told->port;
	return peer;
}

/* Between the end of a try and the beginning of the next. */
static uint64_t pause_of(const struct event *event, uint64_t last_ns, uint32_t count)
{
	uint64_t began_ns = event->connect_failed.began_ns;
	uint64_t each_ns = (event->boot_ns - last_ns) / count;
	uint64_t tried_ns = began_ns && began_ns < event->boot_ns ? event->boot_ns - began_ns : 0;

	return each_ns > tried_ns ? each_ns - tried_ns : 0;
}

bool boot_peers_note(struct boot_peers *peers, const struct event *event)
{
	const struct event_connect_failed *told = &event->connect_failed;
	uint32_t count = told->count ? told->count : 1;
	struct boot_peer *peer = *told->container_id ? get(peers, told) : NULL;

	if (!peer)
		return false;
	if (!peer->count)
		peer->began_ns = told->began_ns ? told->began_ns : event->boot_ns;
	else if (event->boot_ns > peer->last_ns)
		peer->pause_ns = pause_of(event, peer->last_ns, count);
	if (event->boot_ns > peer->last_ns)
		peer->last_ns = event->boot_ns;
	peer->error = told->error;
	peer->count += count;
	return true;
}

struct span boot_peer_span(const struct boot_peer *peer)
{
	return (struct span){peer->began_ns, peer->last_ns + peer->pause_ns};
}

const struct boot_peer *boot_peers_last(const struct boot_peers *peers, const char *container_id,
					uint64_t after_ns, uint64_t before_ns)
{
	const struct boot_peer *last = NULL;

	for (uint32_t i = 0; i < peers->count; i++) {
		const struct boot_peer *peer = &peers->all[i];

		if (peer->count < 2 || peer->began_ns >= before_ns || peer->last_ns <= after_ns ||
		    strcmp(peer->container_id, container_id) != 0)
			continue;
		if (!last || peer->last_ns > last->last_ns)
			last = peer;
	}
	return last;
}

static const char *manner(int32_t error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		return "failed";
	}
}

void boot_peer_text(const struct boot_peer *peer, char ret_text[static CAUSE_SIZE])
{
	bool v6 = strchr(peer->address, ':');

	snprintf(ret_text, CAUSE_SIZE, "%" PRIu32 " %s connections to %s%s%s:%u", peer->count,
		 manner(peer->error), v6 ? "[" : "", peer->address, v6 ? "]" : "", peer->port);
}
