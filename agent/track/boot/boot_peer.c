/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/peer_text.h"

void boot_peers_clear(struct boot_peers *peers)
{
	free(peers->all);
	peers->all = NULL;
	peers->count = 0;
}

/* NULL: for want of memory, or of room while each may count. */
static struct boot_peer *make_room(struct boot_peers *peers, bool may_replace)
{
	if (!peers->all)
		peers->all = calloc(BOOT_PEERS_MAX, sizeof(*peers->all));
	if (!peers->all || (peers->count == BOOT_PEERS_MAX && !may_replace)) {
		peers->lost++;
		return NULL;
	}
	if (peers->count < BOOT_PEERS_MAX)
		return &peers->all[peers->count++];
	struct boot_peer *oldest = peers->all;

	for (uint32_t i = 1; i < peers->count; i++)
		if (peers->all[i].tries.last_ns < oldest->tries.last_ns)
			oldest = &peers->all[i];
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

static struct boot_peer *get(struct boot_peers *peers, const struct event_connect_failed *told,
			     bool may_replace)
{
	struct boot_peer *peer;

	for (uint32_t i = 0; i < peers->count; i++) {
		peer = &peers->all[i];
		if (peer->port == told->port &&
		    strcmp(peer->container_id, told->container_id) == 0 &&
		    strcmp(peer->address, told->address) == 0)
			return peer;
	}
	peer = make_room(peers, may_replace);
	if (!peer)
		return NULL;
	TEXT_COPY(peer->container_id, told->container_id);
	TEXT_COPY(peer->address, told->address);
	peer->port = told->port;
	return peer;
}

bool boot_peers_note(struct boot_peers *peers, const struct event *event, uint64_t until_ns)
{
	const struct event_connect_failed *told = &event->connect_failed;
	struct boot_peer *peer =
		*told->container_id ? get(peers, told, event->boot_ns > until_ns) : NULL;

	if (!peer)
		return false;
	peer_series_note(&peer->tries, event);
	return true;
}

struct span boot_peer_span(const struct boot_peer *peer)
{
	return peer_series_span(&peer->tries);
}

const struct boot_peer *boot_peers_last(const struct boot_peers *peers, const char *container_id,
					uint64_t after_ns, uint64_t before_ns)
{
	const struct boot_peer *last = NULL;

	for (uint32_t i = 0; i < peers->count; i++) {
		const struct boot_peer *peer = &peers->all[i];

		if (peer->tries.count < 2 || peer->tries.began_ns >= before_ns ||
		    peer->tries.last_ns <= after_ns ||
		    strcmp(peer->container_id, container_id) != 0)
			continue;
		if (!last || peer->tries.last_ns > last->tries.last_ns)
			last = peer;
	}
	return last;
}

void boot_peer_text(const struct boot_peer *peer, char ret_text[static CAUSE_SIZE])
{
	char text[PEER_TEXT_SIZE];

	peer_text_failed(peer->tries.count, peer->tries.error, "", peer->address, peer->port, text);
	text_copy_n(ret_text, CAUSE_SIZE, text, sizeof(text));
}
