/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a start waited for, from its entrypoint's exec to the end of app and probe.
 *
 * Failed connections to one address are a series: the wait is from the first of them to the one that was established
 * at last, else to the next that was due. Slow connections and DNS questions are a wait by themselves; what was under
 * way at the same time counts once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "track/why/why_private.h"

#define DNS_NXDOMAIN 3 /* an answer like others: search lists are made of them */

static struct peer_facts *find(struct why_facts *facts, enum peer_wait_kind kind,
			       const char *address, uint16_t port)
{
	for (uint32_t i = 0; i < facts->peer_count; i++) {
		struct peer_wait *wait = &facts->peers[i].wait;

		if (wait->kind == kind && wait->port == port && strcmp(wait->address, address) == 0)
			return &facts->peers[i];
	}
	return NULL;
}

static struct peer_facts *get(struct why_facts *facts, enum peer_wait_kind kind,
			      const char *address, uint16_t port)
{
	struct peer_facts *peer = find(facts, kind, address, port);

	if (peer || facts->peer_count == WHY_PEERS_MAX)
		return peer;
	if (!facts->peers)
		facts->peers = calloc(WHY_PEERS_MAX, sizeof(*facts->peers));
	if (!facts->peers)
		return NULL;
	peer = &facts->peers[facts->peer_count++];
	peer->wait.kind = kind;
	peer->wait.port = port;
	TEXT_COPY(peer->wait.address, address);
	return peer;
}

static struct span series_span(const struct peer_facts *peer)
{
	struct span span = peer_series_span(&peer->series);

	if (peer->reached_ns)
		span.to_ns = peer->reached_ns;
	return span;
}

/* A series that is over becomes part of the wait. */
static void add_series(struct peer_wait *wait, const struct peer_facts *peer)
{
	struct span span = series_span(peer);

	if (!peer->series.count)
		return;
	if (!wait->count)
		wait->span.from_ns = span.from_ns;
	wait->span.to_ns = span.to_ns;
	wait->wait_ns += span_length(span);
	wait->count += peer->series.count;
	wait->failed += peer->series.count;
	wait->error = peer->series.error;
}

static void note_failed(struct peer_facts *peer, const struct event *event)
{
	const struct event_connect_failed *told = &event->connect_failed;
	uint64_t tried_ns = event->boot_ns - told->began_ns;

	if (peer->reached_ns && told->began_ns >= peer->reached_ns) {
		add_series(&peer->wait, peer);
		peer->series = (struct peer_series){0};
		peer->reached_ns = 0;
	}
	peer_series_note(&peer->series, event);
	if (told->longest_ns > peer->wait.longest_ns)
		peer->wait.longest_ns = told->longest_ns;
	else if (told->began_ns && tried_ns > peer->wait.longest_ns)
		peer->wait.longest_ns = tried_ns;
}

/* The part of it that none before covers: they come in the order of their ends. */
static uint64_t new_part(struct peer_facts *peer, uint64_t began_ns, uint64_t ended_ns,
			 uint64_t wait_ns)
{
	uint64_t last_ns = peer->wait.span.to_ns, twice_ns;

	if (began_ns >= last_ns) {
		peer->busy_ns = began_ns;
		return wait_ns;
	}
	twice_ns = (ended_ns < last_ns ? ended_ns : last_ns) -
		   (began_ns > peer->busy_ns ? began_ns : peer->busy_ns);
	if (began_ns < peer->busy_ns)
		peer->busy_ns = began_ns;
	return wait_ns > twice_ns ? wait_ns - twice_ns : 0;
}

/* Returns whether it is the longest so far. */
static bool add_wait(struct peer_facts *peer, const struct event *event, uint64_t began_ns,
		     uint32_t count, uint64_t wait_ns, uint64_t longest_ns)
{
	struct peer_wait *wait = &peer->wait;
	bool longest = longest_ns > wait->longest_ns;

	if (!wait->span.from_ns || began_ns < wait->span.from_ns)
		wait->span.from_ns = began_ns;
	/* several that were told as one: the kernel has counted what was at the same time */
	wait->wait_ns += count <= 1 ? new_part(peer, began_ns, event->boot_ns, wait_ns) : wait_ns;
	if (event->boot_ns > wait->span.to_ns)
		wait->span.to_ns = event->boot_ns;
	wait->count += count;
	if (longest)
		wait->longest_ns = longest_ns;
	return longest;
}

static bool note_connected(struct why_facts *facts, const struct event *event)
{
	const struct event_connect_failed *told = &event->connect_failed;
	struct peer_facts *failed = find(facts, PEER_WAIT_FAILED, told->address, told->port);

	if (failed && !failed->reached_ns && told->began_ns >= failed->series.last_ns)
		failed->reached_ns = told->began_ns;
	if (!told->count)
		return true;
	struct peer_facts *peer = get(facts, PEER_WAIT_SLOW, told->address, told->port);

	if (peer)
		add_wait(peer, event, told->began_ns, told->count, told->wait_ns, told->longest_ns);
	return peer;
}

/* It goes on, or one that did is over. */
static void note_pending(struct peer_facts *peer, const struct event *event)
{
	uint32_t count = event->dns.count;

	if (!count) {
		if (event->boot_ns != peer->pending_ns)
			peer->pending = 0;
		peer->pending_ns = event->boot_ns;
		peer->pending++;
	} else if (event->dns.began_ns <= peer->pending_ns) {
		peer->pending -= count < peer->pending ? count : peer->pending;
	}
}

static bool note_dns(struct why_facts *facts, const struct event *event)
{
	const struct event_dns *told = &event->dns;
	struct peer_facts *peer = get(facts, PEER_WAIT_DNS, told->address, told->port);

	if (!peer)
		return false;
	note_pending(peer, event);
	if (add_wait(peer, event, told->began_ns, told->count, told->wait_ns, told->longest_ns))
		TEXT_COPY(peer->wait.query, told->query);
	if (told->code && told->code != DNS_NXDOMAIN) {
		peer->wait.failed += told->count;
		peer->wait.error = told->code;
	}
	return true;
}

bool why_peers_note(struct why_facts *facts, const struct event *event)
{
	const struct event_connect_failed *told = &event->connect_failed;

	if (event->type == EVENT_DNS)
		return note_dns(facts, event);
	if (event->type == EVENT_CONNECT_SLOW)
		return note_connected(facts, event);
	struct peer_facts *peer = get(facts, PEER_WAIT_FAILED, told->address, told->port);

	if (peer)
		note_failed(peer, event);
	return peer;
}

void why_peers_listen(struct why_facts *facts, uint64_t listen_ns)
{
	if (facts->listen_ns)
		return;
	facts->listen_ns = listen_ns;
	for (uint32_t i = 0; i < facts->peer_count; i++)
		facts->peers[i].app_ns = facts->peers[i].wait.wait_ns;
}

/* A series that failed has its span; a question that still has no answer gets none. */
static struct peer_wait so_far(const struct why_facts *facts, const struct peer_facts *peer)
{
	struct peer_wait wait = peer->wait;

	if (facts->listen_ns && wait.kind != PEER_WAIT_FAILED)
		wait.probe_ns = wait.wait_ns - peer->app_ns;
	if (peer->pending) {
		wait.count += peer->pending;
		wait.failed += peer->pending;
		wait.error = -1;
	}
	add_series(&wait, peer);
	return wait;
}

/* App and probe; if it never got there, from the end of what it has. */
static struct span window_of(const struct record_start *start)
{
	struct span window = {start->span.to_ns, UINT64_MAX};

	for (uint32_t i = start->phase_count; i-- > 0;) {
		const struct phase_span *phase = &start->phases[i];

		if (phase->phase != PHASE_APP && phase->phase != PHASE_PROBE)
			continue;
		window.from_ns = phase->span.from_ns;
		if (window.to_ns == UINT64_MAX)
			window.to_ns = phase->span.to_ns;
	}
	return window;
}

/* False: nothing of it lies in the window. */
static bool clip(struct peer_wait *wait, struct span window)
{
	struct span span = wait->span;

	if (span.from_ns < window.from_ns)
		span.from_ns = window.from_ns;
	if (span.to_ns > window.to_ns)
		span.to_ns = window.to_ns;
	if (!span_length(span) || !wait->count)
		return false;
	wait->span = span;
	if (wait->wait_ns > span_length(span))
		wait->wait_ns = span_length(span);
	if (wait->probe_ns > wait->wait_ns)
		wait->probe_ns = wait->wait_ns;
	if (wait->longest_ns > span_length(span))
		wait->longest_ns = span_length(span);
	return true;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* One peer by two addresses: both families of localhost, or of a pod. */
static bool is_same(const struct peer_wait *one, const struct peer_wait *other)
{
	if (one->kind != other->kind || one->port != other->port)
		return false;
	if (*one->name || *other->name)
		return strcmp(one->name, other->name) == 0;
	return is_loopback(one->address) && is_loopback(other->address);
}

/* They are tried in turn: what was at the same time counts once. */
static void join(struct peer_wait *wait, const struct peer_wait *other)
{
	uint64_t sum_ns = wait->wait_ns + other->wait_ns;
	struct span span = wait->span;

	if (other->span.from_ns < span.from_ns)
		span.from_ns = other->span.from_ns;
	if (other->span.to_ns > span.to_ns)
		span.to_ns = other->span.to_ns;
	if (other->wait_ns > wait->wait_ns) {
		TEXT_COPY(wait->address, other->address);
		wait->error = other->error;
	}
	wait->span = span;
	wait->wait_ns = sum_ns < span_length(span) ? sum_ns : span_length(span);
	wait->probe_ns += other->probe_ns;
	if (wait->probe_ns > wait->wait_ns)
		wait->probe_ns = wait->wait_ns;
	wait->count += other->count;
	wait->failed += other->failed;
	if (other->longest_ns > wait->longest_ns) {
		wait->longest_ns = other->longest_ns;
		TEXT_COPY(wait->query, other->query);
	}
}

static int longest_first(const void *a, const void *b)
{
	const struct peer_wait *one = a, *other = b;

	return (one->wait_ns < other->wait_ns) - (one->wait_ns > other->wait_ns);
}

static void add(struct peer_wait *all, uint32_t *count, const struct peer_wait *wait)
{
	for (uint32_t i = 0; i < *count; i++)
		if (is_same(&all[i], wait)) {
			join(&all[i], wait);
			return;
		}
	all[(*count)++] = *wait;
}

static const char *service_of(const struct address_names *names, const char *address)
{
	for (uint32_t i = 0; i < ADDRESS_NAMES_MAX; i++)
		if (strcmp(names->all[i].address, address) == 0)
			return names->all[i].name;
	return "";
}

void why_peers_named(struct address_names *names, const struct event *event)
{
	struct address_name *name = &names->all[names->next];

	for (uint32_t i = 0; i < ADDRESS_NAMES_MAX; i++)
		if (strcmp(names->all[i].address, event->address.address) == 0)
			name = &names->all[i];
	if (name == &names->all[names->next])
		names->next = (names->next + 1) % ADDRESS_NAMES_MAX;
	TEXT_COPY(name->address, event->address.address);
	TEXT_COPY(name->name, event->address.name);
}

void why_peers_fill(const struct why_facts *facts, const struct address_names *names,
		    const struct pods *pods, struct record_start *start)
{
	struct peer_wait all[WHY_PEERS_MAX];
	struct span window = window_of(start);
	uint32_t count = 0;

	for (uint32_t i = 0; i < facts->peer_count; i++) {
		struct peer_wait wait = so_far(facts, &facts->peers[i]);

		if (!clip(&wait, window))
			continue;
		pods_name_address(pods, wait.address, wait.name);
		if (!*wait.name)
			TEXT_COPY(wait.name, service_of(names, wait.address));
		add(all, &count, &wait);
	}
	qsort(all, count, sizeof(*all), longest_first);
	start->why.peer_count = count < START_PEERS_MAX ? count : START_PEERS_MAX;
	memcpy(start->why.peers, all, start->why.peer_count * sizeof(*all));
}
